"""Every exercise of every notebook: the stub is not tried yet, right answers are right, wrong ones told apart."""

import ast
import builtins
import functools
import importlib.util
import re
from pathlib import Path

import nbformat
import pytest

from tms_edu import checks
from tms_edu.checks.result import Result

FOLDER = Path(__file__).parent
NOTEBOOKS = sorted((FOLDER.parents[1] / "notebooks").glob("[0-9][0-9]_*.ipynb"))
DETAILS = re.compile(r"<details>(.*?)</details>", re.DOTALL)
CODE_BLOCK = re.compile(r"```python\n(.*?)```", re.DOTALL)


def tag_of(cell, kind: str) -> str | None:
    tags = (tag.partition(":") for tag in cell.metadata.get("tags", []))
    return next((key for name, _, key in tags if name == kind), None)


@functools.cache
def exercises() -> dict[str, dict]:
    """Collect stub, check cell and the Markdown with hints and solution of each exercise, by its key."""
    found = {}
    for path in NOTEBOOKS:
        for cell in nbformat.read(path, as_version=4).cells:
            for kind in ("exercise", "check", "solution"):
                if key := tag_of(cell, kind):
                    parts = found.setdefault(key, {"path": path})
                    assert kind not in parts, f"{path.name} has two cells tagged {kind}:{key}"
                    parts[kind] = cell.source
    return found


def run_cell(source: str, namespace: dict):
    """Run a cell as the kernel does; return the value of its last expression."""
    tree = ast.parse(source)
    last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    exec(compile(tree, "<cell>", "exec"), namespace)
    if last is not None:
        return eval(compile(ast.Expression(last.value), "<cell>", "eval"), namespace)


@functools.cache
def namespaces(path: Path) -> dict[str, dict]:
    """Run a notebook once, unsolved; return what stands at each of its exercises."""
    namespace, at = {"display": repr, "__builtins__": builtins}, {}
    for cell in nbformat.read(path, as_version=4).cells:
        if cell.cell_type == "code":
            if key := tag_of(cell, "exercise"):
                at[key] = dict(namespace)
            run_cell(cell.source, namespace)
    checks.forget()
    return at


@functools.cache
def result_of(key: str, answer: str):
    """Run `answer` in place of the stub, then the check cell."""
    exercise = exercises()[key]
    namespace = dict(namespaces(exercise["path"])[key])
    run_cell(answer, namespace)
    result = run_cell(exercise["check"], namespace)
    assert result._repr_html_() and "Traceback" not in repr(result)
    return result


def solution(key: str) -> str:
    *hints, last = DETAILS.findall(exercises()[key]["solution"])
    assert len(hints) == 3, f"exercise {key} has {len(hints)} hints, expected three"
    assert not any(CODE_BLOCK.search(hint) for hint in hints), (
        f"a hint of exercise {key} holds a block of code"
    )
    blocks = CODE_BLOCK.findall(last)
    assert len(blocks) == 1, (
        f"the solution of exercise {key} has {len(blocks)} blocks of Python, expected one"
    )
    return blocks[0]


def answers(notebook: str, name: str) -> dict[str, dict[str, str]]:
    path = FOLDER / "wrong_answers" / f"nb{notebook}.py"
    spec = importlib.util.spec_from_file_location(f"wrong_answers_{notebook}", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return getattr(module, name, {})


@pytest.mark.parametrize("key", exercises())
def test_the_exercise_is_complete(key):
    parts = exercises()[key]
    assert {"exercise", "check", "solution"} <= parts.keys(), f"exercise {key} lacks a part: {sorted(parts)}"
    assert key.startswith(parts["path"].name[:2] + ".")


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.name[:2])
def test_a_notebook_has_enough_exercises(path):
    fewest = 2 if path.name.startswith("00") else 5
    assert sum(parts["path"] == path for parts in exercises().values()) >= fewest


@pytest.mark.parametrize("key", exercises())
def test_the_stub_is_not_tried_yet(key):
    assert result_of(key, exercises()[key]["exercise"]).status == "not tried yet"


def judged(key):
    """Return the check's word for a good answer: an experiment of the reader's own has no right one."""
    return "counted" if "expected = ..." in exercises()[key]["exercise"] else "right"


@pytest.mark.parametrize("key", exercises())
def test_the_solution_is_right(key):
    result = result_of(key, solution(key))
    assert result.status == judged(key), result


@pytest.mark.parametrize("key", exercises())
def test_a_right_answer_in_another_form_is_right(key):
    for name, answer in answers(key[:2], "RIGHT").get(key, {}).items():
        assert result_of(key, answer).status == judged(key), f"{name!r} of exercise {key}"


@pytest.mark.parametrize("key", exercises())
def test_each_wrong_answer_gets_a_message_of_its_own(key):
    wrong = answers(key[:2], "WRONG")
    foreseen = getattr(check_of(key), "mistakes", ())
    assert len(wrong.get(key, ())) + len(foreseen) >= 3, f"exercise {key} needs three wrong answers or more"
    said = {sentence: ["foreseen"] for _, sentence in foreseen}
    assert len(said) == len(foreseen), f"exercise {key} says the same to two foreseen mistakes"
    for name, answer in wrong.get(key, {}).items():
        result = result_of(key, answer)
        assert result.status == "nearly", f"{name!r} of exercise {key}: {result}"
        said.setdefault(result.message, []).append(name)
    shared = {message: names for message, names in said.items() if len(names) > 1}
    assert not shared, f"exercise {key} says the same to different wrong answers: {shared}"


def check_of(key):
    """Return the check that an exercise's check cell calls."""
    return getattr(checks, re.search(r"checks\.(check_\w+)\(", exercises()[key]["check"]).group(1))


@pytest.mark.parametrize("key", exercises())
def test_each_foreseen_mistake_is_named(key):
    check = check_of(key)
    for wrong, said in getattr(check, "mistakes", ()):
        assert check(wrong) == Result("nearly", said)


@pytest.mark.parametrize("key", exercises())
def test_each_sentence_is_earned_by_a_wrong_answer(key):
    messages = [result_of(key, answer).message for answer in answers(key[:2], "WRONG").get(key, {}).values()]
    for _, said in getattr(check_of(key), "rows", ()):
        words = re.compile(".+".join(map(re.escape, re.split(r"\{[^{}]+\}", said))))
        assert any(map(words.fullmatch, messages)), f"no wrong answer of exercise {key} earns: {said}"


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.name[:2])
def test_no_table_of_answers_is_left_over(path):
    keys = {key for key, parts in exercises().items() if parts["path"] == path}
    assert {*answers(path.name[:2], "WRONG"), *answers(path.name[:2], "RIGHT")} <= keys
