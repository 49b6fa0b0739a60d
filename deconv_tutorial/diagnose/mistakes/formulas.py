"""The mistakes as formulas: one of the three maps, called with something wrong.

Each mistake is a function from a right problem to a wrong one. It changes an argument,
the geometry, the way of adding up, or the last step. The wrong result is then computed
by our own maps, so that no mistake needs a convolution of its own. To make two mistakes
at once, call one function after the other.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from deconv_tutorial.diagnose.mistakes import (
    wrong_arrays,
    wrong_indices,
    wrong_sizes,
    wrong_sums,
)
from deconv_tutorial.diagnose.mistakes.problem import MAP_OF, Change, Map, Target


@dataclass(frozen=True)
class Formula:
    """A mistake as a function of a problem."""

    key: str
    """The name of the mistake."""
    target: Target
    """The result in which it shows."""
    change: Change
    """Makes the mistake: it returns a wrong problem, or None if that is impossible."""


_SETTINGS: Mapping[str, Change] = {
    "stride-missing": wrong_indices.changed_axes(lambda a: replace(a, stride=1)),
    "dilation-missing": wrong_indices.changed_axes(lambda a: replace(a, dilation=1)),
    "stride-dilation-exchanged": wrong_indices.changed_axes(
        lambda a: replace(a, stride=a.dilation, dilation=a.stride)
    ),
    "stride0-both-axes": wrong_indices.first_axis_setting("stride"),
    "dilation0-both-axes": wrong_indices.first_axis_setting("dilation"),
    "padding0-both-axes": wrong_indices.first_axis_setting("padding_before"),
    "padding-doubled": wrong_indices.changed_axes(
        lambda a: replace(a, padding_before=2 * a.padding_before)
    ),
    "spread-too-far": wrong_indices.changed_axes(
        lambda a: replace(a, stride=a.stride + 1)
    ),
    "dilation-from-zero": wrong_indices.changed_axes(wrong_indices.one_more_dilation),
    "dilation-one-less": wrong_indices.one_less_dilation,
    "stride-between-taps": wrong_indices.changed_axes(
        wrong_indices.stride_between_taps
    ),
    "shift-one": wrong_indices.changed_axes(wrong_indices.shift(1)),
    "shift-one-back": wrong_indices.changed_axes(wrong_indices.shift(-1)),
}
"""Wrong settings: mistakes of every map except the sum for the bias."""

_ARGUMENT: Mapping[Map, Mapping[str, Change]] = {
    "weight_grad": {
        "uses-y-not-gy": wrong_arrays.result_for_d_out,
        "x-not-padded": wrong_indices.padding(0),
        "pad-high-low-swapped": wrong_indices.padding_at_the_end,
        "leftover-wrong-end": wrong_indices.crop_at_the_wrong_end,
        "leftover-not-cropped": wrong_indices.no_crop_to_taps,
        "loop-range-h-stride": wrong_arrays.only_some_outputs,
        "bounds-from-kernel": wrong_arrays.as_many_inputs_as_taps,
        "size0-both-axes": wrong_arrays.first_size_everywhere,
        "negative-index-wraps": wrong_arrays.wrapped_indices,
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
        "rot90-on-channel-axes": wrong_arrays.flipped_weight,
        "channels-not-exchanged": wrong_arrays.exchanged_channels,
        "channels-reshaped": wrong_arrays.reshaped_channels,
        "kernel-turned": wrong_arrays.turned_kernel,
        "flipped-first-axis": wrong_arrays.one_flipped_axis(0),
        "flipped-second-axis": wrong_arrays.one_flipped_axis(1),
        "filters-reversed": wrong_arrays.reversed_filters,
        "no-sum-over-filters-last-only": wrong_arrays.last_filter,
        "groups-ignored": wrong_arrays.first_kernels,
        "groups-reversed": wrong_arrays.reversed_groups,
        "reshape-without-transpose": wrong_arrays.mixed_batch,
        "assign-not-add": wrong_sums.other_sum(wrong_sums.assignment),
        "assign-not-add-by-output": wrong_sums.other_sum(
            wrong_sums.assignment_by_output
        ),
        "average-overlaps": wrong_sums.other_sum(wrong_sums.average_of_overlaps),
        "crop-last": wrong_indices.crop_from_the_end,
        "crop-high-side": wrong_indices.padding_at_the_end,
        "crop-from-0": wrong_indices.padding(0),
        "crop-hard-1": wrong_indices.padding(1),
        "crop-pad-minus-pad": wrong_sums.crop_to_minus_after,
        "not-cropped": wrong_indices.no_crop,
        "loop-range-h-stride": wrong_arrays.only_some_outputs,
        "negative-padding-clipped": wrong_indices.changed_axes(
            wrong_indices.clipped_padding
        ),
        "leftover-missing": wrong_indices.missing_leftover,
        "leftover-at-most-one": wrong_sizes.resized(wrong_sizes.one_left_over),
        "short-crop": wrong_sizes.resized(wrong_sizes.end_of_last_window),
        "padding-without-dilation": wrong_sizes.padding_without_dilation(both=False),
        "taps-before-channels": wrong_arrays.taps_before_channels,
        "channels-before-taps": wrong_arrays.channels_before_taps,
        "not-spread": wrong_indices.unspread_errors,
    },
    "forward": {
        "kernel-flipped": wrong_arrays.flipped_kernel,
        "flip-all-axes": wrong_arrays.flipped_weight,
        "rot90-on-channel-axes": wrong_arrays.flipped_channels,
        "channels-not-exchanged": wrong_arrays.exchanged_channels,
        "channels-reshaped": wrong_arrays.reshaped_channels,
        "kernel-turned": wrong_arrays.turned_kernel,
        "flipped-first-axis": wrong_arrays.one_flipped_axis(0),
        "flipped-second-axis": wrong_arrays.one_flipped_axis(1),
        "filters-reversed": wrong_arrays.reversed_filters,
        "no-sum-over-channels-last-only": wrong_arrays.last_input_channel,
        "groups-ignored": wrong_arrays.first_kernels,
        "taps-before-channels": wrong_arrays.taps_before_channels,
        "channels-before-taps": wrong_arrays.channels_before_taps,
        "padding-missing": wrong_indices.padding(0),
        "pad-high-low-swapped": wrong_indices.padding_at_the_end,
        "loop-range-h-stride": wrong_sums.first_places_only,
        "bounds-from-kernel": wrong_arrays.as_many_inputs_as_taps,
        "size0-both-axes": wrong_arrays.first_size_everywhere,
        "negative-index-wraps": wrong_arrays.wrapped_indices,
    },
    "bias": {
        "mean-all": wrong_sums.division_by(
            lambda p: len(p.x) * wrong_sums.place_count(p)
        ),
        "mean-space": wrong_sums.division_by(wrong_sums.place_count),
        "not-reduced-over-space": wrong_sums.other_sum(wrong_sums.sum_over_samples),
        "wrong-axes": wrong_sums.other_sum(wrong_sums.sum_over_other_axes),
        "of-the-input": wrong_sums.other_sum(wrong_sums.sum_of_input),
        "sum-all-channels": wrong_sums.other_sum(wrong_sums.sum_over_everything),
        "last-sample": wrong_sums.other_sum(wrong_sums.sum_of_last_sample),
    },
}
"""Mistakes of one map, in both layers."""

_RESULT: Mapping[Target, Mapping[str, Change]] = {
    "dw": {
        "flipped": wrong_sums.reversed_space,
        "flipped-first-axis": wrong_sums.reversed_axis(0),
        "flipped-second-axis": wrong_sums.reversed_axis(1),
        "height-width-swapped": wrong_sums.exchanged_space,
        "channels-swapped": wrong_sums.exchanged_channels,
        "channels-reshaped": wrong_sums.reshaped_channels,
        "summed-over-input-channels": wrong_sums.shared_input_channels("sum"),
        "averaged-over-input-channels": wrong_sums.shared_input_channels("mean"),
        "im2col-kc-order": wrong_sums.taps_before_channels,
        "im2col-ck-order": wrong_sums.channels_before_taps,
        "not-summed-over-samples": wrong_sums.other_sum(wrong_sums.gradient_per_sample),
        "mean-all": wrong_sums.division_by(
            lambda p: len(p.x) * wrong_sums.place_count(p)
        ),
        "mean-space": wrong_sums.division_by(wrong_sums.place_count),
        "mean-taps": wrong_sums.division_by(wrong_sums.tap_count),
    },
    "dx": {
        "flipped": wrong_sums.reversed_space,
        "height-width-swapped": wrong_sums.exchanged_space,
        "mean-taps": wrong_sums.division_by(wrong_sums.tap_count),
        "last-sample-only": wrong_sums.only_the_last_sample,
    },
    "db": {},
    "y": {"last-sample-only": wrong_sums.only_the_last_sample},
}
"""Mistakes of one target that are made in the last step."""

CROPS = frozenset(
    {
        "crop-last",
        "crop-high-side",
        "crop-from-0",
        "crop-hard-1",
        "crop-pad-minus-pad",
        "crop-one-by-one",
        "not-cropped",
        "short-crop",
        "leftover-missing",
        "leftover-at-most-one",
    }
)
"""The mistakes that cut a window out of a result. Nobody cuts two."""

_SCALE: Mapping[str, Change] = {
    "negated": wrong_sums.multiplication_by(-1),
    "doubled": wrong_sums.multiplication_by(2),
    "mean-batch": wrong_sums.division_by(lambda p: len(p.x)),
}

_OF_A_LAYER: Mapping[tuple[Target, bool], Mapping[str, Change]] = {
    ("dx", False): {
        "kernel-not-flipped": wrong_arrays.flipped_kernel,
        "groups-interleaved": wrong_sizes.interleaved_result,
    },
    ("dw", False): {
        "convolve-instead-of-correlate": wrong_arrays.true_convolution,
        "groups-interleaved": wrong_sizes.interleaved_channels,
    },
    ("y", False): {
        "groups-interleaved": wrong_sizes.interleaved_channels,
        "groups-dilation-exchanged": wrong_sizes.exchanged_groups_and_dilation,
        "size-rounded-up": wrong_sizes.other_output_size(wrong_sizes.rounded_up),
        "size-one-less": wrong_sizes.other_output_size(wrong_sizes.without_the_one),
        "size-without-dilation": wrong_sizes.other_output_size(
            wrong_sizes.without_span
        ),
        "padding-counted-once": wrong_sizes.other_output_size(wrong_sizes.padding_once),
    },
    ("db", True): {
        "output-padding-unread": wrong_sums.other_sum(
            wrong_sums.sum_without_output_padding
        )
    },
    ("dw", True): {
        "arguments-not-exchanged": wrong_arrays.true_convolution,
        "loops-not-exchanged": wrong_arrays.unexchanged_arguments,
        "output-padding-unread": wrong_sizes.unread_output_padding,
    },
    ("y", True): {
        "kernel-flipped": wrong_arrays.flipped_kernel,
        "padding-of-input": wrong_indices.padding_of_input,
        "output-padding-zeros": wrong_sums.empty_last_places,
        "output-padding0-both-axes": wrong_sizes.resized(
            wrong_sizes.output_padding_of_first_axis
        ),
        "output-padding-in-front": wrong_sums.last_places_in_front,
        "size-without-dilation": wrong_indices.size_without_dilation,
    },
    ("dx", True): {
        "reshape-without-transpose": wrong_arrays.mixed_errors,
        "output-padding-unread": wrong_sizes.unread_output_padding,
        "conv-over-all": wrong_sizes.conv_over_all,
    },
}
"""Mistakes that one layer alone has, or that have another name in it."""


_VARIANTS: Mapping[Map, Mapping[str, Change]] = {
    "forward": {
        "padding-hard-1": wrong_indices.padding(1),
        "flip-all-axes": wrong_arrays.flipped_filters,
        "padding-missing": wrong_sizes.no_padding,
        "no-sum-over-channels-last-only": wrong_arrays.last_input_channel_of_all,
        **{
            stem: wrong_sizes.refitted_formula(change)
            for stem, change in _SETTINGS.items()
            if "shift" not in stem
        },
    },
    "input_grad": {
        "crop-hard-1": wrong_sums.crop_from_1,
        "crop-one-by-one": wrong_sums.crop_by_1,
        "filters-reversed": wrong_arrays.reversed_filters_and_kernels,
        "flip-all-axes": wrong_arrays.flipped_filters,
        "crop-pad-minus-pad": wrong_sums.crop_to_minus_before,
        "groups-reversed": wrong_arrays.reversed_kernels,
        "padding-without-dilation": wrong_sizes.padding_without_dilation(both=True),
        "no-sum-over-filters-last-only": wrong_arrays.last_filter_of_all,
    },
    "weight_grad": {"padding-hard-1": wrong_indices.padding(1)},
    "bias": {},
}
"""Other ways to make the same mistakes, often with a result of another shape."""


def formulas(target: Target, *, transposed: bool) -> tuple[Formula, ...]:
    """Return the mistakes of one result of a layer, the most likely ones first.

    A mistake that can be made in two ways has two formulas, with one key.

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
    return tuple(
        Formula(f"{target}-{stem}", target, change)
        for group in groups
        for stem, change in group.items()
    )
