"""The mistakes that are made less often, and other ways to make the common ones."""

from __future__ import annotations

from collections.abc import Mapping

from deconv_tutorial.diagnose.mistakes import (
    wrong_arrays,
    wrong_channels,
    wrong_indices,
    wrong_modes,
    wrong_padding,
    wrong_sizes,
    wrong_sums,
)
from deconv_tutorial.diagnose.mistakes.problem import Change, Map, Target
from deconv_tutorial.diagnose.mistakes.tables import SETTINGS

_OF_AXES: Mapping[str, Change] = {
    "stride-axes-exchanged": wrong_indices.exchanged_axes("stride"),
    "dilation-axes-exchanged": wrong_indices.exchanged_axes("dilation"),
    "padding-axes-exchanged": wrong_indices.exchanged_axes("padding_before"),
    "stride-of-last-axis": wrong_indices.setting_of_axis("stride", -1),
    "dilation-of-last-axis": wrong_indices.setting_of_axis("dilation", -1),
    "padding-of-last-axis": wrong_indices.setting_of_axis("padding_before", -1),
}
_OF_PADDING: Mapping[str, Change] = {
    "padding-opposite": wrong_padding.opposite,
    "padding-times-stride": wrong_padding.times_stride,
    "padding-times-dilation": wrong_padding.times_dilation,
}
_FILLINGS: Mapping[str, Change] = {
    "padding-repeats-border": wrong_padding.filled("edge"),
    "padding-mirrors": wrong_padding.filled("reflect"),
    "padding-wraps": wrong_padding.filled("wrap"),
}
_ONE_GROUP: Mapping[str, Change] = {
    "first-group-only": wrong_channels.one_group(0, of="w"),
    "last-group-only": wrong_channels.one_group(-1, of="w"),
}

_SAMPLES_LEFT_OUT: Mapping[str, Change] = {
    "last-sample-left-out": wrong_arrays.without_sample(-1),
    "first-sample-left-out": wrong_arrays.without_sample(0),
}

RARE: Mapping[Map, Mapping[str, Change]] = {
    "weight_grad": {
        **_SAMPLES_LEFT_OUT,
        "samples-multiplied": wrong_arrays.multiplied_samples,
        "groups-interleaved": wrong_channels.dealt_y,
        "groups-missing": wrong_channels.without_groups,
        "groups-summed": wrong_channels.summed_groups,
        "first-group-only": wrong_channels.one_group(0, of="y"),
        "last-group-only": wrong_channels.one_group(-1, of="y"),
        "last-output-left-out": wrong_sizes.all_outputs_but_the_last,
        "first-output-left-out": wrong_sizes.all_outputs_but_the_first,
        "last-tap-left-out": wrong_sizes.no_last_taps,
        "outputs-without-padding": wrong_sizes.only_unpadded_outputs,
        "taps-not-picked": wrong_modes.w_between_taps,
        "dilation-groups-exchanged": (
            wrong_channels.exchanged_dilation_and_groups(resized=False)
        ),
        **_OF_PADDING,
        **_FILLINGS,
        **_OF_AXES,
        "mode-same": wrong_modes.w_of_mode_same,
        "mode-full": wrong_modes.w_of_mode_full,
    },
    "input_grad": {
        "im2col-kc-order": wrong_channels.taps_first_weight,
        "im2col-ck-order": wrong_channels.channels_first_weight,
        "no-sum-over-filters-first-only": wrong_channels.first_filter,
        "last-filter-left-out": wrong_channels.all_filters_but_the_last,
        "spread-with-copies": wrong_sizes.spread_with_copies,
        "zeros-are-the-padding": wrong_sizes.spread_padded_by_padding,
        "size-without-dilation": wrong_sizes.size_without_dilation,
        "leftover-at-most-1": wrong_sizes.leftover_at_most_one,
        "crop-of-short-array": wrong_sizes.short_array_crop,
        "crop-start-only": wrong_sizes.crop_at_the_start_alone,
        "crop-end-only": wrong_sizes.crop_at_the_end_alone,
        "zeros-without-dilation": wrong_sizes.spread_short_in_front,
        "groups-interleaved": wrong_channels.dealt_y,
        "groups-missing": wrong_channels.without_groups,
        **_ONE_GROUP,
        "dilation-groups-exchanged": (
            wrong_channels.exchanged_dilation_and_groups(resized=True)
        ),
        "negative-index-wraps": wrong_padding.wrapped_scatter,
        "last-output-left-out": wrong_sizes.all_outputs_but_the_last,
        "first-output-left-out": wrong_sizes.all_outputs_but_the_first,
        "last-tap-left-out": wrong_sizes.all_taps_but_the_last,
        "outputs-without-padding": wrong_sizes.only_unpadded_outputs,
        **_OF_PADDING,
        **_OF_AXES,
        "size-of-strides": wrong_sizes.size_of_strides,
        "mode-valid": wrong_modes.x_of_mode_valid,
        "mode-same": wrong_modes.x_of_mode_same,
    },
    "forward": {
        "im2col-kc-order": wrong_channels.taps_first_weight,
        "im2col-ck-order": wrong_channels.channels_first_weight,
        "no-sum-over-channels-first-only": wrong_channels.first_input_channel,
        "last-channel-left-out": wrong_channels.all_input_channels_but_the_last,
        "size-rounded-up": wrong_sizes.outputs_rounded_up,
        "size-without-dilation": wrong_sizes.outputs_without_dilation,
        "size-with-one-padding": wrong_sizes.outputs_with_one_padding,
        "outputs-without-padding": wrong_sizes.outputs_without_padding,
        "last-output-left-out": wrong_sizes.outputs_but_the_last,
        "last-tap-left-out": wrong_sizes.all_taps_but_the_last,
        "groups-interleaved": wrong_channels.dealt_x,
        **_ONE_GROUP,
        **_OF_PADDING,
        **_FILLINGS,
        **_OF_AXES,
        "mode-same": wrong_modes.y_of_mode_same,
        "mode-full": wrong_modes.y_of_mode_full,
    },
    "bias": {**_SAMPLES_LEFT_OUT, "relu-included": wrong_arrays.masked_errors},
}
"""Mistakes of one map, in both layers."""

