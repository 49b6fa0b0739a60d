"""The mistakes as formulas: one of the three maps, called with something wrong.

Each is a function from a right problem to a wrong one: another argument, another
geometry, another way of adding up, or another last step. What it computes is then one
of our own maps, so a mistake has no convolution of its own; and two mistakes at once
are one function after the other.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial

from deconv_tutorial.diagnose.mistakes import wrong_arrays, wrong_indices, wrong_sums
from deconv_tutorial.diagnose.mistakes.problem import MAP_OF, Change, Map, Target


@dataclass(frozen=True)
class Formula:
    """A mistake as a function of a problem."""

    key: str
    """The name of the mistake."""
    target: Target
    """The result in which it shows."""
    map: Map
    """The map that is called with something wrong."""
    change: Change
    """What is wrong: it returns a wrong problem, or None where that cannot be."""


_SETTINGS: Mapping[str, Change] = {
    "stride-missing": wrong_indices.axes(lambda a: replace(a, stride=1)),
    "dilation-missing": wrong_indices.axes(lambda a: replace(a, dilation=1)),
    "stride-dilation-exchanged": wrong_indices.axes(
        lambda a: replace(a, stride=a.dilation, dilation=a.stride)
    ),
    "stride0-both-axes": wrong_indices.first_axis("stride"),
    "dilation0-both-axes": wrong_indices.first_axis("dilation"),
    "padding0-both-axes": wrong_indices.first_axis("padding_before"),
    "padding-doubled": wrong_indices.axes(
        lambda a: replace(a, padding_before=2 * a.padding_before)
    ),
    "spread-too-far": wrong_indices.axes(lambda a: replace(a, stride=a.stride + 1)),
    "dilation-from-zero": wrong_indices.axes(wrong_indices.one_more_dilation),
    "dilation-one-less": wrong_indices.one_less_dilation,
    "shift-one": wrong_indices.axes(wrong_indices.shifted(1)),
    "shift-one-back": wrong_indices.axes(wrong_indices.shifted(-1)),
}
"""Mistakes of every map but the bias: wrong settings."""

_ARGUMENT: Mapping[Map, Mapping[str, Change]] = {
    "weight_grad": {
        "uses-y-not-gy": wrong_arrays.result_for_d_out,
        "x-not-padded": wrong_indices.padding(0),
        "pad-high-low-swapped": wrong_indices.padding_at_the_end,
        "leftover-wrong-end": wrong_indices.cropped_at_the_wrong_end,
        "leftover-not-cropped": wrong_indices.not_cropped_to_taps,
        "loop-range-h-stride": wrong_arrays.only_some_outputs,
        "bounds-from-kernel": wrong_arrays.only_as_many_as_taps,
        "size0-both-axes": wrong_arrays.as_large_as_the_first,
        "negative-index-wraps": wrong_arrays.wrapped,
        "d-out-transposed": wrong_arrays.turned_errors,
        "assign-not-add": wrong_arrays.last_output,
        "last-sample-only": wrong_arrays.last_sample,
        "first-sample-only": wrong_arrays.first_sample,
        "reshape-without-transpose": wrong_arrays.mixed_batch,
        "groups-ignored": wrong_arrays.first_group,
        "groups-reversed": wrong_arrays.reversed_groups,
    },
    "input_grad": {
        # In a gather the kernel has to be reversed: then one is left that is not.
        "flip-all-axes": wrong_arrays.flipped_channels,
        "rot90-on-channel-axes": wrong_arrays.flipped_everywhere,
        "channels-not-exchanged": wrong_arrays.exchanged_channels,
        "channels-reshaped": wrong_arrays.reshaped_channels,
        "kernel-turned": wrong_arrays.turned_kernel,
        "flipped-first-axis": wrong_arrays.flipped_one_axis(0),
        "flipped-second-axis": wrong_arrays.flipped_one_axis(1),
        "filters-reversed": wrong_arrays.reversed_filters,
        "no-sum-over-filters-last-only": wrong_arrays.last_filter,
        "groups-ignored": wrong_arrays.first_kernels,
        "groups-reversed": wrong_arrays.reversed_groups,
        "reshape-without-transpose": wrong_arrays.mixed_batch,
        "assign-not-add": wrong_sums.summed_by(wrong_sums.assigned),
        "assign-not-add-by-output": wrong_sums.summed_by(wrong_sums.assigned_by_output),
        "average-overlaps": wrong_sums.summed_by(wrong_sums.averaged),
        "crop-last": wrong_indices.cropped_from_the_end,
        "crop-high-side": wrong_indices.padding_at_the_end,
        "crop-from-0": wrong_indices.padding(0),
        "crop-hard-1": wrong_indices.padding(1),
        "crop-pad-minus-pad": wrong_sums.sliced,
        "not-cropped": wrong_indices.not_cropped,
        "loop-range-h-stride": wrong_arrays.only_some_outputs,
        "negative-padding-clipped": wrong_indices.axes(wrong_indices.clipped),
        "leftover-missing": wrong_indices.without_leftover,
        "not-spread": wrong_indices.not_spread,
    },
    "forward": {
        "kernel-flipped": wrong_arrays.flipped_kernel,
        "flip-all-axes": wrong_arrays.flipped_everywhere,
        "rot90-on-channel-axes": wrong_arrays.flipped_channels,
        "channels-not-exchanged": wrong_arrays.exchanged_channels,
        "channels-reshaped": wrong_arrays.reshaped_channels,
        "kernel-turned": wrong_arrays.turned_kernel,
        "flipped-first-axis": wrong_arrays.flipped_one_axis(0),
        "flipped-second-axis": wrong_arrays.flipped_one_axis(1),
        "filters-reversed": wrong_arrays.reversed_filters,
        "no-sum-over-channels-last-only": wrong_arrays.last_input_channel,
        "groups-ignored": wrong_arrays.first_kernels,
        "padding-missing": wrong_indices.padding(0),
        "pad-high-low-swapped": wrong_indices.padding_at_the_end,
        "loop-range-h-stride": wrong_sums.first_places_only,
        "bounds-from-kernel": wrong_arrays.only_as_many_as_taps,
        "size0-both-axes": wrong_arrays.as_large_as_the_first,
        "negative-index-wraps": wrong_arrays.wrapped,
    },
    "bias": {
        "mean-all": wrong_sums.divided(lambda p: len(p.x) * wrong_sums.places(p)),
        "mean-space": wrong_sums.divided(wrong_sums.places),
        "not-reduced-over-space": wrong_sums.summed_by(wrong_sums.not_over_space),
        "wrong-axes": wrong_sums.summed_by(wrong_sums.over_other_axes),
        "of-the-input": wrong_sums.summed_by(wrong_sums.of_the_input),
        "sum-all-channels": wrong_sums.summed_by(wrong_sums.over_everything),
        "last-sample": wrong_sums.summed_by(wrong_sums.of_last_sample),
    },
}
"""Mistakes of one map, whichever layer's result it is."""

