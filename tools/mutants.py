"""Make small mistakes in the package, and see whether the tests find them.

Each mistake is made in a copy of this checkout. There the tests that mirror its module
run, and those of the layers above where they find nothing. `tools/mutants.toml` lists
mistakes that no test can find, or that change nothing but speed and memory, each with
the reason.
"""

from __future__ import annotations

import argparse
import ast
import itertools
import signal
import sys
import tempfile
import tomllib
from collections import Counter
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue
from typing import TypeVar

from tools.checkout import ROOT
from tools.copies import PASSED, STOPPED, Copy
from tools.mutations import Mutant, drawn, mutants_of

T = TypeVar("T")
R = TypeVar("R")

PACKAGE = "deconv_tutorial"
EQUIVALENTS = Path("tools", "mutants.toml")
ABOVE = ("diagnose", "exercises")
"""Folders in which the wide tests see no mistake."""
MODULES = ("geometry", "dtypes.py", "call.py", "engines")
WIDE = (
    "geometry",
    "test_dtypes.py",
    "test_call.py",
    "engines",
    "test_functional.py",
    "test_checks.py",
    "test_identities.py",
)
KILLED, EQUIVALENT, SURVIVED = "killed", "equivalent", "survived"


@dataclass(frozen=True)
class Equivalent:
    """A mistake that no test can find, or that changes speed alone, and why."""

    file: str
    function: str
    before: str
    after: str
    reason: str

    def means(self, mutant: Mutant) -> bool:
        """Return whether a mutant is this mistake."""
        mine = (self.file, self.function, self.before, self.after)
        return mine == (mutant.file, mutant.function, mutant.before, mutant.after)


class Trials:
    """Trials of mutants, several at a time, each with the tests of its module."""

    def __init__(self, root: Path, copies: list[Copy], pool: Executor) -> None:
        """Begin without knowing how long any test takes."""
        self.root = root
        self.pool = pool
        self.idle: SimpleQueue[Copy] = SimpleQueue()
        self.seconds: dict[str, float] = {}
        for copy in copies:
            self.idle.put(copy)

    def shared(self, work: Callable[[Copy, T], R], items: Iterable[T]) -> list[R]:
        """Return what comes of each item, worked on in any copy that is free."""

        def one(item: T) -> R:
            copy = self.idle.get()
            try:
                return work(copy, item)
            finally:
                self.idle.put(copy)

        return list(self.pool.map(one, items))

    def measure(self, mutants: Iterable[Mutant]) -> None:
        """Measure how long each test takes, or end where one fails without mistakes."""
        modules = {mutant.file for mutant in mutants}
        tests = {test for module in modules for test in mirrored(self.root, module)}

        def seconds(copy: Copy, test: str) -> float:
            ending, took = copy.run([test])
            if ending != PASSED:
                sys.exit(f"{test} fails before any mistake is made")
            return took

        names = sorted(tests.union(wide(self.root)))
        measured = self.shared(seconds, names)
        self.seconds = dict(zip(names, measured, strict=True))

    def cost(self, test: str, file: str) -> tuple[bool, float]:
        """Return what to sort tests by: those of a module beside this one are last."""
        beside = Path(file).with_name(Path(test).name.removeprefix("test_"))
        other = beside != Path(file) and (self.root / beside).is_file()
        return other, self.seconds[test]

    def outcome(self, copy: Copy, mutant: Mutant) -> str:
        """Return what becomes of a mutant; one that takes very long is stopped."""
        first = mirrored(self.root, mutant.file)
        second: list[str] = []
        if Path(mutant.file).parts[1] not in ABOVE:
            second = [test for test in wide(self.root) if test not in first]
        with copy.mutated(mutant):
            for tests in filter(None, (first, second)):
                order = sorted(tests, key=lambda t: self.cost(t, mutant.file))
                limit = 30 + round(3 * sum(map(self.seconds.__getitem__, tests)))
                ending, _ = copy.run(order, seconds=limit, patience=10 * limit)
                if ending != PASSED:
                    outcome = STOPPED if ending == STOPPED else KILLED
                    said("s" if ending == STOPPED else ".")
                    return outcome
        said(f"\n{mutant}\n")
        return SURVIVED

    def outcomes(self, mutants: list[Mutant]) -> list[str]:
        """Return what becomes of each mutant."""
        self.measure(mutants)
        found = self.shared(self.outcome, mutants)
        said("\n")
        return found


@contextmanager
def trials(root: Path, jobs: int) -> Generator[Trials]:
    """Yield trials in so many copies of a checkout, which go in the end."""
    with ExitStack() as stack:
        pool = stack.enter_context(ThreadPoolExecutor(jobs))
        copies: list[Copy] = []
        for _ in range(jobs):
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            copies.append(Copy(root, folder))
            stack.callback(copies[-1].end)
        yield Trials(root, copies, pool)


def mirrored(root: Path, file: str) -> list[str]:
    """Return a module, for its examples, and the tests where the tree mirrors it."""
    module = Path(file).relative_to(PACKAGE)
    alone = module.parent == Path()
    folder = root / "tests" / module.parent
    while not folder.is_dir():  # a folder without tests of its own
        folder = folder.parent
    tests = folder.glob(f"test_{module.stem}.py" if alone else "test_*.py")
    return [file, *sorted(path.relative_to(root).as_posix() for path in tests)]


