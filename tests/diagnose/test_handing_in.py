"""A function may be handed in as it is: its names, axes, arrays and results."""

import itertools

import numpy as np
import pytest

from deconv_tutorial import (
    conv,
    conv_backward,
    conv_transpose,
    conv_transpose_backward,
    diagnose,
)
from deconv_tutorial.diagnose.attempt import as_array
from deconv_tutorial.diagnose.layouts import AxisLayout, layout_of

PADDED = ["stride", "padding"]
ALIKE = "one number for all axes"


def only_first(*results):
    return results[0]


# Names and dictionaries


def test_settings_in_a_dictionary_of_their_own():
    def forward(x, w, b, conv_param):
        stride, pad = conv_param["stride"], conv_param["pad"]
        y = conv(x, w, b, stride=stride, padding=pad)
        return y, (x, w, b, conv_param)

    report = diagnose.function(
        forward,
        "conv",
        PADDED,
        names={"settings": "conv_param", "padding": "pad", "b": "b"},
        returns=["y", "_"],
    )
    assert report, report


def test_a_cache_with_bias_and_settings():
    def backward(dout, cache):
        x, w, b, conv_param = cache
        assert b.shape == (w.shape[0],)
        return conv_backward(
            dout, x, w, stride=conv_param["stride"], padding=conv_param["pad"]
        )

    names = {"d_out": "dout", "padding": "pad", ("x", "w", "b", "settings"): "cache"}
    assert diagnose.function(backward, "conv_backward", PADDED, names=names)


def test_settings_are_passed_at_their_usual_values_too():
    def attempt(x, w, *, stride, padding, dilation, groups):
        return conv(
            x, w, stride=stride, padding=padding, dilation=dilation, groups=groups
        )

    assert diagnose.function(attempt, "conv")


def test_a_bias_that_is_forgotten_is_told():
    def attempt(x, w, b):
        del b
        return conv(x, w)

    (finding,) = diagnose.function(attempt, "conv", (), bias=True).findings
    assert "it is right but for the bias, which is not added" in finding.where


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"names": {"dout": "d"}},
            r"names needs .*, got 'dout' \(did you mean 'd_out'",
        ),
        (
            {"names": {("x", "stirde"): "c"}},
            r"got 'stirde' \(did you mean 'stride'\?\)",
        ),
        ({"returns": ["dX"]}, r"returns needs .*, got 'dX' \(did you mean 'dx'\?\)"),
        (
            {"returns": ["_"]},
            r"returns needs one of \('dx', 'dw', 'db'\), got \('_',\)",
        ),
        (
            {"returns": ["dx", "dx"]},
            r"returns needs each result once, got \('dx', 'dx'",
        ),
        ({"layout": {"y": "nc*"}}, "layout needs letters for x .* got 'y'"),
        ({"layout": {"x": "nn*"}}, "layout of x needs each of n, c and .* got 'nn"),
        ({"fixed": {"pad": 1}}, "fixed needs settings among .*, got 'pad'"),
        ({"accepts": "squares"}, "accepts needs limits among .*, got 'squares'"),
        ({"seconds": -1}, "seconds needs more than 0 seconds, got -1"),
        ({"seconds": float("nan")}, "seconds needs more than 0 seconds, got nan"),
        ({"budget": 0}, "budget needs more than 0 seconds, got 0"),
        ({"ranks": [True]}, r"ranks need to be among 1, 2 and 3, got \[True\]"),
        ({"settings": "pad"}, "settings need to be among .* got 'pad'"),
    ],
)
def test_words_that_are_unknown_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        diagnose.function(conv_backward, "conv_backward", **options)


def test_seconds_are_a_number():
    with pytest.raises(TypeError, match=r"seconds needs a number .* got '1' \(a str\)"):
        diagnose.function(conv, "conv", seconds="1")


def test_one_word_and_one_number_stand_for_themselves():
    report = diagnose.function(conv, "conv", settings="stride", ranks=1)
    assert report
    assert [*report.coverage.ranks] == [1]
    assert [*report.coverage.values] == ["stride"]


# Results


