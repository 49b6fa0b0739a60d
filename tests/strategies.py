"""Valid cases by construction: the output is drawn, and the input derived from it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from hypothesis import strategies as st

from deconv_tutorial.geometry import Axis, Geometry


@dataclass(frozen=True)
class DrawnLayer:
    """One layer: sizes, settings, and a seed for its arrays."""

    samples: int
    groups: int
    x_channels: int  # per group, of the convolution's x
    y_channels: int  # per group, of the convolution's y
    axes: tuple[dict[str, int], ...]
    seed: int

    @property
    def geometry(self) -> Geometry:
        """The geometry, made without the functions that are tested with it."""
        return Geometry(
            tuple(
                Axis(
                    a["input_size"],
                    a["kernel_size"],
                    a["output_size"],
                    a["stride"],
                    a["dilation"],
                    a["before"],
                )
                for a in self.axes
            )
        )

    def of(self, name: str) -> tuple[int, ...]:
        """Return one number per axis."""
        return tuple(a[name] for a in self.axes)

    @property
    def settings(self) -> dict[str, Any]:
        """The keywords of a convolution, each in its longest form."""
        return {
            "stride": self.of("stride"),
            "padding": tuple(zip(self.of("before"), self.of("after"), strict=True)),
            "dilation": self.of("dilation"),
            "groups": self.groups,
        }

    @property
    def transposed_settings(self) -> dict[str, Any]:
        """The keywords of the transposed convolution."""
        return {**self.settings, "output_padding": self.of("leftover")}

    def arrays(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return x, w and y in the layout of `conv`, small integers as float64."""
        rng = np.random.default_rng(self.seed)
        c_in, c_out = self.groups * self.x_channels, self.groups * self.y_channels
        shapes = (
            (self.samples, c_in, *self.of("input_size")),
            (c_out, self.x_channels, *self.of("kernel_size")),
            (self.samples, c_out, *self.of("output_size")),
        )
        x, w, y = (rng.integers(-9, 10, shape).astype(float) for shape in shapes)
        return x, w, y

    def engine_arrays(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return x, w and y as engines take them: channels split into groups."""
        x, w, y = self.arrays()
        g = self.groups
        return (
            x.reshape(len(x), g, -1, *x.shape[2:]),
            w.reshape(g, -1, *w.shape[1:]),
            y.reshape(len(y), g, -1, *y.shape[2:]),
        )


@st.composite
def axes(draw: st.DrawFn, largest: int = 4) -> dict[str, int]:
    """Draw one axis: the output first, then an input that leads to it."""
    output_size = draw(st.integers(1, largest))
    kernel_size = draw(st.integers(1, largest))
    stride = draw(st.integers(1, 4))
    dilation = draw(st.integers(1, 3))
    leftover = draw(st.integers(0, stride - 1))
    padded = stride * (output_size - 1) + dilation * (kernel_size - 1) + 1 + leftover
    before = draw(st.integers(0, min(4, padded - 1)))
    after = draw(st.integers(0, min(4, padded - 1 - before)))
    return {
        "input_size": padded - before - after,
        "kernel_size": kernel_size,
        "output_size": output_size,
        "stride": stride,
        "dilation": dilation,
        "before": before,
        "after": after,
        "leftover": leftover,
    }


@st.composite
def cases(draw: st.DrawFn, rank: int | None = None) -> DrawnLayer:
    """Draw one layer of a rank, or of any rank from 1 to 3."""
    rank = draw(st.integers(1, 3)) if rank is None else rank
    largest = {1: 6, 2: 4, 3: 3}[rank]
    return DrawnLayer(
        samples=draw(st.integers(1, 3)),
        groups=draw(st.integers(1, 3)),
        x_channels=draw(st.integers(1, 3)),
        y_channels=draw(st.integers(1, 3)),
        axes=tuple(draw(axes(largest)) for _ in range(rank)),
        seed=draw(st.integers(0, 2**32 - 1)),
    )
