"""The house: how large each room may grow, which way the arrows run, and no function that is hard to hold in the head."""

import ast
import re
from collections import Counter
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
MODULES = sorted((ROOT / "tms_edu").rglob("*.py"))
# Statements, docstrings apart. Words are free.
BUDGETS = {
    "core": 720,
    "linear": 190,
    "digits": 100,
    "checks, engine": 480,
    "checks, questions of 00–06": 650,
    "widgets": 1735,
}
QUESTIONS_OF_A_NOTEBOOK = 90  # from 07 on
# What each room may import of ours.
ARROWS = {
    "core": {"core"},
    "linear": {"core", "linear"},
    "digits": {"core", "digits"},
    "checks, engine": {"core", "digits", "checks, engine"},
    "checks, questions": {"core", "linear", "digits", "checks, engine"},
    "widgets": {"core", "linear", "digits", "widgets"},
}


def room(parts: tuple[str, ...]) -> str:
    """Name the room of a module, given by its path below tms_edu."""
    if len(parts) == 1:
        return "core"
    if parts[0] == "checks":
        return "checks, questions" if re.match(r"nb\d\d", parts[1]) else "checks, engine"
    return parts[0]


def rooms() -> dict[Path, str]:
    return {path: room(path.relative_to(ROOT / "tms_edu").parts) for path in MODULES}


def statements(source: str) -> int:
    """Count statements, docstrings and bare constants apart."""
    found = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.stmt)]
    return sum(not (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)) for node in found)


def size(path: Path) -> int:
    return statements(path.read_text(encoding="utf-8"))


def test_statements_are_counted_and_words_are_not():
    assert statements('"""Words."""\nx = [\n    1,\n    2,\n]\nif x:\n    y = 1') == 3


def test_each_room_keeps_within_its_budget():
    sizes = Counter()
    for path, name in rooms().items():
        old = name == "checks, questions" and path.stem <= "nb06"
        sizes["checks, questions of 00–06" if old else name] += size(path)
    assert {name: (sizes[name], most) for name, most in BUDGETS.items() if sizes[name] > most} == {}


def test_new_questions_are_light():
    new = [path for path, name in rooms().items() if name == "checks, questions" and path.stem > "nb06"]
    assert {path.stem: size(path) for path in new if size(path) > QUESTIONS_OF_A_NOTEBOOK} == {}


def imported(path: Path) -> set[str]:
    """List the modules of tms_edu that a file imports, as paths with dots."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {name.name for name in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {f"{node.module}.{name.name}" for name in node.names} | {node.module}
    return {name for name in found if name.startswith("tms_edu.")}


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_arrows_run_one_way(path):
    here = rooms()[path]
    known = {
        ".".join(("tms_edu", *module.relative_to(ROOT / "tms_edu").with_suffix("").parts)): name
        for module, name in rooms().items()
    }
    reached = {name.removesuffix(".__init__") for name in known} & imported(path)
    there = {known.get(name, known.get(f"{name}.__init__")) for name in reached}
    doors = {"core"} if path == ROOT / "tms_edu/__init__.py" else ARROWS[here]
    if path.name == "__init__.py":
        doors = doors | {"checks, questions"} if here.startswith("checks") else doors
    assert there <= doors, f"{path.name} reaches into {sorted(there - doors)}"


def depth(node: ast.AST, level: int = 0) -> int:
    """Count how deep blocks stand in one another inside a function; `elif` goes no deeper than its `if`."""
    blocks = (ast.If, ast.For, ast.While, ast.With, ast.Try, ast.FunctionDef)
    chain = node.orelse if isinstance(node, ast.If) and len(node.orelse) == 1 else []
    inner = [
        depth(
            child, level + (isinstance(child, blocks) and not (child in chain and isinstance(child, ast.If)))
        )
        for child in ast.iter_child_nodes(node)
    ]
    return max([level, *inner])


def test_depth_counts_blocks():
    tree = ast.parse("def f():\n for x in y:\n  if x:\n   pass\n  elif y:\n   while z:\n    pass")
    assert depth(tree.body[0]) == 3


def code_line_numbers(source: str) -> set[int]:
    """Return the numbers of the lines that are not blank, not a comment and not part of a docstring."""
    numbers = {n for n, line in enumerate(source.splitlines(), 1) if line.strip() and line.strip()[0] != "#"}
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            numbers -= set(range(node.lineno, node.end_lineno + 1))
    return numbers


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_function_is_long_or_deep(path):
    source = path.read_text(encoding="utf-8")
    numbers = code_line_numbers(source)
    functions = [
        node
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    # A body, not the table of sentences that decorates it.
    long = {f.name: len(numbers & set(range(f.lineno, f.end_lineno + 1))) for f in functions}
    assert {name: lines for name, lines in long.items() if lines > 40} == {}
    assert {f.name: depth(f) for f in functions if depth(f) > 4} == {}