def wide(root: Path) -> list[str]:
    """Return the tests that see a mistake in any module below the four functions."""
    places = [root / "tests" / name for name in WIDE]
    tests = [
        test
        for place in places
        for test in ([place] if place.is_file() else sorted(place.rglob("test_*.py")))
    ]
    return [test.relative_to(root).as_posix() for test in tests]


def files(root: Path, modules: Iterable[str]) -> list[str]:
    """Return the modules meant by their names, and those in the folders so named."""
    found: list[Path] = []
    for name in modules:
        place = root / PACKAGE / name.removeprefix(f"{PACKAGE}/")
        if not place.exists():
            sys.exit(f"there is no {place.relative_to(root).as_posix()}")
        found += sorted(place.rglob("*.py")) if place.is_dir() else [place]
    return list(dict.fromkeys(path.relative_to(root).as_posix() for path in found))


def equivalents(root: Path) -> list[Equivalent]:
    """Return the mistakes that no test can find, or end where one cannot be made."""
    path = root / EQUIVALENTS
    text = path.read_text("utf-8") if path.is_file() else ""
    listed = [
        Equivalent(**{**entry, "after": after})
        for entry in tomllib.loads(text).get("equivalent", [])
        for after in entry["after"]
    ]
    for entry in listed:
        module = root / entry.file
        mutants = (
            mutants_of(module.read_bytes(), entry.file) if module.is_file() else []
        )
        if not any(map(entry.means, mutants)):
            sys.exit(
                f"{EQUIVALENTS} is stale: nothing in {entry.file} is as in {entry}"
            )
    return listed


def chosen(root: Path, modules: Iterable[str], seed: int, count: int) -> list[Mutant]:
    """Return the drawn mutants of some modules, by module and line."""
    texts = {file: (root / file).read_bytes() for file in files(root, modules)}
    lists = [mutants_of(text, file) for file, text in texts.items()]

    def is_code(mutant: Mutant) -> bool:
        try:
            ast.parse(mutant.applied(texts[mutant.file]))
        except SyntaxError:
            return False
        return True

    every = drawn(itertools.chain(*lists), seed)
    some = itertools.islice(filter(is_code, every), count)
    return sorted(some, key=lambda m: (list(texts).index(m.file), m.start, m.end))


def said(text: str) -> None:
    """Say at once how far we are."""
    print(text, end="", file=sys.stderr, flush=True)


def share(counts: Counter[str]) -> float:
    """Return how many of the mutants are killed or equivalent, in percent."""
    return 100 * (1 - counts[SURVIVED] / max(1, counts.total()))


def table(found: list[tuple[Mutant, str]]) -> str:
    """Return how many mutants of each module had which outcome."""
    rows: dict[str, Counter[str]] = {}
    for mutant, outcome in found:
        for name in (mutant.file.removeprefix(f"{PACKAGE}/"), "all"):
            rows.setdefault(name, Counter())[outcome] += 1
    rows["all"] = rows.pop("all", Counter())
    columns = (KILLED, STOPPED, EQUIVALENT, SURVIVED)
    width = max(map(len, rows))
    lines = ["  ".join([f"{'module':{width}}", " tried", *columns, "percent"])]
    for name, counts in rows.items():
        cells = "  ".join(f"{counts[column]:{len(column)}}" for column in columns)
        lines.append(
            f"{name:{width}}  {counts.total():6}  {cells}  {share(counts):7.1f}"
        )
    return "\n".join(lines)


def options_of(arguments: list[str] | None) -> argparse.Namespace:
    """Return what is asked for on the command line."""
    parser = argparse.ArgumentParser(prog="tools.mutants", description=__doc__)
    parser.add_argument("modules", nargs="*", metavar="MODULE", default=MODULES)
    parser.add_argument("--seed", type=int, default=0, help="of the drawing")
    parser.add_argument("--count", type=int, default=300, help="how many to draw")
    parser.add_argument("--jobs", type=int, default=2, help="how many at a time")
    parser.add_argument("--at-least", type=float, default=95, help="percent found")
    parser.add_argument("--list", action="store_true", help="run nothing")
    return parser.parse_args(arguments)


def main(arguments: list[str] | None = None, root: Path = ROOT) -> int:
    """Print the table, and which survived or were stopped; return 1 if too few fell."""
    options = options_of(arguments)
    known = equivalents(root)
    mutants = chosen(root, options.modules, options.seed, options.count)
    if options.list:
        print(*mutants, sep="\n")
        return 0
    alike = [m for m in mutants if any(entry.means(m) for entry in known)]
    tried = [m for m in mutants if m not in alike]
    with trials(root, options.jobs) as running:
        outcomes = running.outcomes(tried)
    found = list(zip(tried, outcomes, strict=True))
    shown = [
        f"{outcome}: {mutant}"
        for outcome in (STOPPED, SURVIVED)
        for mutant, became in found
        if became == outcome
    ]
    found += [(mutant, EQUIVALENT) for mutant in alike]
    print(table(found), *shown, sep="\n")
    return int(share(Counter(outcome for _, outcome in found)) < options.at_least)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # leave nothing behind
    sys.exit(main())
