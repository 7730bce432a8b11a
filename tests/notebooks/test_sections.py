"""Each numbered section of each notebook runs by itself after the set-up cell, or says in its first line what it needs."""

import re
from pathlib import Path

import nbformat
import pytest
from test_exercises import NOTEBOOKS, run_cell, tag_of

from tms_edu import checks

HEADING = re.compile(r"^## (\d+)\. .*$", re.MULTILINE)
NEEDS = re.compile(r"needs section (\d+)", re.IGNORECASE)


def sections(path: Path) -> dict[int, tuple[str, list[str]]]:
    """Return the first line and the code cells of each numbered section."""
    found, cells = {}, None
    for cell in nbformat.read(path, as_version=4).cells:
        if cell.cell_type == "markdown" and re.search("^## ", cell.source, re.MULTILINE):
            heading, cells = HEADING.search(cell.source), []
            if heading:
                lines = [line for line in cell.source[heading.end() :].splitlines() if line.strip()]
                found[int(heading[1])] = (lines[0] if lines else "", cells)
        elif cell.cell_type == "code" and cells is not None:
            cells.append(cell.source)
    return found


def run_section(path: Path, number: int, namespace: dict) -> None:
    first_line, cells = sections(path)[number]
    for needed in NEEDS.findall(first_line):
        run_section(path, int(needed), namespace)
    for source in cells:
        run_cell(source, namespace)


ALL = [(path, number) for path in NOTEBOOKS for number in sections(path)]


@pytest.mark.parametrize("path, number", ALL, ids=[f"{path.name[:2]}-{number}" for path, number in ALL])
def test_a_section_runs_without_the_ones_before_it(path, number):
    namespace = {"display": repr}
    setup = [
        c.source for c in nbformat.read(path, as_version=4).cells if "setup" in c.metadata.get("tags", [])
    ]
    run_cell(setup[0], namespace)
    run_section(path, number, namespace)
    checks.forget()


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.name[:2])
def test_sections_are_counted_from_one_and_every_exercise_is_in_one(path):
    assert list(sections(path)) == list(range(1, len(sections(path)) + 1))
    inside = [source for _, cells in sections(path).values() for source in cells]
    nb = nbformat.read(path, as_version=4)
    assert all(cell.source in inside for cell in nb.cells if tag_of(cell, "exercise"))
