"""The folder of this checkout, and how processes that start in it find the package."""

import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def use_checkout() -> None:
    """Let this process import the package, and those it starts, such as kernels."""
    old = os.environ.get("PYTHONPATH", "")
    if str(ROOT) not in old.split(os.pathsep):
        os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [str(ROOT), old]))
    if str(ROOT) not in sys.path:
        sys.path.insert(0, str(ROOT))
