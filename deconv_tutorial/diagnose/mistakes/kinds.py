"""What a mistake gets wrong: two mistakes of one kind are not made together."""

from __future__ import annotations

from functools import cache

KINDS = {
    # Where the result begins on the long side: a padding, a crop, a shift.
    "start": (
        "x-not-padded pad-high-low-swapped padding0-both-axes padding-doubled "
        "shift-one shift-one-back crop-last crop-high-side crop-from-0 crop-hard-1 "
        "crop-pad-minus-pad crop-one-by-one crop-of-short-array crop-start-only "
        "crop-end-only not-cropped negative-padding-clipped padding-missing "
        "padding-hard-1 padding-of-input padding-opposite padding-times-stride "
        "padding-times-dilation padding-from-kernel padding-axes-exchanged "
        "padding-of-last-axis padding-repeats-border padding-mirrors padding-wraps "
        "zeros-without-dilation leftover-in-front output-padding-in-front "
        "output-padding-at-both-ends leftover-wrong-end mode-valid mode-same mode-full "
        "negative-index-wraps zeros-are-the-padding"
    ),
    # How many places the result has.
    "size": (
        "not-cropped crop-pad-minus-pad crop-one-by-one crop-of-short-array "
        "crop-start-only crop-end-only leftover-missing leftover-at-most-1 "
        "leftover-not-cropped leftover-wrong-end size-without-dilation size-rounded-up "
        "size-with-one-padding size-of-strides size-from-d-out not-spread "
        "padding-of-input output-padding-zeros output-padding-in-front "
        "output-padding-at-both-ends output-padding-twice output-padding0-both-axes "
        "output-padding-from-stride outputs-without-padding last-output-left-out "
        "zeros-without-dilation mode-valid mode-same mode-full taps-not-picked "
        "leftover-in-front output-padding-subtracted zeros-are-the-padding"
    ),
    "outputs": "loop-range-h-stride outputs-without-padding last-output-left-out "
    "first-output-left-out",
    "inputs": (
        "bounds-from-kernel size0-both-axes output-padding-not-read "
        "padding-repeats-border padding-mirrors padding-wraps negative-index-wraps"
    ),
    "taps": "last-tap-left-out taps-not-picked",
    "stride": (
        "stride-missing stride0-both-axes spread-too-far stride-dilation-exchanged "
        "not-spread stride-axes-exchanged stride-of-last-axis dilation-steps-outputs "
        "spread-with-copies"
    ),
    "dilation": (
        "dilation-missing dilation0-both-axes dilation-from-zero dilation-one-less "
        "stride-dilation-exchanged dilation-axes-exchanged dilation-of-last-axis "
        "stride-steps-taps dilation-groups-exchanged taps-not-picked mode-same "
        "mode-full"
    ),
    "flip": (
        "kernel-not-flipped kernel-flipped flip-all-axes rot90-on-channel-axes "
        "flipped flipped-first-axis flipped-second-axis filters-reversed "
        "convolve-instead-of-correlate arguments-not-exchanged"
    ),
    "turn": "kernel-turned height-width-swapped d-out-transposed",
    "channels": (
        "channels-not-exchanged channels-reshaped channels-swapped im2col-kc-order "
        "im2col-ck-order summed-over-input-channels averaged-over-input-channels "
        "summed-over-output-channels summed-over-channels rot90-on-channel-axes "
        "filters-reversed no-sum-over-filters-last-only no-sum-over-channels-last-only "
        "no-sum-over-filters-first-only no-sum-over-channels-first-only "
        "last-filter-left-out last-channel-left-out "
        "reshape-without-transpose flip-all-axes"
    ),
    "groups": (
        "groups-ignored groups-reversed groups-interleaved first-group-only "
        "last-group-only dilation-groups-exchanged groups-missing groups-summed"
    ),
    "samples": (
        "last-sample-only first-sample-only last-sample first-sample "
        "not-summed-over-samples samples-add-up summed-over-samples mean-batch "
        "not-reduced-over-samples assign-not-add last-sample-left-out "
        "first-sample-left-out samples-multiplied"
    ),
    "adding up": (
        "assign-not-add assign-not-add-by-output average-overlaps wrong-axes "
        "not-reduced-over-space not-reduced-over-samples of-the-input sum-all-channels "
        "last-sample first-sample"
    ),
    "factor": "mean-all mean-space mean-taps mean-batch doubled",
    "sign": "negated",
    "d_out": (
        "uses-y-not-gy d-out-not-used loops-not-exchanged of-the-input "
        "output-padding-not-read conjugated relu-included"
    ),
}
"""The names of mistakes by kind, without the result in which they show."""


@cache
def kinds_of(stem: str) -> frozenset[str]:
    """Return the kinds of a mistake.

    Examples
    --------
    >>> sorted(kinds_of("stride-dilation-exchanged"))
    ['dilation', 'stride']
    """
    return frozenset(kind for kind, stems in KINDS.items() if stem in stems.split())