@pytest.mark.parametrize(
    ("result", "told"),
    [
        (lambda *three: three[:2], {"db": "it is missing: got 2 results"}),
        (lambda *three: (*three[:2], None), {"db": "it is None: needed is an array"}),
        (
            lambda dx, dw, db: {"dx": dx, "dw": dw, "grad_b": db},
            {
                "call": "it returns 'grad_b'; needed is dx, dw, db",
                "db": "it is missing: got a dictionary with 'dx', 'dw', 'grad_b'",
            },
        ),
        (lambda dx, dw, db: (dx, dw, db, dx), {"call": "it returns 4 results; needed"}),
        (lambda *three: (*three[:2], "db"), {"db": "it is a str: needed is an array"}),
        (
            lambda *three: three[0],
            {"dw": "it is missing: got one ndarray", "db": "it is missing"},
        ),
        (lambda dx, _, db: (dx, object(), db), {"dw": "it is a object"}),
        (
            lambda *_: [],
            dict.fromkeys(("dx", "dw", "db"), "it is missing: got 0"),
        ),
    ],
)
def test_results_that_are_missing_or_too_many_are_findings(result, told):
    def attempt(d_out, x, w):
        return result(*conv_backward(d_out, x, w))

    report = diagnose.function(attempt, "conv_backward", ())
    assert report.status == "wrong"
    assert {f.target for f in report.findings} == {*told}
    for finding in report.findings:
        text = str(finding)
        assert told[finding.target] in text
    assert not any(finding.mistakes for finding in report.findings)


def test_only_what_is_named_is_compared():
    def attempt(d_out, x, w):
        dx, dw, _ = conv_backward(d_out, x, w)
        return dw, dx

    assert diagnose.function(attempt, "conv_backward", (), returns=["dw", "dx"])
    report = diagnose.function(attempt, "conv_backward", (), returns=["dw"])
    assert report.findings[0].case == "it returns 2 results; needed is dw"


def test_a_buffer_that_is_used_again_is_read_in_time():
    buffers = {}

    def attempt(d_out, x, w):
        made = conv_backward(d_out, x, w)
        kept = [
            buffers.setdefault((n, a.shape), np.empty(a.shape))
            for n, a in enumerate(made)
        ]
        for old, new in zip(kept, made, strict=True):
            old[...] = new
        return kept

    assert diagnose.function(attempt, "conv_backward", ())


def test_a_second_call_has_to_give_the_same():
    total = {}

    def attempt(d_out, x, w):
        dx, dw, db = conv_backward(d_out, x, w)
        key = x.tobytes() + w.tobytes() + repr((x.shape, w.shape)).encode()
        total[key] = total.get(key, 0) + dw
        return dx, total[key], db

    report = diagnose.function(attempt, "conv_backward", ())
    assert not report
    assert "a second call with the same arrays gives something else" in str(report)


class GpuArray:
    """It has no __array__, and does not convert by itself."""

    def __init__(self, array):
        self.array = array
        self.shape = array.shape

    def __array__(self, *_args, **_more):
        raise TypeError("implicit conversion is not allowed: use .get()")

    def get(self):
        return self.array


class StrangeTensor:
    def __init__(self, array):
        self.array = array
        self.shape = array.shape


def test_arrays_that_convert_only_by_their_own_method():
    def attempt(x, w):
        return GpuArray(conv(x.array, w.array))

    assert diagnose.function(attempt, "conv", (), convert=GpuArray)


def test_arrays_that_do_not_convert_are_a_finding():
    def attempt(x, w):
        return StrangeTensor(conv(x, w))

    (finding,) = diagnose.function(attempt, "conv", ()).findings
    assert "it is a StrangeTensor: convert it" in finding.where[0]


@pytest.mark.parametrize(
    "value",
    [[[1, 2], [3]], ["a"], np.array([None]), {}],
)
def test_what_is_no_array_of_numbers_is_refused(value):
    with pytest.raises(TypeError, match="it is a"):
        as_array(value)


# Numbers


