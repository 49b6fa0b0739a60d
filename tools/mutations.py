"""Small mistakes in a module: where each of them can be made, and some drawn of them.

A mutation changes a few characters of a text and leaves the others as they are. What
only a reader sees is left alone: docstrings, annotations, ``__all__``, and messages.
"""

from __future__ import annotations

import ast
import random
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import accumulate, pairwise, zip_longest
from typing import TypeAlias, TypeGuard, TypeVar

T = TypeVar("T")
Edit: TypeAlias = tuple[str, int, int, str]
"""The name of a mutation, and from where to where what is written."""

TOKENS: Mapping[type[ast.AST], tuple[str, str]] = {
    ast.Add: ("+", "-"),
    ast.Sub: ("-", "+"),
    ast.Mult: ("*", "//"),
    ast.FloorDiv: ("//", "*"),
    ast.Mod: ("%", "//"),
    ast.Div: ("/", "*"),
    ast.Pow: ("**", "*"),
    ast.Lt: ("<", "<="),
    ast.LtE: ("<=", "<"),
    ast.Gt: (">", ">="),
    ast.GtE: (">=", ">"),
    ast.Eq: ("==", "!="),
    ast.NotEq: ("!=", "=="),
    ast.Is: ("is", "is not"),
    ast.IsNot: ("is not", "is"),
    ast.In: ("in", "not in"),
    ast.NotIn: ("not in", "in"),
    ast.And: ("and", "or"),
    ast.Or: ("or", "and"),
}
NAMES = {"min": "max", "max": "min", "any": "all", "all": "any"}
# Whose two arguments may change places, beside the names above.
EITHER_WAY = {"result_type", "may_share_memory", "shares_memory", "gcd", "lcm"}
# What only the types need, and a guard of zip that no call can meet.
TYPING = {"cast", "isinstance", "issubclass", "TypeVar"}
TYPED = ("annotation", "returns")
GUARDS = {"strict"}
MODULE = "<module>"


@dataclass(frozen=True)
class Mutant:
    """One mistake: what it changes, and the lines before and after, each as one."""

    file: str
    line: int
    function: str
    mutation: str
    start: int
    end: int
    text: str
    before: str
    after: str

    def __str__(self) -> str:
        """Return the change as a difference of one line."""
        where = f"{self.file}:{self.line} in {self.function} ({self.mutation})"
        return f"{where}\n-    {self.before}\n+    {self.after}"

    def applied(self, source: bytes) -> bytes:
        """Return a text with this mistake in it."""
        return source[: self.start] + self.text.encode() + source[self.end :]


class Code:
    """A text in which nodes of its tree are found. Offsets are those of its bytes."""

    def __init__(self, text: bytes) -> None:
        """Remember where each line begins."""
        self.text = text
        lengths = map(len, text.splitlines(keepends=True))
        self.begins = list(accumulate(lengths, initial=0))

    def span(self, node: ast.expr | ast.stmt | ast.keyword) -> tuple[int, int]:
        """Return where a node starts and where it ends."""
        end_line, end = node.end_lineno or 1, node.end_col_offset or 0
        start = self.begins[node.lineno - 1] + node.col_offset
        return start, self.begins[end_line - 1] + end

    def code(self, node: ast.expr) -> str:
        """Return a node as it is written."""
        start, end = self.span(node)
        return self.text[start:end].decode()

    def token(
        self, left: ast.expr, right: ast.expr, old: str
    ) -> Iterator[tuple[int, int]]:
        """Yield where a token stands between two nodes, if it does."""
        start, end = self.span(left)[1], self.span(right)[0]
        place = self.text.find(old.encode(), start, end)
        if place >= 0:
            yield place, place + len(old)

    def lines(self, start: int, end: int) -> tuple[int, int]:
        """Return from where to where the lines go that hold a span."""
        last = self.text.find(b"\n", end)
        first = self.text.rfind(b"\n", 0, start) + 1
        return first, len(self.text) if last < 0 else last


def operators(source: Code, node: ast.AST) -> Iterator[Edit]:
    """Yield each operator exchanged for its neighbour."""
    pairs: list[tuple[ast.expr, ast.AST, ast.expr]] = []
    if isinstance(node, ast.BinOp) and not any(map(is_text, (node.left, node.right))):
        pairs = [(node.left, node.op, node.right)]
    elif isinstance(node, ast.AugAssign):
        pairs = [(node.target, node.op, node.value)]
    elif isinstance(node, ast.Compare):
        operands = pairwise([node.left, *node.comparators])
        pairs = [
            (left, op, right)
            for (left, right), op in zip(operands, node.ops, strict=True)
        ]
    elif isinstance(node, ast.BoolOp):
        pairs = [(left, node.op, right) for left, right in pairwise(node.values)]
    for left, op, right in pairs:
        old, new = TOKENS.get(type(op), ("", ""))
        for start, end in source.token(left, right, old) if old else ():
            yield f"{old} to {new}", start, end, new


