"""The sizes of a convolution and of a transposed one, from their settings."""

from __future__ import annotations

from deconv_tutorial.geometry.rule import Axis, Geometry
from deconv_tutorial.geometry.settings import (
    LIMIT,
    Index,
    Padding,
    PerAxis,
    common_rank,
    padding_pairs,
    per_axis,
    shown,
    typed,
)


def conv_geometry(
    input_size: PerAxis,
    kernel_size: PerAxis,
    stride: PerAxis = 1,
    padding: Padding = 0,
    dilation: PerAxis = 1,
) -> Geometry:
    """Return the geometry of the convolution of an input of a given size.

    On each axis the kernel spans ``dilation*(kernel_size - 1) + 1`` inputs, and
    ``output_size = (before + input_size + after - span) // stride + 1``.

    Parameters
    ----------
    input_size, kernel_size, stride, dilation : int or one per axis
        Whole numbers of at least 1.
    padding : int, one per axis, one (before, after) pair per axis, or a word
        The number of zeros around the input. ``"valid"`` means none, ``"full"``
        every place where kernel and input overlap, and ``"same"`` an output as
        large as the input; of an odd total, ``"same"`` puts the odd one at the end.

    Raises
    ------
    ValueError
        If a number is too small, a setting has not one number per axis, a word is
        unknown, ``"same"`` comes with a stride, the kernel spans more than the padded
        input, or a setting or a size that follows from it is not below ``2**63``.
    TypeError
        If a number is not a whole number (a bool or a float, for example).

    References
    ----------
    V. Dumoulin and F. Visin, "A guide to convolution arithmetic for deep learning",
    arXiv:1603.07285, relationship 15, with a padding for each side.

    Examples
    --------
    >>> geometry = conv_geometry(11, kernel_size=3, stride=2, padding=1, dilation=4)
    >>> geometry.output_size
    (3,)
    """
    inputs, kernels, strides, dilations = _positive(
        input_size=input_size, kernel_size=kernel_size, stride=stride, dilation=dilation
    ).values()
    spans = _spans(kernels, dilations)
    pads = padding_sides(padding, kernels, strides, dilations)
    padded = tuple(i + sum(pair) for i, pair in zip(inputs, pads, strict=True))
    _require_countable("a padded input", padded, input_size=inputs, padding=pads)
    if any(span > room for span, room in zip(spans, padded, strict=True)):
        msg = (
            f"kernel_size {shown(kernels)} with dilation {shown(dilations)} spans "
            f"{shown(spans)} inputs and needs a padded input at least as large, got "
            f"{shown(padded)} from input_size {shown(inputs)} and padding {shown(pads)}"
        )
        raise ValueError(msg)
    outputs = tuple(
        (room - span) // s + 1
        for room, span, s in zip(padded, spans, strides, strict=True)
    )
    befores = tuple(before for before, _ in pads)
    return _geometry(inputs, kernels, outputs, strides, dilations, befores)


