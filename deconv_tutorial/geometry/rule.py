"""The index rule of a convolution: which tap of which output reads which input.

It is one line, `Axis.input_index`. Everything else in this package follows from it: the
sizes, the three maps, the figures.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import product
from typing import TypeAlias

from deconv_tutorial.geometry.settings import Index

Window: TypeAlias = tuple[slice, ...]
"""One slice per spatial axis."""


@dataclass(frozen=True, slots=True)
class Axis:
    """One spatial axis: which tap of which output reads which input.

    The padding after the input is not kept: it only decides how many outputs there
    are. Two axes are equal when all their numbers are. Then they have the same
    connections, but not the other way round: a stride shows only where a tap meets
    the input at two outputs, and a dilation only where an output has two taps inside.

    Examples
    --------
    >>> axis = Axis(6, 3, 3, stride=2, dilation=1, padding_before=1)
    >>> list(axis.connections())[:3]
    [(0, 1, 0), (0, 2, 1), (1, 0, 1)]
    >>> one, other = Axis(6, 3, 1, stride=2), Axis(6, 3, 1, stride=5)
    >>> one == other, list(one.connections()) == list(other.connections())
    (False, True)
    """

    input_size: int
    kernel_size: int
    output_size: int
    stride: int = 1
    dilation: int = 1
    padding_before: int = 0

    def input_index(self, o: int, k: int) -> int:
        """Return the input that tap `k` of output `o` reads, inside or outside.

        Examples
        --------
        >>> Axis(6, 3, 3, stride=2, padding_before=1).input_index(2, 0)
        3
        """
        return self.stride * o + self.dilation * k - self.padding_before

    def connections(self) -> Iterator[tuple[int, int, int]]:
        """Yield every ``(output, kernel, input)`` index that meets inside the input."""
        for o in range(self.output_size):
            for k in range(self.kernel_size):
                i = self.input_index(o, k)
                if 0 <= i < self.input_size:
                    yield o, k, i

    def tap(self, k: int) -> tuple[slice, slice]:
        """Return the outputs and the inputs that tap `k` connects, two equal runs.

        Examples
        --------
        >>> Axis(6, 3, 3, stride=2, padding_before=1).tap(0)
        (slice(1, 3, None), slice(1, 5, 2))
        """
        # Output o reads i = stride*o + shift, inside for first <= o < stop.
        shift = self.input_index(0, k)
        first = max(0, -(shift // self.stride))
        stop = min(self.output_size, (self.input_size - 1 - shift) // self.stride + 1)
        count = max(0, stop - first)
        start = self.input_index(first, k)
        return (
            slice(first, first + count),
            slice(start, start + self.stride * count, self.stride),
        )

    @property
    def span(self) -> tuple[int, int]:
        """The first and the last input that is read, inside or outside."""
        return self.input_index(0, 0), self.input_index(
            self.output_size - 1, self.kernel_size - 1
        )

    @property
    def inside(self) -> bool:
        """Whether no tap of any output reads outside the input."""
        first, last = self.span
        return first >= 0 and last < self.input_size

    @property
    def separate(self) -> bool:
        """Whether no input is read twice, neither by two outputs nor by two taps.

        Examples
        --------
        >>> Axis(6, 2, 3, stride=2).separate, Axis(7, 3, 3, stride=2).separate
        (True, False)
        """
        taps, outputs = self.kernel_size - 1, self.output_size - 1
        side_by_side = self.stride > self.dilation * taps
        return side_by_side or self.dilation > self.stride * outputs

    def padded(self) -> tuple[Axis, slice, slice]:
        """Return the axis with an input from the first to the last that is read.

        Also returned: which elements of the new input there were in the old one, and
        which they were. The others are zero.

        Examples
        --------
        >>> axis, new, old = Axis(6, 3, 3, stride=2, padding_before=1).padded()
        >>> axis.input_size, axis.padding_before, new, old
        (7, 0, slice(1, 7, None), slice(0, 6, 1))
        """
        first, last = self.span
        axis = replace(self, input_size=last - first + 1, padding_before=0)
        copied = Axis(self.input_size, 1, axis.input_size, padding_before=-first)
        return axis, *copied.tap(0)

    def transposed(self) -> Axis:
        """Return the axis on which each input gathers what its outputs scatter to it.

        With ``stride - 1`` zeros stuffed between its elements, y is what is read, and x
        is what is written. Tap ``k`` is at place ``kernel_size - 1 - k``.

        Examples
        --------
        >>> axis = Axis(6, 3, 3, stride=2, padding_before=1).transposed()
        >>> axis.input_size, axis.output_size, axis.stride, axis.padding_before
        (5, 6, 1, 1)
        """
        return Axis(
            self.stride * (self.output_size - 1) + 1,
            self.kernel_size,
            self.input_size,
            dilation=self.dilation,
            padding_before=self.dilation * (self.kernel_size - 1) - self.padding_before,
        )

    def exchanged(self) -> Axis:
        """Return the axis in which outputs and taps have changed places."""
        return replace(
            self,
            output_size=self.kernel_size,
            kernel_size=self.output_size,
            stride=self.dilation,
            dilation=self.stride,
        )

    def between(self, start: int, stop: int) -> Axis:
        """Return the axis that has only the outputs from `start` up to `stop`."""
        before = self.padding_before - self.stride * start
        return replace(self, output_size=stop - start, padding_before=before)


@dataclass(frozen=True, slots=True)
class Geometry:
    """The spatial axes of one convolution, independent of each other.

    Both the input and the output size are kept. Of the several inputs that lead to
    the same output size, a geometry means exactly one.

    Examples
    --------
    >>> from deconv_tutorial.geometry import conv_geometry
    >>> geometry = conv_geometry((6, 5), (3, 2), stride=(2, 1), padding=(1, 0))
    >>> geometry.input_size, geometry.kernel_size, geometry.output_size
    ((6, 5), (3, 2), (3, 4))
    >>> next(geometry.connections())
    ((0, 0), (1, 0), (0, 0))
    """

    axes: tuple[Axis, ...]

    @property
    def input_size(self) -> Index:
        """The size of the input, one number per axis."""
        return tuple(axis.input_size for axis in self.axes)

    @property
    def kernel_size(self) -> Index:
        """The number of taps, one number per axis."""
        return tuple(axis.kernel_size for axis in self.axes)

    @property
    def output_size(self) -> Index:
        """The size of the output, one number per axis."""
        return tuple(axis.output_size for axis in self.axes)

    @property
    def inside(self) -> bool:
        """Whether no tap of any output reads outside the input."""
        return all(axis.inside for axis in self.axes)

    @property
    def separate(self) -> bool:
        """Whether no input is read twice, since windows do not overlap on any axis."""
        return all(axis.separate for axis in self.axes)

    def connections(self) -> Iterator[tuple[Index, Index, Index]]:
        """Yield every ``(output, kernel, input)`` index that meets inside the input."""
        for joint in product(*(axis.connections() for axis in self.axes)):
            o, k, i = zip(*joint, strict=True)
            yield o, k, i

    def taps(self) -> Iterator[tuple[Index, Window, Window]]:
        """Yield each tap with the outputs and the inputs that it connects.

        The same connections as :meth:`connections`, one tap at a time: the two
        windows have the same shape, and their elements correspond.
        """
        per_axis = ([(k, *a.tap(k)) for k in range(a.kernel_size)] for a in self.axes)
        for joint in product(*per_axis):
            k, outputs, inputs = zip(*joint, strict=True)
            yield k, outputs, inputs

    def transposed(self) -> Geometry:
        """Return the geometry on which inputs gather what outputs scatter to them."""
        return Geometry(tuple(axis.transposed() for axis in self.axes))

    def exchanged(self) -> Geometry:
        """Return the geometry in which outputs and taps have changed places."""
        return Geometry(tuple(axis.exchanged() for axis in self.axes))

    def padded(self) -> tuple[Geometry, Window, Window]:
        """Return the geometry with an input of just what is read, and what to copy."""
        axes, new, old = zip(*(axis.padded() for axis in self.axes), strict=True)
        return Geometry(axes), new, old

    def between(self, outputs: Window) -> Geometry:
        """Return the geometry that has only the outputs in the window `outputs`."""
        pairs = zip(self.axes, outputs, strict=True)
        return Geometry(tuple(axis.between(o.start, o.stop) for axis, o in pairs))