def test_arithmetic_in_float32_and_whole_inputs_are_right():
    def in_single(x, w):
        return conv(x.astype("f"), w.astype("f")).astype(float)

    assert diagnose.function(in_single, "conv", ())
    report = diagnose.function(conv, "conv", (), convert=lambda a: a.astype(np.int8))
    assert report
    assert report.coverage.limits == ("whole numbers",)
    report = diagnose.function(conv, "conv", (), convert=lambda a: a.astype(np.uint8))
    assert report
    assert "positive numbers" in report.coverage.limits


def test_what_holds_only_for_whole_numbers_is_wrong():
    def attempt(x, w):
        y = np.zeros_like(conv(x, w), dtype=int)
        y[...] = conv(x, w)
        return y

    assert not diagnose.function(attempt, "conv", ())


def test_rounding_can_be_allowed():
    def attempt(x, w):
        return conv(x, w) * (1 + 1e-5)

    assert not diagnose.function(attempt, "conv", ())
    assert diagnose.function(attempt, "conv", (), rtol=1e-4)
    assert not diagnose.function(attempt, "conv", (), rtol=1e-6)


def test_arrays_in_another_order_of_memory_are_tried():
    def attempt(x, w):
        rows = x.ravel("K").reshape(x.shape)  # right if the last axis is the innermost
        return conv(rows, w)

    report = diagnose.function(attempt, "conv", ())
    assert not report
    assert "np.asfortranarray" in str(report)


# Layouts


def channels_last(x, w, stride, padding):
    y = conv(
        np.moveaxis(x, -1, 1),
        np.moveaxis(w, (-1, -2), (0, 1)),
        stride=stride,
        padding=padding,
    )
    return np.moveaxis(y, 1, -1)


@pytest.mark.parametrize(
    "layout", [{"x": "n*c", "w": "*io"}, {"x": "NHWC", "w": "HWIO"}]
)
def test_channels_last_and_weights_last(layout):
    assert diagnose.function(channels_last, "conv", PADDED, layout=layout, ranks=(1, 2))
    report = diagnose.function(
        lambda x, w, stride, padding: channels_last(x, w[::-1], stride, padding),
        "conv",
        PADDED,
        layout=layout,
    )
    assert report.findings[0].mistakes


def transposed_backward_last(d_out, x, w, stride):
    dx, dw, db = conv_transpose_backward(
        np.moveaxis(d_out, -1, 1),
        np.moveaxis(x, -1, 1),
        np.moveaxis(w, (-1, -2), (0, 1)),
        stride=stride,
    )
    return np.moveaxis(dx, 1, -1), np.moveaxis(dw, (0, 1), (-1, -2)), db


def test_a_transposed_layer_with_channels_last():
    layout = {"x": "n*c", "w": "*oi"}
    assert diagnose.function(
        transposed_backward_last, "conv_transpose_backward", "stride", layout=layout
    )


def test_no_samples_one_channel_and_depthwise():
    def plain(x, w):
        return conv(x[None, None], w[None, None])[0, 0]

    assert diagnose.function(plain, "conv", (), layout={"x": "*", "w": "*"})

    def one_picture(d_out, x, w):
        dx, dw, db = conv_backward(d_out[None], x[None], w)
        return dx[0], dw, db

    assert diagnose.function(one_picture, "conv_backward", (), layout={"x": "c*"})

    def depthwise(d_out, x, w, stride):
        dx, dw, db = conv_backward(d_out, x, w[:, None], stride=stride, groups=len(w))
        return dx, dw[:, 0], db

    layout = {"w": "c*"}
    report = diagnose.function(depthwise, "conv_backward", "stride", layout=layout)
    assert report, report
    assert report.coverage.limits == ("depthwise",)

    def scalar_bias(d_out, x, w):
        dx, dw, db = conv_backward(d_out[None, None], x[None, None], w[None, None])
        return dx[0, 0], dw[0, 0], float(db[0])

    layout = {"x": "*", "w": "*"}
    assert diagnose.function(scalar_bias, "conv_backward", (), layout=layout)