_OTHER_ERRORS: Mapping[str, Change] = {
    "d-out-not-used": wrong_arrays.ones_for_d_out,
    "relu-included": wrong_arrays.masked_errors,
}

RARE_OF_A_LAYER: Mapping[tuple[Target, bool], Mapping[str, Change]] = {
    ("dx", False): {
        "leftover-in-front": wrong_sizes.extra_in_front,
        **_OTHER_ERRORS,
    },
    ("dx", True): {**_OTHER_ERRORS},
    ("dw", False): {"relu-included": wrong_arrays.masked_errors},
    ("dw", True): {"relu-included": wrong_arrays.masked_errors},
    ("y", True): {
        "output-padding-at-both-ends": wrong_sizes.extra_at_both_ends,
        "output-padding-twice": wrong_sizes.extra_twice,
        "output-padding-subtracted": wrong_sizes.extra_taken_away,
        "output-padding0-both-axes": wrong_sizes.extra_of_the_first_axis,
        "output-padding-from-stride": wrong_sizes.extra_from_stride,
    },
}
"""Mistakes of one result of one layer."""

_ONE_AXIS = (
    wrong_sizes.all_but_the_last_of(0),
    wrong_sizes.all_but_the_last_of(-1),
)

VARIANTS: Mapping[Map, Mapping[str, tuple[Change, ...]]] = {
    "forward": {
        "padding-hard-1": (wrong_indices.padding(1),),
        "flip-all-axes": (wrong_arrays.flipped_filters,),
        "padding-missing": (wrong_indices.no_padding,),
        "last-output-left-out": (wrong_sizes.no_last_outputs,),
        "groups-interleaved": (
            wrong_channels.dealt_result,
            wrong_channels.dealt_x_and_result,
        ),
        "padding-axes-exchanged": (wrong_padding.exchanged_pairs,),
        "padding-from-kernel": (
            *wrong_padding.HALVES.values(),
            wrong_padding.refitted_half,
        ),
        **{
            stem: (wrong_indices.refitted_formula(change),)
            for stem, change in {**SETTINGS, **_OF_AXES}.items()
            if "shift" not in stem and stem != "padding-axes-exchanged"
        },
    },
    "input_grad": {
        "not-spread": (wrong_indices.unspread_uncropped,),
        "not-cropped": (wrong_indices.no_crop_of_the_rest,),
        "last-output-left-out": _ONE_AXIS,
        "crop-hard-1": (wrong_sums.crop_from_1,),
        "crop-one-by-one": (wrong_sums.crop_by_1,),
        "filters-reversed": (wrong_arrays.reversed_filters_and_kernels,),
        "flip-all-axes": (wrong_arrays.flipped_filters,),
        "crop-pad-minus-pad": (wrong_sums.crop_to_minus_before,),
        "groups-reversed": (wrong_arrays.reversed_kernels,),
        "no-sum-over-filters-last-only": (wrong_channels.last_filter_of_all,),
        "zeros-without-dilation": (
            wrong_sizes.spread_short_at_both_ends,
            wrong_sizes.spread_short_and_filled,
        ),
        "groups-interleaved": (
            wrong_channels.dealt_result,
            wrong_channels.dealt_y_and_result,
        ),
        "dilation-groups-exchanged": (
            wrong_channels.exchanged_dilation_and_groups(resized=False),
        ),
        "padding-from-kernel": tuple(wrong_padding.HALVES.values()),
    },
    "weight_grad": {
        "last-output-left-out": _ONE_AXIS,
        "padding-hard-1": (wrong_indices.padding(1),),
        "taps-not-picked": (wrong_modes.w_between_taps_cropped,),
        "groups-interleaved": (
            wrong_channels.dealt_x,
            wrong_channels.dealt_filters,
            wrong_channels.dealt_x_and_y,
        ),
        "padding-from-kernel": tuple(wrong_padding.HALVES.values()),
    },
    "bias": {
        "wrong-axes": (wrong_sums.other_sum(wrong_sums.sum_over_first_axes),),
        "not-reduced-over-space": (
            wrong_sums.other_sum(wrong_sums.sum_over_some_axes),
        ),
    },
}
"""Other ways to make the same mistakes, often with a result of another shape."""

VARIANTS_OF_A_RESULT: Mapping[Target, Mapping[str, tuple[Change, ...]]] = {
    "y": {"summed-over-samples": (wrong_sums.sum_of_samples(keepdims=True),)},
    "dx": {"summed-over-samples": (wrong_sums.sum_of_samples(keepdims=True),)},
    "dw": {},
    "db": {},
}
"""Other ways to make the mistakes of a last step."""

VARIANTS_OF_A_LAYER: Mapping[tuple[Target, bool], Mapping[str, tuple[Change, ...]]] = {
    ("y", True): {"output-padding-in-front": (wrong_sizes.extra_in_front,)},
    ("dx", False): {"leftover-in-front": (wrong_sums.last_places_in_front,)},
}
"""Other ways to make the mistakes of one layer."""
