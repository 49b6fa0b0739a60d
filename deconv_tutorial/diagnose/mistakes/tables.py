"""The mistakes by name: of every map, of one map, of one result, of one layer.

A table gives the part of a key behind the result, and the change that makes the
mistake. `rare` has those that are made less often.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from deconv_tutorial.diagnose.mistakes import (
    wrong_arrays,
    wrong_channels,
    wrong_indices,
    wrong_sizes,
    wrong_sums,
)
from deconv_tutorial.diagnose.mistakes.problem import Change, Map, Target

SETTINGS: Mapping[str, Change] = {
    "stride-missing": wrong_indices.changed_axes(lambda a: replace(a, stride=1)),
    "dilation-missing": wrong_indices.changed_axes(lambda a: replace(a, dilation=1)),
    "stride-dilation-exchanged": wrong_indices.changed_axes(
        lambda a: replace(a, stride=a.dilation, dilation=a.stride)
    ),
    "stride0-both-axes": wrong_indices.setting_of_axis("stride", 0),
    "dilation0-both-axes": wrong_indices.setting_of_axis("dilation", 0),
    "padding0-both-axes": wrong_indices.setting_of_axis("padding_before", 0),
    "padding-doubled": wrong_indices.changed_axes(
        lambda a: replace(a, padding_before=2 * a.padding_before)
    ),
    "spread-too-far": wrong_indices.changed_axes(
        lambda a: replace(a, stride=a.stride + 1)
    ),
    "dilation-from-zero": wrong_indices.changed_axes(wrong_indices.one_more_dilation),
    "dilation-one-less": wrong_indices.one_less_dilation,
    "stride-steps-taps": wrong_indices.changed_axes(
        lambda a: replace(a, dilation=a.dilation * a.stride)
    ),
    "dilation-steps-outputs": wrong_indices.changed_axes(
        lambda a: replace(a, stride=a.stride * a.dilation)
    ),
    "shift-one": wrong_indices.changed_axes(wrong_indices.shift(1)),
    "shift-one-back": wrong_indices.changed_axes(wrong_indices.shift(-1)),
}
"""Wrong settings: mistakes of every map except the sum for the bias."""

ARGUMENT: Mapping[Map, Mapping[str, Change]] = {
    "weight_grad": {
        "uses-y-not-gy": wrong_arrays.result_for_d_out,
        "d-out-not-used": wrong_arrays.ones_for_d_out,
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
        "first-sample": wrong_sums.other_sum(wrong_sums.sum_of_first_sample),
        "not-reduced-over-samples": wrong_sums.other_sum(wrong_sums.sum_over_places),
        "d-out-not-used": wrong_arrays.ones_for_d_out,
    },
}
"""Mistakes of one map, in both layers."""

_SAMPLES: Mapping[str, Change] = {
    "last-sample-only": wrong_sums.only_the_sample(-1),
    "first-sample-only": wrong_sums.only_the_sample(0),
    "samples-add-up": wrong_sums.running_sum,
    "summed-over-samples": wrong_sums.sum_of_samples(keepdims=False),
    "summed-over-channels": wrong_sums.shared_channels("sum"),
}

RESULT: Mapping[Target, Mapping[str, Change]] = {
    "dw": {
        "flipped": wrong_sums.reversed_space,
        "flipped-first-axis": wrong_sums.reversed_axis(0),
        "flipped-second-axis": wrong_sums.reversed_axis(1),
        "height-width-swapped": wrong_sums.exchanged_space,
        "channels-swapped": wrong_sums.exchanged_channels,
        "channels-reshaped": wrong_sums.reshaped_channels,
        "summed-over-input-channels": wrong_sums.shared_channels("sum"),
        "averaged-over-input-channels": wrong_sums.shared_channels("mean"),
        "summed-over-output-channels": wrong_sums.shared_channels("sum", axis=0),
        "im2col-kc-order": wrong_sums.taps_before_channels,
        "im2col-ck-order": wrong_channels.channels_before_taps,
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
        **_SAMPLES,
    },
    "db": {},
    "y": _SAMPLES,
}
"""Mistakes of one target that are made in the last step."""

SCALE: Mapping[str, Change] = {
    "negated": wrong_sums.multiplication_by(-1),
    "doubled": wrong_sums.multiplication_by(2),
    "mean-batch": wrong_sums.division_by(lambda p: len(p.x)),
}

OF_A_LAYER: Mapping[tuple[Target, bool], Mapping[str, Change]] = {
    ("dx", False): {
        "kernel-not-flipped": wrong_arrays.flipped_kernel,
        "conjugated": wrong_channels.conjugated_weight,
    },
    ("dw", False): {
        "convolve-instead-of-correlate": wrong_arrays.true_convolution,
        "conjugated": wrong_channels.conjugated_input,
    },
    ("dw", True): {
        "arguments-not-exchanged": wrong_arrays.true_convolution,
        "loops-not-exchanged": wrong_arrays.unexchanged_arguments,
        "output-padding-not-read": wrong_sizes.unread_extra,
        "conjugated": wrong_channels.conjugated_input,
    },
    ("db", True): {"output-padding-not-read": wrong_sizes.unread_extra},
    ("y", True): {
        "kernel-flipped": wrong_arrays.flipped_kernel,
        "padding-of-input": wrong_indices.padding_of_input,
        "output-padding-zeros": wrong_sums.empty_last_places,
        "output-padding-in-front": wrong_sums.last_places_in_front,
    },
    ("dx", True): {
        "reshape-without-transpose": wrong_arrays.mixed_errors,
        "output-padding-not-read": wrong_sizes.unread_extra,
        "size-from-d-out": wrong_sizes.outputs_of_all_places,
        "conjugated": wrong_channels.conjugated_weight,
    },
}
"""Mistakes that one layer alone has, or that have another name in it."""