def signs(source: Code, node: ast.AST) -> Iterator[Edit]:
    """Yield an expression without the minus or the not before it."""
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub | ast.Not):
        name = "drop not" if isinstance(node.op, ast.Not) else "drop minus"
        yield name, *source.span(node), f"({source.code(node.operand)})"


def constants(source: Code, node: ast.AST) -> Iterator[Edit]:
    """Yield each whole number with its neighbours, and each truth turned."""
    if not isinstance(node, ast.Constant):
        return
    if isinstance(node.value, bool):
        yield "turn a truth", *source.span(node), str(not node.value)
    elif isinstance(node.value, int):
        yield "n to n + 1", *source.span(node), str(node.value + 1)
        yield "n to n - 1", *source.span(node), str(node.value - 1)


def conditions(source: Code, node: ast.AST) -> Iterator[Edit]:
    """Yield each condition turned, and each one that always or never holds."""
    tests: list[ast.expr] = []
    if isinstance(node, ast.If | ast.IfExp | ast.While):
        tests = [node.test]
    elif isinstance(node, ast.comprehension):
        tests = node.ifs
    for test in tests:
        if not isinstance(test, ast.UnaryOp):
            yield "turn a condition", *source.span(test), f"not ({source.code(test)})"
        if not isinstance(node, ast.While):
            yield "condition to True", *source.span(test), "True"
        yield "condition to False", *source.span(test), "False"


def calls(source: Code, node: ast.AST) -> Iterator[Edit]:
    """Yield min as max, two arguments that have changed places, and one left out."""
    if not isinstance(node, ast.Call) or name_of(node) in TYPING:
        return
    if name_of(node) in NAMES and isinstance(node.func, ast.Name):
        new = NAMES[node.func.id]
        yield f"{node.func.id} to {new}", *source.span(node.func), new
    first, second = [*node.args[:2], None, None][:2]
    ordered = name_of(node) not in EITHER_WAY.union(NAMES)
    if first and second and ordered and not is_text(first):
        start, end = source.span(first)[0], source.span(second)[1]
        new = f"{source.code(second)}, {source.code(first)}"
        yield "swap arguments", start, end, new
    for keyword in node.keywords:
        if keyword.arg and keyword.arg not in GUARDS:
            yield "drop a keyword", *source.span(keyword), "**{}"


def slices(source: Code, node: ast.AST) -> Iterator[Edit]:
    """Yield a slice whose bounds have changed places."""
    if isinstance(node, ast.Slice) and (node.lower or node.upper):
        lower, upper, step = (
            source.code(part) if part else ""
            for part in (node.lower, node.upper, node.step)
        )
        swapped = f"{upper}:{lower}" + (f":{step}" if step else "")
        yield "swap bounds", *source.span(node), swapped


def statements(source: Code, node: ast.AST) -> Iterator[Edit]:
    """Yield a statement left out, one that adds or sets instead, and a call undone."""
    if isinstance(node, ast.AugAssign):
        new = f"{source.code(node.target)} = {source.code(node.value)}"
        yield "+= to =", *source.span(node), new
    if isinstance(node, ast.Assign) and sets_a_part(node):
        new = f"{source.code(node.targets[0])} += {source.code(node.value)}"
        yield "= to +=", *source.span(node), new
    if can_be_dropped(node):
        yield "drop a statement", *source.span(node), "pass"
    if isinstance(node, ast.Return | ast.Assign) and isinstance(node.value, ast.Call):
        call = node.value
        first = [a for a in call.args[:1] if not isinstance(a, ast.Starred)]
        if not call.args and isinstance(call.func, ast.Attribute):
            first = [call.func.value]
        if first and name_of(call) not in TYPING:
            yield "undo a call", *source.span(call), source.code(first[0])


MUTATIONS: tuple[Callable[[Code, ast.AST], Iterator[Edit]], ...] = (
    operators,
    signs,
    constants,
    conditions,
    calls,
    slices,
    statements,
)


