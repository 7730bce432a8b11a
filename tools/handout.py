"""Write copies of the notebooks for a graded class: no solutions, no stored outputs; hints and checks stay.

make handout            into handout/notebooks
"""

import re
import sys
from pathlib import Path

import nbformat

from notebooks import GLOSSARY, ROOT, dump, notebook_paths, read

SOLUTION = re.compile(r"\s*<details>\s*<summary>A solution</summary>.*?</details>", re.DOTALL)


class HandoutError(Exception):
    """Say which exercise would give its solution away."""


def without_solutions(nb: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """Take the solution out of every exercise, and all outputs.

    Raises:
        HandoutError: if an exercise has no solution block that could be taken out, or one is left over.
    """
    for cell in nb.cells:
        tags = [tag for tag in cell.metadata.get("tags", []) if tag.startswith("solution:")]
        if tags:
            cell.source, count = SOLUTION.subn("", cell.source)
            if count != 1:
                raise HandoutError(f"{tags[0]} holds {count} solution blocks, expected one.")
        if cell.cell_type == "markdown" and "<summary>A solution</summary>" in cell.source:
            raise HandoutError(f"cell {cell.id} holds a solution and has no tag that says so.")
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    return nb


def main(target: Path) -> None:
    target.mkdir(parents=True, exist_ok=True)
    for path in notebook_paths():
        (target / path.name).write_text(dump(without_solutions(read(path))), encoding="utf-8")
    glossary = ROOT / "notebooks" / GLOSSARY
    (target / GLOSSARY).write_text(dump(read(glossary)), encoding="utf-8")
    print(f"{len(notebook_paths())} notebooks without solutions in {target}")


if __name__ == "__main__":
    try:
        main(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "handout" / "notebooks")
    except HandoutError as error:
        sys.exit(f"error: {error}")
