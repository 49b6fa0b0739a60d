"""The examples of a page: what stands in its blocks of code, and what comes of them."""

import doctest
import os
import re
import subprocess
import sys
import warnings
from dataclasses import dataclass
from pathlib import Path

from tools.checkout import ROOT

FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
BLOCK = re.compile(r"^(#+ [^\n]*)$|^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PROMPTS = ("$ ", "> ")
IMPORT = re.compile(r">>> (?:import|from) (\w+)")


@dataclass
class Section:
    """The examples below one heading, by the foreign package that they need."""

    heading: str
    examples: dict[str, str]


def blocks(page):
    """Return the blocks of a page as triples: heading, language, text."""
    heading, found = "", []
    for title, language, text in BLOCK.findall(page):
        heading = title.lstrip("# ") or heading
        if language:
            found.append((heading, language, text))
    return found


def sections(page, foreign):
    """Return the sections with Python's examples; a block without imports goes on."""
    found = []
    for heading, language, text in blocks(page):
        if language == "python" and text.startswith(">>>"):
            if not found or found[-1].heading != heading:
                found.append(Section(heading, {}))
                need = ""
            imported = IMPORT.findall(text)
            if imported:
                need = next((name for name in imported if name in foreign), "")
            examples = found[-1].examples
            examples[need] = examples.get(need, "") + text
    return found


def run(text):
    """Run examples, and fail with what came where another thing is on the page."""
    test = doctest.DocTestParser().get_doctest(text, {}, "page", None, None)
    said = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # old packages warn
        doctest.DocTestRunner(optionflags=FLAGS).run(test, out=said.append)
    assert test.examples
    assert not said, "".join(said)


def run_shell(text, folder):
    """Run the commands of a transcript in a folder, and compare what they print."""
    lines = text.splitlines()
    commands = [line[2:] for line in lines if line.startswith(PROMPTS)]
    expected = "\n".join(line for line in lines if not line.startswith(PROMPTS))
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    environment = {**os.environ, "PATH": path, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        ["sh", "-c", "\n".join(commands)],
        cwd=folder,
        env=environment,
        capture_output=True,
        check=False,
        text=True,
    )
    same = doctest.OutputChecker().check_output(expected + "\n", done.stdout, FLAGS)
    assert commands
    assert same, done.stdout + done.stderr