def conv_transpose_geometry(
    output_size: PerAxis,
    kernel_size: PerAxis,
    stride: PerAxis = 1,
    padding: Padding = 0,
    dilation: PerAxis = 1,
    output_padding: PerAxis = 0,
) -> Geometry:
    """Return the geometry of the convolution that a transposed one transposes.

    Its *output* is what the transposed convolution takes, and its *input* is what
    the transposed convolution returns. On each axis ``input_size =
    stride*(output_size - 1) + dilation*(kernel_size - 1) + 1 - before - after +
    output_padding``.

    Parameters
    ----------
    output_size, kernel_size, stride, dilation : int or one per axis
        Whole numbers of at least 1.
    padding : int, one per axis, or one (before, after) pair per axis
        The padding of the convolution being transposed. Here it crops.
    output_padding : int or one per axis
        Which of the inputs with this output size is meant: the smallest one plus so
        many. At least 0, and smaller than the stride or the dilation.

    Raises
    ------
    ValueError, TypeError
        As `conv_geometry`, and `ValueError` if padding is a word or leaves nothing, or
        `output_padding` is as large as both stride and dilation.

    References
    ----------
    V. Dumoulin and F. Visin, "A guide to convolution arithmetic for deep learning",
    arXiv:1603.07285, relationship 14, with dilation and a padding for each side.

    Examples
    --------
    >>> geometry = conv_transpose_geometry(
    ...     output_size=5, kernel_size=4, stride=3, padding=2, output_padding=1
    ... )
    >>> geometry.input_size
    (13,)
    """
    given = _positive(
        output_size=output_size,
        kernel_size=kernel_size,
        stride=stride,
        dilation=dilation,
    )
    outputs, kernels, strides, dilations = given.values()
    rank = len(outputs)
    extras = per_axis("output_padding", output_padding, rank, 0)
    if isinstance(padding, str):
        msg = (
            "padding of a transposed convolution needs whole numbers, not a word, "
            f"got {typed(padding)}"
        )
        raise ValueError(msg)
    pads = padding_pairs(padding, rank)
    triples = zip(extras, strides, dilations, strict=True)
    if any(extra >= max(s, d) for extra, s, d in triples):
        msg = (
            "output_padding needs to be smaller than stride or dilation, got "
            f"output_padding {shown(extras)}, stride {shown(strides)}, "
            f"dilation {shown(dilations)}"
        )
        raise ValueError(msg)
    columns = zip(outputs, strides, _spans(kernels, dilations), extras, strict=True)
    whole = tuple(s * (o - 1) + span + extra for o, s, span, extra in columns)
    _require_countable("an uncropped result", whole, **given, output_padding=extras)
    inputs = tuple(n - sum(pair) for n, pair in zip(whole, pads, strict=True))
    if min(inputs) < 1:
        msg = (
            "padding of a transposed convolution crops and needs to leave at least 1 "
            f"element per axis, got padding {shown(pads)}, which leaves {shown(inputs)}"
        )
        raise ValueError(msg)
    befores = tuple(before for before, _ in pads)
    return _geometry(inputs, kernels, outputs, strides, dilations, befores)


def padding_sides(
    padding: Padding, kernel_size: Index, stride: Index, dilation: Index
) -> tuple[Index, ...]:
    """Return the padding before and after each axis, also where a word is given.

    Examples
    --------
    >>> padding_sides("same", kernel_size=(4,), stride=(1,), dilation=(1,))
    ((1, 2),)
    """
    if isinstance(padding, str):
        return _pairs_of_word(padding, _spans(kernel_size, dilation), stride)
    return padding_pairs(padding, len(kernel_size))


def _geometry(*columns: Index) -> Geometry:
    """Return the geometry whose axes have the rows of these columns."""
    return Geometry(tuple(Axis(*row) for row in zip(*columns, strict=True)))


def _positive(**given: object) -> dict[str, Index]:
    """Return each argument as one number per axis; a sequence tells how many."""
    rank = common_rank(*given.values())
    return {name: per_axis(name, value, rank, 1) for name, value in given.items()}


def _spans(kernel_size: Index, dilation: Index) -> Index:
    spans = tuple(d * (k - 1) + 1 for k, d in zip(kernel_size, dilation, strict=True))
    _require_countable("a span", spans, kernel_size=kernel_size, dilation=dilation)
    return spans


def _require_countable(what: str, sizes: Index, **given: object) -> None:
    """Refuse sizes that NumPy cannot count, and say which arguments lead to them."""
    if max(sizes, default=0) >= LIMIT:
        *names, last = given
        came = ", ".join(f"{name} {shown(value)}" for name, value in given.items())
        msg = (
            f"{', '.join(names)} and {last} need {what} below 2**63 on each axis, "
            f"got {came}: it would be {shown(sizes)}"
        )
        raise ValueError(msg)


def _pairs_of_word(word: str, spans: Index, stride: Index) -> tuple[Index, ...]:
    reach = [span - 1 for span in spans]
    words = {
        "valid": [(0, 0) for _ in reach],
        "same": [(r // 2, r - r // 2) for r in reach],
        "full": [(r, r) for r in reach],
    }
    if word not in words:
        msg = (
            f"padding needs numbers or one of the words {list(words)}, "
            f"got {typed(word)}"
        )
        raise ValueError(msg)
    if word == "same" and any(s != 1 for s in stride):
        msg = f"padding 'same' needs stride 1 on every axis, got stride {shown(stride)}"
        raise ValueError(msg)
    return tuple(words[word])
