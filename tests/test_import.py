"""The package where the system offers less, as to Pythons that run in a browser."""

import os
import subprocess
import sys

from tools.checkout import ROOT

# Taken away before any module looks for them: `threading` takes its own from `_thread`.
WITH_LESS = """
import _thread, os, signal, sys

assert "threading" not in sys.modules
for module, name in [
    (_thread, "get_native_id"),
    (os, "fork"),
    (os, "register_at_fork"),
    (os, "sched_getaffinity"),
    (os, "sysconf"),
    (signal, "setitimer"),
]:
    if hasattr(module, name):
        delattr(module, name)
"""
CONVOLVE = """
import numpy as np
from deconv_tutorial import ENGINES, conv, conv_backward

small = np.arange(1.0, 31).reshape(1, 3, 10), np.arange(1.0, 37).reshape(4, 3, 3)
large = np.ones((8, 4, 99, 99)), np.ones((4, 4, 3, 3))  # for several threads
for engine in ENGINES.values():
    y = conv(*small, engine=engine)
    assert y[0, 0, 0] == np.sum(small[0][..., :3] * small[1][:1])
    assert conv_backward(y, *small, engine=engine).dx.shape == small[0].shape
for name in ("im2col", "fast"):
    assert np.all(conv(*large, engine=ENGINES[name]) == 36)
"""
IMPORT_ALL = """
import pkgutil
import deconv_tutorial

for module in pkgutil.walk_packages(deconv_tutorial.__path__, "deconv_tutorial."):
    if not module.name.endswith(".__main__"):
        __import__(module.name)
"""


def run(code):
    # Without `site`, which might import `threading` for the packages it finds.
    command = [sys.executable, "-S", "-c", WITH_LESS + code]
    path = os.pathsep.join([str(ROOT), *filter(None, sys.path)])
    done = subprocess.run(command, env={**os.environ, "PYTHONPATH": path}, check=False)
    assert done.returncode == 0


def test_every_engine_convolves_with_less():
    run(CONVOLVE)


def test_every_module_imports_with_less():
    run(IMPORT_ALL)
