"""Student copies hold every exercise and no solution."""

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

import handout
from notebooks import GLOSSARY, notebook_paths, read, tagged


def test_the_real_notebooks_keep_their_hints_and_lose_their_solutions(tmp_path, capsys):
    handout.main(tmp_path / "class")
    assert (tmp_path / "class" / GLOSSARY).exists()
    written = sorted((tmp_path / "class").glob("[0-9]*.ipynb"))
    assert [path.name for path in written] == [path.name for path in notebook_paths()]
    assert f"{len(written)} notebooks" in capsys.readouterr().out
    for path, original in zip(written, notebook_paths(), strict=True):
        copy, before = nbformat.read(path, as_version=4), read(original)
        nbformat.validate(copy)
        assert "A solution" not in "".join(cell.source for cell in copy.cells)
        assert all(not cell.get("outputs") for cell in copy.cells)
        for old, new in zip(before.cells, copy.cells, strict=True):
            assert (
                new.source == old.source or new.source.count("<details>") == old.source.count("<details>") - 1
            )


@pytest.mark.parametrize(
    "tags, text", [(["solution:99.1"], "No block here."), ([], "<summary>A solution</summary>")]
)
def test_a_solution_that_cannot_be_taken_out_stops_the_handout(tags, text):
    cells = [new_code_cell("1"), new_markdown_cell(text, metadata={"tags": tags})]
    with pytest.raises(handout.HandoutError):
        handout.without_solutions(new_notebook(cells=cells))


def test_there_is_something_to_take_out():
    assert any(cell for path in notebook_paths() for cell in tagged(read(path), "nav"))
    assert any("A solution" in cell.source for path in notebook_paths() for cell in read(path).cells)
