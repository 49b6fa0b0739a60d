"""Build the wheel, and try it in an empty folder and an empty environment.

It is built from the source distribution, which has the package and no tests. Then
install what the chapters import, and run their code there too.
"""

import json
import subprocess
import sys
import tarfile
import tempfile
import tomllib
import venv
from pathlib import Path
from statistics import median

from tools.checkout import ROOT
from tools.notebooks import chapters

MEASURED = Path("benchmarks", "results.json")  # a chapter reads this file
SOURCES = ["pyproject.toml", "MANIFEST.in", "README.md", "LICENSE", "deconv_tutorial"]
MADE = ["PKG-INFO", "setup.cfg", "deconv_tutorial.egg-info"]
EXPECTED = {"deconv-tutorial", "mpmath", "numpy", "sympy", "threadpoolctl"}
IMPORT_LIMIT = 0.3
SDIST = """
import sys
from setuptools.build_meta import build_sdist
build_sdist(sys.argv[1])
"""
IMPORT = """
import sys, time
start = time.perf_counter()
import numpy
middle = time.perf_counter()
import deconv_tutorial
end = time.perf_counter()
late = {"matplotlib", "sympy"} & set(sys.modules)
assert not late, f"the import of deconv_tutorial also imports {late}"
print(end - start, end - middle)
"""
INSTALLED = """
from importlib.metadata import distributions
print(*(d.name.lower().replace("_", "-") for d in distributions()))
"""
README = """
import doctest, sys
results = doctest.testfile(sys.argv[1], module_relative=False)
assert results.attempted and not results.failed
"""


def output(*command: str | Path, cwd: Path) -> str:
    """Return what a command prints. If it fails, exit with its message."""
    done = subprocess.run(
        command, cwd=cwd, stdout=subprocess.PIPE, check=False, text=True
    )
    if done.returncode:
        sys.exit(f"{done.stdout}failed: {' '.join(map(str, command[:4]))}")
    return done.stdout


def built_wheel(folder: Path) -> Path:
    """Return the path of the wheel, built from the source distribution."""
    sdist = built_sdist(folder)
    output(*pip_command(folder), "wheel", "--no-deps", "-w", folder, sdist, cwd=folder)
    (wheel,) = folder.glob("*.whl")
    return wheel


def built_sdist(folder: Path) -> Path:
    """Return the path of the source distribution, built from a copy of the sources."""
    # A copy, because setuptools leaves a build folder beside the sources.
    source = folder / "source"
    source.mkdir()
    for name in [*SOURCES, "tests"]:
        output("cp", "-R", ROOT / name, source, cwd=folder)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    run = pip_command(folder)
    output(*run, "install", *project["build-system"]["requires"], cwd=folder)
    output(run[0], "-c", SDIST, folder, cwd=source)
    (sdist,) = folder.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        found = {name.split("/")[1] for name in archive.getnames() if "/" in name}
    if found != {*SOURCES, *MADE}:
        sys.exit(f"expected {sorted([*SOURCES, *MADE])}, packed {sorted(found)}")
    return sdist


def pip_command(folder: Path) -> list[str | Path]:
    """Return a pip in its own environment, since the book's environment may lack it."""
    home = folder / "pip"
    if not home.exists():
        venv.create(home, with_pip=True)
    return [home / "bin" / "python", "-m", "pip", "-q", "--disable-pip-version-check"]


def script(chapter: Path) -> str:
    """Return the code cells of a chapter as one program."""
    cells = json.loads(chapter.read_text("utf-8"))["cells"]
    codes = ["".join(c["source"]) for c in cells if c["cell_type"] == "code"]
    return "\n\n".join(codes)


def main() -> None:
    """Check what the wheel installs, its import time, the README and the chapters."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        wheel = built_wheel(folder)
        venv.create(folder / "env", with_pip=False)
        python = folder / "env" / "bin" / "python"
        output(*pip_command(folder), "--python", python, "install", wheel, cwd=folder)

        installed = set(output(python, "-I", "-c", INSTALLED, cwd=folder).split())
        if installed != EXPECTED:
            sys.exit(f"expected {sorted(EXPECTED)}, installed {sorted(installed)}")

        output(python, "-I", "-c", IMPORT, cwd=folder)  # the first import compiles
        runs = [output(python, "-I", "-c", IMPORT, cwd=folder) for _ in range(5)]
        total, own = (
            median(map(float, row)) for row in zip(*map(str.split, runs), strict=True)
        )
        if total > IMPORT_LIMIT:
            sys.exit(f"import takes {total:.2f} s, the limit is {IMPORT_LIMIT} s")

        output(python, "-I", "-c", README, ROOT / "README.md", cwd=folder)
        print(f"Import takes {total:.2f} s, {own:.2f} s of it beyond NumPy.")

        extra = f"{wheel}[book]"
        output(*pip_command(folder), "--python", python, "install", extra, cwd=folder)
        (folder / MEASURED).parent.mkdir()
        output("cp", ROOT / MEASURED, folder / MEASURED, cwd=folder)
        for chapter in chapters():  # one of them reads the titles of the others
            place = folder / chapter.parent.relative_to(ROOT)
            place.mkdir(parents=True, exist_ok=True)
            output("cp", chapter, place, cwd=folder)
        for chapter in chapters():
            place = folder / chapter.parent.relative_to(ROOT)
            program = (
                place / f"{chapter.stem}.py"
            )  # so that its functions have a source
            program.write_text(script(chapter), "utf-8")
            output(python, "-I", "-W", "error", program, cwd=place)
            print(f"Runs from the wheel: {chapter.name}")
        print(f"The wheel works: {wheel.name}")


if __name__ == "__main__":
    main()