_RESULT: Mapping[Target, Mapping[str, Change]] = {
    "dw": {
        "flipped": wrong_sums.reversed_space,
        "flipped-first-axis": wrong_sums.reversed_axis(0),
        "flipped-second-axis": wrong_sums.reversed_axis(1),
        "height-width-swapped": wrong_sums.exchanged_space,
        "channels-swapped": wrong_sums.exchanged_channels,
        "channels-reshaped": wrong_sums.reshaped_channels,
        "summed-over-input-channels": wrong_sums.same_for_input_channels("sum"),
        "averaged-over-input-channels": wrong_sums.same_for_input_channels("mean"),
        "im2col-kc-order": wrong_sums.taps_before_channels,
        "not-summed-over-samples": wrong_sums.summed_by(wrong_sums.per_sample),
        "mean-all": wrong_sums.divided(lambda p: len(p.x) * wrong_sums.places(p)),
        "mean-space": wrong_sums.divided(wrong_sums.places),
        "mean-taps": wrong_sums.divided(wrong_sums.taps),
    },
    "dx": {
        "flipped": wrong_sums.reversed_space,
        "height-width-swapped": wrong_sums.exchanged_space,
        "mean-taps": wrong_sums.divided(wrong_sums.taps),
        "last-sample-only": wrong_sums.only_the_last_sample,
    },
    "db": {},
    "y": {"last-sample-only": wrong_sums.only_the_last_sample},
}
"""Mistakes of one target: what is done to it at the end."""

