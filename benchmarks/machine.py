"""The machine that measures: its parts, and its limits."""

from __future__ import annotations

import os
import platform
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.measure import seconds

PACKAGES = ("numpy", "scipy", "torch", "jax", "jaxlib", "matplotlib", "threadpoolctl")
FORCING = (
    "OPENBLAS_CORETYPE",
    "OPENBLAS_L2_SIZE",
    "MKL_DEBUG_CPU_TYPE",
    "MKL_ENABLE_INSTRUCTIONS",
    "ONEDNN_MAX_CPU_ISA",
    "DNNL_MAX_CPU_ISA",
    "ATEN_CPU_CAPABILITY",
    "NPY_DISABLE_CPU_FEATURES",
)
"""Variables that make a library use the instructions of another processor."""
_GEMM = ((512, 512, 512), (1024, 1024, 1024), (64, 576, 25088), (2048, 1024, 2048))
_COPY = 16 * 2**20  # elements; too many for the caches


def facts() -> dict[str, Any]:
    """Return the processor, the system and the versions."""
    return {
        "processor": _processor(),
        "cores": cores(),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "packages": {name: found for name in PACKAGES if (found := _version(name))},
        "left out": {name: os.environ[name] for name in FORCING if name in os.environ},
    }


def cores() -> int:
    """Return the number of cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def bind(threads: int) -> None:
    """Keep this process on as many cores as it should have threads, if possible.

    Some libraries ignore their own settings, but none can ignore this.
    """
    if hasattr(os, "sched_setaffinity"):
        mine = sorted(os.sched_getaffinity(0))
        os.sched_setaffinity(0, mine[-threads:])


def environment(threads: int, *, forced: bool) -> dict[str, str]:
    """Return the environment variables of a process with this number of threads.

    Variables that force a library to the instructions of another processor are left
    out, unless `forced` is true.
    """
    kept = {k: v for k, v in os.environ.items() if forced or k not in FORCING}
    return kept | _thread_variables(threads)


def _thread_variables(threads: int) -> dict[str, str]:
    names = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")
    eigen = "true" if threads > 1 else "false"
    return {
        **dict.fromkeys(names, str(threads)),
        "XLA_FLAGS": f"--xla_cpu_multi_thread_eigen={eigen}",
        "JAX_PLATFORMS": "cpu",
    }


def thread_pools() -> list[dict[str, Any]]:
    """Return the libraries in this process that have threads, such as BLAS."""
    try:
        pools: Any = import_module("threadpoolctl").threadpool_info()
    except ImportError:
        return []
    kept = ("user_api", "internal_api", "prefix", "version", "architecture")
    found = [
        {name: pool[name] for name in (*kept, "num_threads") if pool.get(name)}
        for pool in pools
    ]
    return sorted(found, key=str)


def limits() -> dict[str, float]:
    """Return the speed of a matrix product in GF/s, and of a copy in GB/s.

    The bytes of a copy count twice: they are read and written.
    """
    copied = _best_speed(_copy(), 2 * 4 * _COPY)
    return {"gemm": max(map(_gemm, _GEMM)), "copy": copied}


def _gemm(shape: tuple[int, int, int]) -> float:
    m, k, n = shape
    rng = np.random.default_rng(0)
    a, b = (rng.random(s, dtype=np.float32) for s in ((m, k), (k, n)))
    out = np.empty((m, n), np.float32)
    return _best_speed(lambda: np.matmul(a, b, out=out), 2 * m * k * n)


def _copy() -> Any:
    source, target = (np.ones(_COPY, np.float32) for _ in range(2))
    return lambda: np.copyto(target, source)


def _best_speed(run: Any, amount: float) -> float:
    """Return the best speed in several runs, in 1e9 a second."""
    return amount / min(seconds(run, 1) for _ in range(8)) / 1e9


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text("utf-8").splitlines() if info.exists() else []
    names = [line.split(":")[1].strip() for line in lines if "model name" in line]
    return names[0] if names else platform.processor()


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None
