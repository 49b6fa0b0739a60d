"""What a wrong array looks like is read off arrays that were made for it."""

from dataclasses import replace

import numpy as np
import pytest

from deconv_tutorial.diagnose.mistakes.formulas import formulas
from tools.gallery.drawn_layers import (
    Sight,
    all_formulas,
    complex_layers,
    drawn_layers,
    sights,
)
from tools.gallery.signs import HIDDEN_BY, SIGNS, hiding_layers, signs, usual_signs

STRIDED = next(
    layer
    for layer in drawn_layers(transposed=False)
    if layer.problem.geometry.axes[0].stride == 2
)
RIGHT = 10 + np.arange(2 * 2 * 6 * 5).reshape(2, 2, 6, 5)


def sight(change, target="dx", right=RIGHT):
    """Return the sight of an array that was changed."""
    formula = replace(formulas("dx", transposed=False)[0], target=target)
    return Sight(formula, STRIDED, change(right.copy()), right)


def with_zeros(*at):
    def change(array):
        array[at] = 0
        return array

    return change


def with_wrong(*at):
    def change(array):
        array[at] += 1000
        return array

    return change


EVERY = slice(None)
SHIFTED = np.concatenate([RIGHT[:, :, 1:], 500 + RIGHT[:, :, :1] ** 2], axis=2)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda a: a[..., :-1], ["fewer"]),
        (lambda a: a[0], ["fewer"]),
        (lambda a: np.pad(a, [(0, 0), (0, 0), (1, 0), (0, 0)]), ["more"]),
        (lambda a: a[None], ["more"]),
        (lambda a: a.swapaxes(2, 3), ["other"]),
        (lambda a: -a, ["negative"]),
        (lambda a: a / 3, ["factor"]),
        (lambda a: a[..., ::-1], ["reversed"]),
        (lambda a: a[..., ::-1, ::-1], ["reversed"]),
        (lambda a: a[:, ::-1], ["planes"]),
        (lambda _: SHIFTED, ["moved"]),
        (lambda a: a.ravel()[::-1].reshape(a.shape), ["mixed"]),
        (lambda a: a[:, :1] ** 2 + 0 * a, ["equal"]),
        (with_wrong(1), ["samples"]),
        (with_zeros(1), ["samples", "zeros"]),
        (with_wrong(EVERY, 0), ["channels"]),
        (with_wrong(EVERY, EVERY, slice(1, None, 2)), ["residues"]),
        (with_wrong(EVERY, EVERY, 0), ["edges"]),
        (with_wrong(EVERY, EVERY, slice(2, 4)), ["some"]),
        (lambda a: a**2, ["all"]),
    ],
)
def test_sign(change, expected):
    assert signs(sight(change)) == expected


def test_turned_plane():
    square = RIGHT[..., :5, :]
    assert signs(sight(lambda a: a.swapaxes(2, 3), right=square)) == ["turned"]


def test_taps_of_a_weight_and_channels_of_a_bias():
    assert signs(sight(with_wrong(..., 0), "dw")) == ["taps"]
    assert signs(sight(with_wrong(1), "db", RIGHT[0, 0, 0])) == ["channels"]


def test_usual_signs_are_those_of_a_third():
    doubled, moved = sight(lambda a: 2 * a), sight(lambda _: SHIFTED)
    assert usual_signs([doubled, moved]) == ["factor", "moved"]
    assert usual_signs([doubled, moved, moved, moved]) == ["moved"]
    assert usual_signs([sight(lambda a: a)]) == []


def test_conjugates_of_complex_numbers():
    turning = RIGHT * (1 + 2j)
    assert signs(sight(lambda a: a.conj(), right=turning)) == ["conjugate"]
    assert signs(sight(lambda a: a * 1j, right=turning)) == ["all"]


def test_known_mistakes():
    found = {key: usual_signs(each) for key, each in sights().items()}
    assert found["dx-not-cropped"] == ["more"]
    assert found["dw-mean-batch"] == ["factor"]
    assert found["dw-flipped"] == ["reversed"]
    assert found["dx-last-sample-only"] == ["samples", "zeros"]
    assert found["db-sum-all-channels"] == ["equal"]
    assert found["dx-conjugated"] == ["conjugate"]
    assert found["dx-size-from-d-out"] == ["more"]


def test_known_layers_that_hide():
    found = {key: hiding_layers(each) for key, each in sights().items()}
    assert found["dx-stride-missing"] == ["stride"]
    assert found["dx-not-cropped"] == ["padding"]
    assert found["dw-last-sample-only"] == ["samples"]
    assert found["dw-pad-high-low-swapped"] == ["padding", "sides"]
    assert found["dw-uses-y-not-gy"] == []


def test_every_sign_and_kind_of_layer_is_used():
    used = {sign for each in sights().values() for sign in usual_signs(each)}
    kinds = {kind for each in sights().values() for kind in hiding_layers(each)}
    assert used == set(SIGNS)
    assert kinds == set(HIDDEN_BY)


def test_complex_layers_are_for_what_shows_on_no_real_one():
    tried = {
        key
        for key, each in sights().items()
        if any(np.iscomplexobj(s.right) for s in each)
    }
    assert tried == {"dx-conjugated", "dw-conjugated"}
    for transposed in (False, True):
        for layer in complex_layers(transposed=transposed):
            assert layer.problem.x.imag.any() or layer.problem.y.imag.any()
            assert not layer.problem.d_out.imag.any()


def test_every_formula_shows_on_some_drawn_layer():
    showing = {key for key, each in sights().items() if any(s.shows for s in each)}
    assert showing == {formula.key for formula, _ in all_formulas()}
