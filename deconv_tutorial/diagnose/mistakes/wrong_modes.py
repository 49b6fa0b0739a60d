"""Which places a slide has: the modes of a library, and the places between taps."""

from __future__ import annotations

from dataclasses import replace

from deconv_tutorial.diagnose.mistakes.wrong_sizes import (
    reach,
    resized,
    room_of,
    spread_size,
)

x_of_mode_valid = resized(
    lambda a, _, __: replace(
        a, input_size=spread_size(a) - reach(a), padding_before=reach(a)
    )
)
"""Slide the kernel over the spread d_out where it lies inside alone."""
x_of_mode_same = resized(
    lambda a, _, __: replace(a, input_size=spread_size(a), padding_before=reach(a) // 2)
)
"""Return a dx as large as the spread d_out."""
y_of_mode_same = resized(
    lambda a, _, __: replace(
        a, output_size=(a.input_size - 1) // a.stride + 1, padding_before=reach(a) // 2
    )
)
"""Return a y as large as the input."""
y_of_mode_full = resized(
    lambda a, _, __: replace(
        a,
        output_size=(a.input_size + reach(a) - 1) // a.stride + 1,
        padding_before=reach(a),
    )
)
"""Return a y for each place where kernel and input overlap."""
w_of_mode_same = resized(
    lambda a, after, _: replace(
        a,
        kernel_size=room_of(a, after),
        dilation=1,
        padding_before=a.padding_before + (spread_size(a) - 1) // 2,
    )
)
"""Return a dw as large as the padded input."""
w_of_mode_full = resized(
    lambda a, after, _: replace(
        a,
        kernel_size=room_of(a, after) + spread_size(a) - 1,
        dilation=1,
        padding_before=a.padding_before + spread_size(a) - 1,
    )
)
"""Return a dw for each place where d_out and input overlap."""
w_between_taps = resized(
    lambda a, _, leftover: replace(a, kernel_size=reach(a) + 1 + leftover, dilation=1)
)
"""Keep the places between the taps of a dilated kernel, and what is left over."""
w_between_taps_cropped = resized(
    lambda a, _, __: replace(a, kernel_size=reach(a) + 1, dilation=1)
)
"""Keep the places between the taps of a dilated kernel."""