_SCALE: Mapping[str, Change] = {
    "negated": wrong_sums.times(-1),
    "doubled": wrong_sums.times(2),
    "mean-batch": wrong_sums.divided(lambda p: len(p.x)),
}

_OF_A_LAYER: Mapping[tuple[Target, bool], Mapping[str, Change]] = {
    ("dx", False): {"kernel-not-flipped": wrong_arrays.flipped_kernel},
    ("dw", False): {"convolve-instead-of-correlate": wrong_arrays.convolved},
    ("dw", True): {
        "arguments-not-exchanged": wrong_arrays.convolved,
        "loops-not-exchanged": wrong_arrays.not_exchanged,
    },
    ("y", True): {
        "kernel-flipped": wrong_arrays.flipped_kernel,
        "padding-of-input": wrong_indices.padding_of_input,
        "output-padding-zeros": wrong_sums.last_places_empty,
        "output-padding-in-front": wrong_sums.last_places_in_front,
        "size-without-dilation": wrong_indices.size_without_dilation,
    },
    ("dx", True): {"reshape-without-transpose": wrong_arrays.mixed_errors},
}
"""Mistakes that have a name of their own in one layer."""


_VARIANTS: Mapping[Map, Mapping[str, Change]] = {
    "forward": {
        "padding-hard-1": wrong_indices.padding(1),
        "flip-all-axes": wrong_arrays.flipped_filters,
        "padding-missing": wrong_indices.without_padding,
        **{
            stem: wrong_indices.refitted(change)
            for stem, change in _SETTINGS.items()
            if "shift" not in stem
        },
    },
    "input_grad": {
        "crop-hard-1": wrong_sums.sliced_from_1,
        "crop-one-by-one": wrong_sums.sliced_by_1,
        "filters-reversed": wrong_arrays.reversed_filters_and_kernels,
        "flip-all-axes": wrong_arrays.flipped_filters,
        "crop-pad-minus-pad": wrong_sums.sliced_by_the_first,
        "groups-reversed": wrong_arrays.reversed_kernels,
    },
    "weight_grad": {"padding-hard-1": wrong_indices.padding(1)},
    "bias": {},
}
"""Other arrays that the same mistakes give, often of another shape; and rare ones."""


def formulas(target: Target, *, transposed: bool) -> tuple[Formula, ...]:
    """Return the mistakes of one result of a layer, the likeliest first.

    A mistake that can be made in two ways is there twice.

    Examples
    --------
    >>> [formula.key for formula in formulas("db", transposed=False)][:2]
    ['db-mean-all', 'db-mean-space']
    """
    name = MAP_OF[transposed][target]
    none: Mapping[str, Change] = {}
    groups = [
        _OF_A_LAYER.get((target, transposed), none),
        _RESULT[target],
        _ARGUMENT[name],
        _SETTINGS if name != "bias" else none,
        _SCALE if target != "y" else none,
        _VARIANTS[name],
    ]
    make = partial(Formula, target=target, map=name)
    return tuple(
        make(f"{target}-{stem}", change=change)
        for group in groups
        for stem, change in group.items()
    )