def can_be_dropped(node: ast.AST) -> TypeGuard[ast.stmt]:
    """Return whether a function may go on without a statement."""
    if isinstance(node, ast.Expr):
        return isinstance(node.value, ast.Call)
    if isinstance(node, ast.Assign):
        return sets_a_part(node) or bool(names(node.targets) & names([node.value]))
    return isinstance(node, ast.AugAssign | ast.Raise | ast.Continue | ast.Break)


def sets_a_part(node: ast.Assign) -> bool:
    """Return whether an assignment changes something that is there already."""
    return isinstance(node.targets[0], ast.Subscript | ast.Attribute)


def names(nodes: Iterable[ast.AST]) -> set[str]:
    """Return the variables in some nodes."""
    every = (part for node in nodes for part in ast.walk(node))
    return {part.id for part in every if isinstance(part, ast.Name)}


def name_of(call: ast.Call) -> str:
    """Return the last name of what is called."""
    return ast.unparse(call.func).rpartition(".")[2]


def is_text(node: ast.AST) -> bool:
    """Return whether a node is written in quotes."""
    return isinstance(node, ast.JoinedStr) or (
        isinstance(node, ast.Constant) and isinstance(node.value, str)
    )


def is_left_alone(node: ast.AST) -> bool:
    """Return whether nobody's result depends on a node."""
    if isinstance(node, ast.Import | ast.ImportFrom | ast.JoinedStr):
        return True
    if isinstance(node, ast.AnnAssign):
        return ast.unparse(node.annotation).endswith("TypeAlias")
    if isinstance(node, ast.If):
        return ast.unparse(node.test).endswith("TYPE_CHECKING")
    if isinstance(node, ast.keyword):
        return node.arg in GUARDS
    return isinstance(node, ast.Assign) and "__all__" in names(node.targets)


def is_part_left_alone(node: ast.AST, whole: ast.AST) -> bool:
    """Return whether a part of another node is a type, or the -1 of a reshape."""
    if isinstance(whole, ast.Call) and name_of(whole) == "reshape":
        return isinstance(node, ast.UnaryOp)  # NumPy takes any negative number there
    return any(node is getattr(whole, name, None) for name in TYPED)


def nodes(tree: ast.AST, function: str = "") -> Iterator[tuple[str, ast.AST]]:
    """Yield what may be mutated, with the name of the function that it is in."""
    if is_left_alone(tree):
        return
    if isinstance(tree, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        function = f"{function}.{tree.name}".lstrip(".")
    yield function or MODULE, tree
    for node in ast.iter_child_nodes(tree):
        if not is_part_left_alone(node, tree):
            yield from nodes(node, function)


def mutants_of(text: bytes, file: str) -> list[Mutant]:
    """Return every mutant of a module, each text once, in the order of the lines."""
    source, found = Code(text), dict[bytes, Mutant]()
    for function, node in nodes(ast.parse(text)):
        for mutate in MUTATIONS:
            for name, start, end, new in mutate(source, node):
                first, last = source.lines(start, end)
                line = text.count(b"\n", 0, start) + 1
                changed = text[first:start] + new.encode() + text[end:last]
                both = [
                    " ".join(s.decode().split()) for s in (text[first:last], changed)
                ]
                mutant = Mutant(file, line, function, name, start, end, new, *both)
                found.setdefault(mutant.applied(text), mutant)
    found.pop(text, None)  # two equal arguments have changed places
    return sorted(found.values(), key=lambda mutant: (mutant.start, mutant.end))


def in_turn(lists: Iterable[Iterable[T]]) -> Iterator[T]:
    """Yield the first of each list, then the second of each, and so on."""
    for row in zip_longest(*([(item,) for item in items] for items in lists)):
        for items in row:
            yield from items or ()


def drawn(mutants: Iterable[Mutant], seed: int) -> Iterator[Mutant]:
    """Yield mutants in a drawn order, modules and mutations taking turns.

    The order within a module depends on nothing but the seed and its text.
    """
    modules: dict[str, dict[str, list[Mutant]]] = {}
    for mutant in mutants:
        by_mutation = modules.setdefault(mutant.file, {})
        by_mutation.setdefault(mutant.mutation, []).append(mutant)
    orders: list[list[Mutant]] = []
    for file, by_mutation in modules.items():
        draw = random.Random(f"{seed} {file}")
        lists = list(by_mutation.values())
        for items in (*lists, lists):
            draw.shuffle(items)
        orders.append(list(in_turn(lists)))
    return in_turn(orders)