@pytest.mark.parametrize("transposed", [False, True])
@pytest.mark.parametrize("x", ["nc*", "n*c", "cn*", "*", "c*", "*c", "n*"])
@pytest.mark.parametrize("w", ["oi*", "io*", "*io", "*oi", "o*", "i*", "*", "c*", "*c"])
def test_a_layout_leads_there_and_back(x, w, transposed):
    layout = layout_of({"x": x, "w": w}, transposed=transposed)
    for name, letters, ours in (
        ("x", x, "nc"),
        ("dw", w, "io" if transposed else "oi"),
    ):
        sizes = {"n": 2, "c": 3, "o": 4, "i": 5, "*": 7}
        if "c" in w and name == "dw":
            shape = (3, 1, 7, 8)
        else:
            shape = (*(sizes[n] if n in letters else 1 for n in ours), 7, 8)
        array = np.arange(np.prod(shape)).reshape(shape)
        theirs = layout.theirs(name, array)
        wanted = [s for n in letters for s in ([7, 8] if n == "*" else [sizes[n]])]
        assert theirs.shape == (*wanted,)
        assert np.array_equal(layout.ours(name, theirs), array)


def test_arrays_that_are_too_flat_stay_as_they_are():
    assert AxisLayout().ours("dx", np.zeros(3)).shape == (3,)


# Limits and fixed settings


def test_square_kernels_without_padding():
    def attempt(d_out, x, w, stride):
        if w.shape[2] != w.shape[3] or x.shape[2] != x.shape[3]:
            raise NotImplementedError("only square layers")
        return conv_backward(d_out, x, w, stride=stride)

    accepts = ["square inputs", ALIKE]
    report = diagnose.function(attempt, "conv_backward", "stride", accepts=accepts)
    assert report, report


