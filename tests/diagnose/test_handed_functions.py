"""Wrong functions as people have written them: each one is found and described."""

import re

import numpy as np
import pytest

from deconv_tutorial import (
    conv,
    conv_backward,
    conv_transpose,
    conv_transpose_backward,
    diagnose,
)
from deconv_tutorial.geometry.settings import per_axis

ONE = "one number for all axes"


def sizes_from_d_out(d_out, x, w, stride):
    """Both sizes follow from d_out: dx ends with the last window, dw goes on."""
    (n, c, size), (_, _, outputs), (_, _, taps) = x.shape, d_out.shape, w.shape
    dx = np.zeros((n, c, stride * (outputs - 1) + taps))
    for o in range(outputs):
        dx[:, :, o * stride : o * stride + taps] += np.einsum(
            "na,abk->nbk", d_out[..., o], w
        )
    dw = np.stack(
        [
            np.einsum("nao,nbo->ab", d_out, x[:, :, k : k + stride * outputs : stride])
            for k in range(size - stride * (outputs - 1))
        ],
        axis=-1,
    )
    return dx, dw, d_out.sum((0, 2))


def at_most_one_left_over(d_out, x, w, stride):
    dx, dw, db = conv_backward(d_out, x, w, stride=stride)
    reach = stride * (d_out.shape[2] - 1) + w.shape[2]
    return dx[..., : reach + 1], dw, db


def short_crop(d_out, x, w, stride, padding):
    """The padded gradient ends with the last window, and is cropped like x."""
    taps, outputs = w.shape[2], d_out.shape[2]
    full = np.zeros((*x.shape[:2], stride * (outputs - 1) + taps))
    for o in range(outputs):
        full[:, :, o * stride : o * stride + taps] += np.einsum(
            "na,abk->nbk", d_out[..., o], w
        )
    dx = full[:, :, padding : padding + x.shape[2]]
    _, dw, db = conv_backward(d_out, x, w, stride=stride, padding=padding)
    return dx, dw, db


def dx_by_a_conv_over_all(d_out, x, w, stride, dilation, output_padding):
    del output_padding
    _, dw, db = padded_backward(d_out, x, w, stride=stride, dilation=dilation)
    return conv(d_out, w, stride=stride, dilation=dilation), dw, db


def padded_backward(d_out, x, w, stride, dilation, padding=0):
    """Return the right gradients of a transposed layer, for any output_padding."""
    least = conv_transpose(x, w, stride=stride, dilation=dilation, padding=padding)
    extra = d_out.shape[2] - least.shape[2]
    return conv_transpose_backward(
        d_out,
        x,
        w,
        stride=stride,
        dilation=dilation,
        padding=padding,
        output_padding=extra,
    )


def without_what_output_padding_adds(d_out, x, w, stride, padding, output_padding):
    d_out = d_out.copy()
    for axis in range(2, d_out.ndim):
        kept = d_out.shape[axis] - output_padding
        d_out[(slice(None),) * axis + (slice(kept, None),)] = 0
    return conv_transpose_backward(
        d_out, x, w, stride=stride, padding=padding, output_padding=output_padding
    )


def padding_without_the_dilation(d_out, x, w, dilation):
    """It pads the spread d_out by taps - 1, and slides the dilated kernel over it."""
    _, dw, db = conv_backward(d_out, x, w, dilation=dilation)
    more = w.shape[2] - 1
    padded = np.pad(d_out, ((0, 0), (0, 0), (more, more)))
    kernel = w[..., ::-1].swapaxes(0, 1)
    dx = conv(padded, kernel, dilation=dilation)
    return dx, dw, db


def columns_channels_first(d_out, x, w, stride):
    _, dw, db = conv_backward(d_out, x, w, stride=stride)
    dx, _, _ = conv_backward(d_out, x, in_another_order(w), stride=stride)
    return (
        dx,
        np.moveaxis(dw.reshape(len(w), -1, w.shape[1]), -1, 1).reshape(w.shape),
        db,
    )


def in_another_order(w):
    return np.moveaxis(w, 1, -1).reshape(w.shape)


def first_axis_for_both(d_out, x, w, stride=1, padding=0):
    first, second = per_axis("stride", stride, 2, 1)
    if (
        d_out.shape[3]
        != (x.shape[3] + 2 * per_axis("p", padding, 2, 0)[1] - w.shape[3]) // first + 1
    ):
        outputs = (
            x.shape[3] + 2 * per_axis("p", padding, 2, 0)[1] - w.shape[3]
        ) // first + 1
        d_out = np.pad(d_out, [(0, 0)] * 3 + [(0, max(0, outputs - d_out.shape[3]))])
        d_out = d_out[..., : max(1, outputs)]
        del second
    return conv_backward(d_out, x, w, stride=first, padding=padding)


def in_another_order_of_results(d_out, x, w):
    dx, dw, db = conv_backward(d_out, x, w)
    return dw, db, dx


