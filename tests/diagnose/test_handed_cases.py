"""Wrong arrays that people brought: small layers, and what has to be said of them."""

import numpy as np
import pytest

from deconv_tutorial import conv_backward, diagnose

rng = np.random.default_rng(0)


def row(*numbers):
    """Return numbers as one sample or filter of one channel."""
    return np.array([[numbers]], float)


def integers(*shape):
    return rng.integers(1, 10, shape) * rng.choice([-1.0, 1.0], shape)


def report_of(layer, given, transposed):
    return diagnose.gradients(**layer, **given, transposed=transposed)


def told(finding):
    """Return all that a finding says, keys of mistakes first."""
    return [*(mistake.key for mistake in finding.mistakes), *finding.where]


LAST_TWO = "it is right but for its last 2 places on axis 0, which are missing"
LAST = "it is right but for its last place on axis 0, which is missing"
ONE_MORE = "it is right with 1 place more on axis 0, at the end"
NOT_READ = {
    "x": row(5, 7, 4),
    "w": row(1, 10, 100),
    "d_out": row(1, 2, 3, 4, 5, 7),
    "stride": 2,
    "padding": 1,
    "output_padding": 1,
}
CASES = {
    "sized from d_out": (
        False,
        {"x": row(1, 2, 3, 4), "w": row(1, 2), "d_out": row(2), "stride": 3},
        {
            "dx": (row(2, 4, 0, 0), row(2, 4), [LAST_TWO, "dx-leftover-missing"]),
            "dw": (
                row(2, 4),
                row(2, 4, 6, 8),
                [
                    "it is right with 2 places more on axis 0, at the end",
                    "dw-leftover-not-cropped",
                ],
            ),
        },
    ),
    "leftover cut to 1": (
        False,
        {"x": row(1, 2, 3, 4), "w": row(5), "d_out": row(2), "stride": 4},
        {"dx": (row(10, 0, 0, 0), row(10, 0), [LAST_TWO])},
    ),
    "crop of a short array": (
        False,
        {"x": row(1, 2, 3, 4, 5, 6), "w": row(5), "d_out": row(1, 2), "stride": 4},
        {"dx": (row(5, 0, 0, 0, 10, 0), row(5, 0, 0, 0, 10), [LAST])},
    ),
    "dx by a convolution over all of d_out": (
        True,
        {
            "x": row(2, 3),
            "w": row(1, 4),
            "d_out": row(1, 2, 3, 4, 5, 6),
            "dilation": 3,
            "output_padding": 1,
        },
        {"dx": (row(17, 22), row(17, 22, 27), [ONE_MORE, "dx-size-from-d-out"])},
    ),
    "d_out taken as 0 where output_padding adds": (
        True,
        NOT_READ,
        {
            "dx": (
                row(210, 432, 754),
                row(210, 432, 54),
                ["dx-output-padding-not-read"],
            ),
            "dw": (row(30, 46, 66), row(30, 46, 38), ["dw-output-padding-not-read"]),
            "db": ([22], [15], ["db-output-padding-not-read"]),
        },
    ),
    "zeros of the spread d_out without the dilation": (
        False,
        {
            "x": row(1, 2, 3, 4, 5, 6, 7),
            "w": row(1, 10, 100),
            "d_out": row(1, 2, 3),
            "dilation": 2,
        },
        {
            "dx": (
                row(1, 2, 13, 20, 130, 200, 300),
                row(13, 20, 130, 200, 300),
                [
                    "it is right but for its first 2 places on axis 0, "
                    "which are missing",
                    "dx-zeros-without-dilation",
                ],
            )
        },
    ),
    "columns with channels first, weights with taps first": (
        False,
        {
            "x": np.array([[[1.0, 2], [3, 4]]]),
            "w": np.array([[[1.0, 2], [3, 4]]]),
            "d_out": row(1),
        },
        {
            "dw": (
                [[[1, 2], [3, 4]]],
                [[[1, 3], [2, 4]]],
                ["it is right after transpose(0, 2, 1)", "dw-im2col-ck-order"],
            )
        },
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_what_people_brought_is_described(name):
    transposed, layer, results = CASES[name]
    right = {target: value for target, (value, _, _) in results.items()}
    assert report_of(layer, right, transposed)
    given = {target: value for target, (_, value, _) in results.items()}
    findings = {f.target: f for f in report_of(layer, given, transposed).findings}
    assert set(findings) == set(results)
    for target, (_, _, words) in results.items():
        assert set(words) <= set(told(findings[target])), told(findings[target])
        assert not findings[target].together


@pytest.mark.parametrize("name", CASES)
def test_no_pair_is_named_for_what_a_sentence_tells(name):
    transposed, layer, results = CASES[name]
    for target, (_, value, _) in results.items():
        report = report_of(layer, {target: value}, transposed)
        assert not report.findings[0].together


def test_one_number_is_named_by_what_the_other_results_show():
    """The bias gradient alone is no evidence: 15 of 22 may be anything."""
    (finding,) = report_of(NOT_READ, {"db": [15]}, transposed=True).findings
    assert finding.mistakes == ()


COLUMNS = {
    "x": integers(2, 3, 6, 5),
    "w": integers(4, 3, 3, 2),
    "d_out": integers(2, 4, 4, 4),
}


def test_the_order_of_columns_in_dx_and_dw():
    dx, dw, _ = conv_backward(**COLUMNS)
    order = np.moveaxis(COLUMNS["w"], 1, -1).reshape(COLUMNS["w"].shape)
    wrong = conv_backward(COLUMNS["d_out"], COLUMNS["x"], order).dx
    (finding,) = diagnose.gradients(**COLUMNS, dx=wrong).findings
    assert finding.mistakes[0].key == "dx-im2col-ck-order"
    read = np.moveaxis(dw.reshape(4, 3, 2, 3), -1, 1)
    (finding,) = diagnose.gradients(**COLUMNS, dx=dx, dw=read).findings
    assert finding.mistakes[0].key == "dw-im2col-ck-order"


@pytest.mark.parametrize("transposed", [False, True])
@pytest.mark.parametrize("padding", [0, 1])
def test_the_stride_of_one_axis_for_both(transposed, padding):
    x, w, d_out = integers(2, 3, 9, 11), integers(4, 3, 3, 3), None
    settings = {"padding": padding}
    y_shape = tuple((n + 2 * padding - 3) // s + 1 for n, s in ((9, 2), (11, 3)))
    d_out = integers(2, 4, *y_shape)
    given = {"x": x, "w": w, "d_out": d_out}
    wide = np.zeros(
        (2, 4, (9 + 2 * padding - 3) // 2 + 1, (11 + 2 * padding - 3) // 2 + 1)
    )
    wide[..., : d_out.shape[2], : d_out.shape[3]] = d_out
    if transposed:
        given = {"x": d_out, "w": w, "d_out": x}
        extra = tuple((n + 2 * padding - 3) % s for n, s in ((9, 2), (11, 3)))
        found = conv_backward(wide, x, w, stride=2, **settings).dw
        report = diagnose.gradients(
            **given,
            dw=found,
            transposed=True,
            stride=(2, 3),
            output_padding=extra,
            **settings,
        )
    else:
        found = conv_backward(wide, x, w, stride=2, **settings).dw
        report = diagnose.gradients(**given, dw=found, stride=(2, 3), **settings)
    (finding,) = report.findings
    assert finding.mistakes[0].key == "dw-stride0-both-axes"


def test_results_under_each_others_names():
    dx, dw, db = conv_backward(**COLUMNS)
    report = diagnose.gradients(**COLUMNS, dx=dw, dw=db, db=dx)
    where = {finding.target: finding.where for finding in report.findings}
    assert where == {
        "dx": ("it is right under the name dw",),
        "dw": ("it is right under the name db",),
        "db": ("it is right under the name dx",),
    }


def test_the_last_filter_of_all_groups():
    x, w, d_out = integers(2, 4, 7), integers(6, 2, 3), integers(2, 6, 5)
    given = {"x": x, "w": w, "d_out": d_out, "groups": 2}
    last = np.zeros_like(d_out)
    last[:, -1] = d_out[:, -1]
    wrong = conv_backward(last, x, w, groups=2).dx
    (finding,) = diagnose.gradients(**given, dx=wrong).findings
    assert finding.mistakes[0].key == "dx-no-sum-over-filters-last-only"


@pytest.mark.parametrize("dilation", [1, 2])
def test_dilation_and_groups_exchanged(dilation):
    """As `torch.nn.functional.conv_transpose2d` gets them in the order of conv2d."""
    groups = 3 - dilation
    x, w = integers(2, 4, 9), integers(6, 4 // groups, 3)
    d_out = integers(2, 6, 9 - 2 * dilation)
    parts = np.split(d_out, dilation, 1), np.split(w, dilation)
    each = [scattered(one, kernel, groups) for one, kernel in zip(*parts, strict=True)]
    given = {"x": x, "w": w, "d_out": d_out, "dilation": dilation, "groups": groups}
    found = np.concatenate(each, axis=1)
    (finding,) = diagnose.gradients(**given, dx=found).findings
    assert finding.mistakes[0].key == "dx-dilation-groups-exchanged"


def scattered(d_out, w, dilation):
    """Return a transposed convolution with this dilation and without groups."""
    n, _, size = d_out.shape
    dx = np.zeros((n, w.shape[1], size + 2 * dilation))
    for k in range(3):
        dx[:, :, dilation * k :][..., :size] += np.einsum(
            "nao,ab->nbo", d_out, w[:, :, k]
        )
    return dx


def test_the_stride_steps_the_taps():
    x, w, d_out = integers(2, 3, 15), integers(4, 3, 3), integers(2, 4, 5)
    dw = np.zeros_like(w)
    for o in range(5):
        for k in range(3):
            if 3 * (o + k) < 15:
                dw[..., k] += np.einsum("na,nb->ab", d_out[..., o], x[..., 3 * (o + k)])
    (finding,) = diagnose.gradients(x=x, w=w, d_out=d_out, dw=dw, stride=3).findings
    assert finding.mistakes[0].key == "dw-stride-steps-taps"


def test_padding_that_follows_from_the_kernel():
    x, w, d_out = integers(2, 3, 9), integers(4, 3, 5), integers(2, 4, 7)
    centred = np.pad(x, [(0, 0), (0, 0), (2, 2)])[..., :11]
    wrong = conv_backward(d_out, centred, w).dw
    (finding,) = diagnose.gradients(x=x, w=w, d_out=d_out, dw=wrong, padding=1).findings
    assert "dw-padding-from-kernel" in told(finding)


def test_complex_gradients_conjugated_as_pytorch_does():
    x, w, d_out = (
        integers(*shape) + 1j * integers(*shape)
        for shape in ((2, 3, 9), (4, 3, 3), (2, 4, 4))
    )
    given = {"x": x, "w": w, "d_out": d_out, "stride": 2}
    as_torch = conv_backward(d_out, x.conj(), w.conj(), stride=2)
    report = diagnose.gradients(**given, **as_torch._asdict())
    keys = {f.target: f.mistakes[0].key for f in report.findings}
    assert keys == {"dx": "dx-conjugated", "dw": "dw-conjugated"}


def test_torch_agrees_on_the_convention():
    torch = pytest.importorskip("torch")
    x, w, d_out = (
        integers(*shape) + 1j * integers(*shape)
        for shape in ((2, 3, 9), (4, 3, 3), (2, 4, 4))
    )
    a, b = (torch.tensor(array, requires_grad=True) for array in (x, w))
    torch.nn.functional.conv1d(a, b, stride=2).backward(torch.tensor(d_out))
    given = {"x": x, "w": w, "d_out": d_out, "stride": 2}
    report = diagnose.gradients(**given, dx=a.grad, dw=b.grad)
    keys = [f.mistakes[0].key for f in report.findings]
    assert keys == ["dx-conjugated", "dw-conjugated"]


LAYER = {"x": integers(2, 3, 9), "w": integers(4, 3, 3), "d_out": integers(2, 4, 4)}
RIGHT = conv_backward(**LAYER, stride=2)._asdict()


@pytest.mark.parametrize("dtype", ["f4", "f8", "i4", "i8", "O"])
def test_right_results_of_any_kind_are_right(dtype):
    given = {name: array.astype(dtype) for name, array in LAYER.items()}
    found = {name: array.astype(dtype) for name, array in RIGHT.items()}
    assert diagnose.gradients(**given, **found, stride=2)
    assert diagnose.gradients(**LAYER, **found, stride=2)