def test_padding_that_follows_from_the_kernel():
    def same(x, w):
        return conv(x, w, padding="same")

    assert diagnose.function(same, "conv", (), fixed={"padding": "same"})

    def half(x, w):
        return conv(x, w, padding=[(k // 2, k // 2) for k in w.shape[2:]])

    def rule(kernel):
        return [(k // 2, k // 2) for k in kernel]

    assert diagnose.function(half, "conv", (), fixed={"padding": rule})
    assert not diagnose.function(same, "conv", (), fixed={"padding": rule})


def test_a_limit_may_be_a_function():
    def attempt(x, w, groups):
        assert w.shape[2:] == (3, 3)
        return conv(x, w, groups=groups)

    def is_3_by_3(case):
        return case.w.shape[2:] == (3, 3)

    report = diagnose.function(attempt, "conv", "groups", accepts=[is_3_by_3])
    assert report.status in {"right", "not enough"}
    assert report.coverage.layers < 60


def in_numbers(d_out, x, w, stride, padding):
    pads = [(0, 0), (0, 0), (padding, padding), (padding, padding)]
    padded = np.pad(x, pads)
    dx, dw, db = conv_backward(d_out, padded, w, stride=stride)
    rows, columns = x.shape[2:]
    window = np.s_[:, :, padding : padding + rows, padding : padding + columns]
    return dx[window], dw, db


def test_numbers_for_all_axes_are_found_to_be_needed():
    report = diagnose.function(in_numbers, "conv_backward", PADDED)
    assert report.status == "refused"
    assert report.findings == ()
    assert [*report.coverage.refused] == [ALIKE]
    assert diagnose.function(in_numbers, "conv_backward", PADDED, accepts=ALIKE)


def test_annotations_declare_that_a_number_is_needed():
    def attempt(x, w, stride: int = 1, padding: int = 0):
        assert isinstance(stride, int)
        assert isinstance(padding, int)
        return conv(x, w, stride=stride, padding=padding)

    report = diagnose.function(attempt, "conv", PADDED)
    assert report
    assert report.coverage.limits == (ALIKE,)


def in_tuples(x, w, stride, padding):
    (s, t), (p, q) = stride, padding
    return conv(x, w, stride=(s, t), padding=(p, q))


def test_numbers_for_each_axis_are_found_to_be_needed():
    report = diagnose.function(in_tuples, "conv", PADDED)
    assert report.status == "refused", report
    assert [*report.coverage.refused] == ["one number for each axis"]
    accepts = "one number for each axis"
    assert diagnose.function(in_tuples, "conv", PADDED, accepts=accepts)


@pytest.mark.parametrize(
    ("refuses", "limit"),
    [
        (lambda s: s["padding"] != 0 and not isinstance(s["padding"], int), ALIKE),
        (lambda s: s["groups"] > 1, "groups=1"),
        (lambda s: np.max(s["dilation"]) > 1, "dilation=1"),
        (
            lambda s: np.max(s["dilation"]) > 1 and np.max(s["stride"]) > 1,
            "stride or dilation",
        ),
    ],
)
def test_the_mildest_limit_is_found(refuses, limit):
    def attempt(x, w, **settings):
        if refuses(settings):
            raise ValueError("not that")
        return conv(x, w, **settings)

    report = diagnose.function(attempt, "conv")
    assert report.status == "refused"
    assert limit in report.coverage.refused
    assert "ValueError: not that" in str(report)


def test_an_attempt_that_refuses_nearly_everything_is_not_right():
    """It is right on the smallest layer that is drawn, and on no other."""
    calls = itertools.count()

    def attempt(d_out, x, w):
        if x.size > 12 or next(calls) > 200:
            raise NotImplementedError
        return conv_backward(d_out, x, w)

    report = diagnose.function(attempt, "conv_backward", ())
    assert not report
    assert report.status in {"refused", "not enough"}


def test_too_few_layers_are_not_enough():
    def attempt(x, w):
        return conv(x, w)

    report = diagnose.function(attempt, "conv", (), accepts=[lambda c: c.x.size == 1])
    assert (report.status, report.exit_code) == ("not enough", 3)
    assert not report
    assert "layers were tried, and 20 are needed" in str(report)
    assert report.as_dict()["coverage"]["gaps"]


def test_a_setting_that_never_varies_is_not_enough():
    report = diagnose.function(
        conv,
        "conv",
        ["stride"],
        accepts=[lambda c: c.settings["stride"] in (1, (1, 1))],
    )
    assert report.status == "not enough"
    assert "stride was never tried with anything but 1" in str(report)


def test_arguments_that_do_not_fit_are_told_once():
    def attempt(x, w):
        return conv(x, w)

    report = diagnose.function(attempt, "conv", "stride")
    assert (report.status, report.exit_code) == ("refused", 2)
    assert (
        "it cannot be called as attempt(x, w, stride=): got an unexpected keyword "
        "argument 'stride'" in str(report)
    )


# Endings


class EvilError(Exception):
    def __str__(self):
        raise RuntimeError


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (SystemExit(0), "SystemExit: 0"),
        (GeneratorExit(), "GeneratorExit"),
        (EvilError(), "EvilError"),
        (BaseException("odd"), "BaseException: odd"),
        (ZeroDivisionError("1/0"), "ZeroDivisionError: 1/0"),
    ],
)
def test_whatever_is_raised_is_a_finding(error, told):
    def attempt(x, w):
        if x.size > 30:
            raise error
        return conv(x, w)

    report = diagnose.function(attempt, "conv", ())
    assert report.status == "wrong"
    assert told in report.findings[0].where[0]
    assert report.findings[0].call.startswith("attempt(")


def test_an_interrupt_comes_through():
    def attempt(*_):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        diagnose.function(attempt, "conv", ())


def test_the_first_call_that_is_too_slow_is_the_last():
    calls = []

    def attempt(x, w):
        calls.append(x)
        while len(calls) > 3:
            pass
        return conv(x, w)

    report = diagnose.function(attempt, "conv", (), seconds=0.3)
    assert report.status == "wrong"
    assert "TooSlowError: it took more than 0.3 s" in str(report)
    assert len(calls) == 4


def test_a_call_to_paste_gives_what_the_report_says():
    def attempt(d_out, x, w, stride, padding):
        dx, dw, db = conv_backward(d_out, x, w, stride=stride, padding=padding)
        return dx, dw[..., ::-1], db

    report = diagnose.function(attempt, "conv_backward", PADDED)
    (finding,) = report.findings
    names = {"np": np, "attempt": attempt}
    _, dw, _ = eval(finding.call, names)
    assert dw.tolist() == eval(finding.found)
    _, dw, _ = eval(finding.call, {"np": np, "attempt": conv_backward})
    assert dw.tolist() == eval(finding.expected)


def test_a_right_transposed_layer_with_more_output_padding_than_stride():
    assert diagnose.function(
        conv_transpose, "conv_transpose", ["dilation", "output_padding"]
    )


# pytest


def test_assert_right_raises_with_the_report():
    diagnose.assert_right(conv, of="conv", settings=())
    with pytest.raises(AssertionError, match="conv: wrong\n\ny is wrong") as caught:
        diagnose.assert_right(
            lambda x, w: conv(x, w[..., ::-1]), of="conv", settings=()
        )
    assert "Tried:" in str(caught.value)


class HalfTensor:
    """As PyTorch's tensors of bfloat16, NumPy cannot read it."""

    dtype = "torch.bfloat16"

    def __init__(self, array):
        # The first 8 digits of a float32.
        bits = np.asarray(array, np.float32).view(np.uint32)
        self.array = ((bits + 0x8000) & 0xFFFF0000).view(np.float32)

    def __array__(self, *_args, **_more):
        raise TypeError("unsupported ScalarType BFloat16")

    def float(self):
        return self.array


def test_tensors_of_bfloat16_are_compared_with_their_few_digits():
    def attempt(x, w):
        return HalfTensor(conv(x.array, w.array))

    assert diagnose.function(attempt, "conv", (), convert=HalfTensor)

    def wrong(x, w):
        return HalfTensor(conv(x.array, w.array[..., ::-1]))

    assert not diagnose.function(wrong, "conv", (), convert=HalfTensor)


def test_pairs_of_padding_are_the_first_that_is_given_up():
    def attempt(x, w, padding):
        if np.ndim(padding) > 1:
            raise TypeError("padding has to be one number, or one for each axis")
        return conv(x, w, padding=padding)

    report = diagnose.function(attempt, "conv", "padding")
    assert report.status == "refused"
    assert [*report.coverage.refused] == ["symmetric padding"]
    assert report.coverage.forms["padding"]["different on each axis"] > 20


class Boxed:
    """An array on a device. NumPy makes an object of it, or nothing."""

    def __init__(self, array):
        self.array = np.asarray(array)


class WithGet(Boxed):
    def get(self):
        return self.array


class WithDLPack(Boxed):
    def __dlpack__(self, **options):
        return self.array.__dlpack__(**options)

    def __dlpack_device__(self):
        return self.array.__dlpack_device__()


class Refusing(WithGet):
    def __array__(self, *_arguments, **_options):
        msg = "no implicit conversion"
        raise TypeError(msg)


@pytest.mark.parametrize("kind", [WithGet, WithDLPack, Refusing])
def test_arrays_of_devices_are_read(kind):
    def attempt(x, w):
        return kind(conv(x.array, w.array))

    assert diagnose.function(attempt, "conv", [], convert=kind)


def test_what_holds_no_array_is_a_finding():
    report = diagnose.function(lambda x, w: Boxed(conv(x, w)), "conv", [])
    assert report.findings[0].where[0] == "it is a Boxed: needed is an array of numbers"
    report = diagnose.function(lambda x, w: {}.get("y"), "conv", [])  # noqa: ARG005
    assert report.findings[0].where[0].startswith("it is None")


def test_settings_of_assert_right_stand_third():
    diagnose.assert_right(conv, "conv", ["stride"])
    with pytest.raises(ValueError, match=r"settings need to be among .* got 'strides'"):
        diagnose.assert_right(conv, "conv", ["strides"])


def test_a_limit_is_told_once():
    def attempt(x, w, stride: int = 1):
        return conv(x, w, stride=stride)

    name = "one number for all axes"
    report = diagnose.function(attempt, "conv", ["stride"], accepts=name)
    assert str(report).count(name) == 1