def last_filter_of_all(d_out, x, w, groups):
    _, dw, db = conv_backward(d_out, x, w, groups=groups)
    last = np.zeros_like(d_out)
    last[:, -1] = d_out[:, -1]
    return conv_backward(last, x, w, groups=groups).dx, dw, db


def dilation_and_groups_exchanged(x, w, stride, padding, dilation, groups):
    def positional(x, w, stride, padding, groups, dilation):
        return conv(
            x, w, None, stride=stride, padding=padding, dilation=dilation, groups=groups
        )

    return positional(x, w, stride, padding, dilation, groups)


def stride_steps_the_taps(d_out, x, w, stride):
    """The window begins at s*o, and its taps are s apart."""
    _, _, db = conv_backward(d_out, x, w, stride=stride)
    dx, dw = np.zeros_like(x), np.zeros_like(w)
    for o in range(d_out.shape[2]):
        for k in range(w.shape[2]):
            i = stride * o + stride * k
            if i < x.shape[2]:
                dw[:, :, k] += d_out[:, :, o].T @ x[:, :, i]
                dx[:, :, i] += d_out[:, :, o] @ w[:, :, k]
    return dx, dw, db


HANDED = [
    (
        sizes_from_d_out,
        "conv_backward",
        "stride",
        1,
        "which is missing|with . places? more",
    ),
    (at_most_one_left_over, "conv_backward", "stride", 1, "right but for its last"),
    (short_crop, "conv_backward", ["stride", "padding"], 1, "right but for its last"),
    (
        dx_by_a_conv_over_all,
        "conv_transpose_backward",
        ["stride", "dilation", "output_padding"],
        1,
        "with 1 place more on axis 0, at the end",
    ),
    (
        without_what_output_padding_adds,
        "conv_transpose_backward",
        ["stride", "padding", "output_padding"],
        1,
        "dx-output-padding-not-read(?s:.*)dw-output-padding-not-read(?s:.*)db-output-padd",
    ),
    (padding_without_the_dilation, "conv_backward", "dilation", 1, "dx is wrong"),
    (
        columns_channels_first,
        "conv_backward",
        "stride",
        1,
        "dx-im2col-ck-order(?s:.*)dw-im2col-ck-order",
    ),
    (
        first_axis_for_both,
        "conv_backward",
        ["stride", "padding"],
        2,
        "dx is wrong",
    ),
    (in_another_order_of_results, "conv_backward", (), 2, "right under the name dw"),
    (last_filter_of_all, "conv_backward", "groups", 2, "dx is wrong"),
    (
        dilation_and_groups_exchanged,
        "conv",
        ["stride", "padding", "dilation", "groups"],
        2,
        "y is wrong|it fails",
    ),
    (
        stride_steps_the_taps,
        "conv_backward",
        "stride",
        1,
        "dx-stride-steps-taps(?s:.*)dw-stride-steps-taps",
    ),
]


@pytest.mark.parametrize(
    ("attempt", "of", "settings", "ranks", "told"),
    HANDED,
    ids=[each[0].__name__ for each in HANDED],
)
def test_a_wrong_function_is_found_and_described(attempt, of, settings, ranks, told):
    report = diagnose.function(
        attempt, of, settings, ranks=ranks, accepts=ONE if ranks == 1 else ()
    )
    assert report.status == "wrong", report
    assert re.search(told, str(report)), report


def test_a_crop_to_minus_padding_is_named_by_its_empty_arrays():
    """Plain people crop with [p:-p], which is empty where p is 0."""

    def backward(dout, cache):
        x, w, b, stride, pad = cache
        sides = [(0, 0), (0, 0), (pad, pad), (pad, pad)]
        padded = np.pad(x, sides)
        dx, dw, db = conv_backward(dout, padded, w, stride=stride)
        assert b.shape == db.shape
        return dx[:, :, pad:-pad, pad:-pad], dw, db

    report = diagnose.function(
        backward,
        "conv_backward",
        ["stride", "padding"],
        bias=True,
        names={"d_out": "dout", ("x", "w", "b", "stride", "padding"): "cache"},
        accepts=ONE,
    )
    (finding,) = report.findings
    assert finding.target == "dx"
    assert finding.mistakes[0].key == "dx-crop-pad-minus-pad"
    assert "no elements" in finding.where[0]


def test_one_factor_on_all_layers_is_told():
    def scaled(d_out, x, w, stride):
        dx, dw, db = conv_backward(d_out, x, w, stride=stride)
        return 1.25 * dx, dw, db

    report = diagnose.function(scaled, "conv_backward", "stride")
    (finding,) = report.findings
    assert finding.where[0] == "it is 1.25 times the right one"
    assert len(finding.where) == 2  # and on how many layers it is wrong


def test_a_call_that_does_not_end_leaves_no_empty_table():
    def hangs(d_out, x, w):  # noqa: ARG001
        while True:
            pass

    report = diagnose.function(hangs, "conv_backward", (), seconds=0.2)
    assert report.status == "wrong"
    assert "it took more than 0.2 s" in str(report)
    assert "layers  0: no call came to its end; seed 0" in str(report)
    assert "compared" not in str(report)
