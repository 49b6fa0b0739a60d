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

from deconv_tutorial.diagnose import arguments, geometries, results
from deconv_tutorial.diagnose.problem import MAPS, Change, Map, Target


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
    "stride-missing": geometries.axes(lambda a: replace(a, stride=1)),
    "dilation-missing": geometries.axes(lambda a: replace(a, dilation=1)),
    "stride-dilation-exchanged": geometries.axes(
        lambda a: replace(a, stride=a.dilation, dilation=a.stride)
    ),
    "stride0-both-axes": geometries.first_axis("stride"),
    "dilation0-both-axes": geometries.first_axis("dilation"),
    "padding0-both-axes": geometries.first_axis("padding_before"),
    "padding-doubled": geometries.axes(
        lambda a: replace(a, padding_before=2 * a.padding_before)
    ),
    "spread-too-far": geometries.axes(lambda a: replace(a, stride=a.stride + 1)),
    "dilation-from-zero": geometries.axes(geometries.one_more_dilation),
    "dilation-one-less": geometries.one_less_dilation,
    "shift-one": geometries.axes(geometries.shifted(1)),
    "shift-one-back": geometries.axes(geometries.shifted(-1)),
}
"""Mistakes of every map but the bias: wrong settings."""

_ARGUMENT: Mapping[Map, Mapping[str, Change]] = {
    "weight_grad": {
        "uses-y-not-gy": arguments.result_for_d_out,
        "x-not-padded": geometries.padding(0),
        "pad-high-low-swapped": geometries.padding_at_the_end,
        "leftover-wrong-end": geometries.cropped_at_the_wrong_end,
        "leftover-not-cropped": geometries.not_cropped_to_taps,
        "loop-range-h-stride": arguments.only_some_outputs,
        "bounds-from-kernel": arguments.only_as_many_as_taps,
        "size0-both-axes": arguments.as_large_as_the_first,
        "negative-index-wraps": arguments.wrapped,
        "d-out-transposed": arguments.turned_errors,
        "assign-not-add": arguments.last_output,
        "last-sample-only": arguments.last_sample,
        "first-sample-only": arguments.first_sample,
        "reshape-without-transpose": arguments.mixed_batch,
        "groups-ignored": arguments.first_group,
        "groups-reversed": arguments.reversed_groups,
    },
    "input_grad": {
        # In a gather the kernel has to be reversed: then one is left that is not.
        "flip-all-axes": arguments.flipped_channels,
        "rot90-on-channel-axes": arguments.flipped_everywhere,
        "channels-not-exchanged": arguments.exchanged_channels,
        "channels-reshaped": arguments.reshaped_channels,
        "kernel-turned": arguments.turned_kernel,
        "flipped-first-axis": arguments.flipped_one_axis(0),
        "flipped-second-axis": arguments.flipped_one_axis(1),
        "filters-reversed": arguments.reversed_filters,
        "no-sum-over-filters-last-only": arguments.last_filter,
        "groups-ignored": arguments.first_kernels,
        "groups-reversed": arguments.reversed_groups,
        "reshape-without-transpose": arguments.mixed_batch,
        "assign-not-add": results.summed_by(results.assigned),
        "assign-not-add-by-output": results.summed_by(results.assigned_by_output),
        "average-overlaps": results.summed_by(results.averaged),
        "crop-last": geometries.cropped_from_the_end,
        "crop-high-side": geometries.padding_at_the_end,
        "crop-from-0": geometries.padding(0),
        "crop-hard-1": geometries.padding(1),
        "crop-pad-minus-pad": results.sliced,
        "not-cropped": geometries.not_cropped,
        "loop-range-h-stride": arguments.only_some_outputs,
        "negative-padding-clipped": geometries.axes(geometries.clipped),
        "leftover-missing": geometries.without_leftover,
        "not-spread": geometries.not_spread,
    },
    "forward": {
        "kernel-flipped": arguments.flipped_kernel,
        "flip-all-axes": arguments.flipped_everywhere,
        "rot90-on-channel-axes": arguments.flipped_channels,
        "channels-not-exchanged": arguments.exchanged_channels,
        "channels-reshaped": arguments.reshaped_channels,
        "kernel-turned": arguments.turned_kernel,
        "flipped-first-axis": arguments.flipped_one_axis(0),
        "flipped-second-axis": arguments.flipped_one_axis(1),
        "filters-reversed": arguments.reversed_filters,
        "no-sum-over-channels-last-only": arguments.last_input_channel,
        "groups-ignored": arguments.first_kernels,
        "padding-missing": geometries.padding(0),
        "pad-high-low-swapped": geometries.padding_at_the_end,
        "loop-range-h-stride": results.first_places_only,
        "bounds-from-kernel": arguments.only_as_many_as_taps,
        "size0-both-axes": arguments.as_large_as_the_first,
        "negative-index-wraps": arguments.wrapped,
    },
    "bias": {
        "mean-all": results.divided(lambda p: len(p.x) * results.places(p)),
        "mean-space": results.divided(results.places),
        "not-reduced-over-space": results.summed_by(results.not_over_space),
        "wrong-axes": results.summed_by(results.over_other_axes),
        "of-the-input": results.summed_by(results.of_the_input),
        "sum-all-channels": results.summed_by(results.over_everything),
        "last-sample": results.summed_by(results.of_last_sample),
    },
}
"""Mistakes of one map, whichever layer's result it is."""

_RESULT: Mapping[Target, Mapping[str, Change]] = {
    "dw": {
        "flipped": results.reversed_space,
        "flipped-first-axis": results.reversed_axis(0),
        "flipped-second-axis": results.reversed_axis(1),
        "height-width-swapped": results.exchanged_space,
        "channels-swapped": results.exchanged_channels,
        "channels-reshaped": results.reshaped_channels,
        "summed-over-input-channels": results.same_for_input_channels("sum"),
        "averaged-over-input-channels": results.same_for_input_channels("mean"),
        "im2col-kc-order": results.taps_before_channels,
        "not-summed-over-samples": results.summed_by(results.per_sample),
        "mean-all": results.divided(lambda p: len(p.x) * results.places(p)),
        "mean-space": results.divided(results.places),
        "mean-taps": results.divided(results.taps),
    },
    "dx": {
        "flipped": results.reversed_space,
        "height-width-swapped": results.exchanged_space,
        "mean-taps": results.divided(results.taps),
        "last-sample-only": results.only_the_last_sample,
    },
    "db": {},
    "y": {"last-sample-only": results.only_the_last_sample},
}
"""Mistakes of one target: what is done to it at the end."""

_SCALE: Mapping[str, Change] = {
    "negated": results.times(-1),
    "doubled": results.times(2),
    "mean-batch": results.divided(lambda p: len(p.x)),
}

_OF_A_LAYER: Mapping[tuple[Target, bool], Mapping[str, Change]] = {
    ("dx", False): {"kernel-not-flipped": arguments.flipped_kernel},
    ("dw", False): {"convolve-instead-of-correlate": arguments.convolved},
    ("dw", True): {
        "arguments-not-exchanged": arguments.convolved,
        "loops-not-exchanged": arguments.not_exchanged,
    },
    ("y", True): {
        "kernel-flipped": arguments.flipped_kernel,
        "padding-of-input": geometries.padding_of_input,
        "output-padding-zeros": results.last_places_empty,
        "output-padding-in-front": results.last_places_in_front,
        "size-without-dilation": geometries.size_without_dilation,
    },
    ("dx", True): {"reshape-without-transpose": arguments.mixed_errors},
}
"""Mistakes that have a name of their own in one layer."""


_VARIANTS: Mapping[Map, Mapping[str, Change]] = {
    "forward": {
        "padding-hard-1": geometries.padding(1),
        "flip-all-axes": arguments.flipped_filters,
        "padding-missing": geometries.without_padding,
        **{
            stem: geometries.refitted(change)
            for stem, change in _SETTINGS.items()
            if "shift" not in stem
        },
    },
    "input_grad": {
        "crop-hard-1": results.sliced_from_1,
        "crop-one-by-one": results.sliced_by_1,
        "filters-reversed": arguments.reversed_filters_and_kernels,
        "flip-all-axes": arguments.flipped_filters,
        "crop-pad-minus-pad": results.sliced_by_the_first,
        "groups-reversed": arguments.reversed_kernels,
    },
    "weight_grad": {"padding-hard-1": geometries.padding(1)},
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
    name = MAPS[transposed][target]
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
