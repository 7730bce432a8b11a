"""What `make notebooks` does to a small course of two notebooks."""

import shutil

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

import hygiene
import notebooks

README = "# Course\n\n<!-- notebooks -->\nold\n<!-- end of notebooks -->\n\nMore.\n"
PICTURE = """\
import matplotlib.pyplot as plt
from IPython.display import Image, display
import io
figure, ax = plt.subplots()
ax.imshow([[a * b for a in range(50)] for b in range(50)])
buffer = io.BytesIO()
figure.savefig(buffer, format="png")
plt.close(figure)
display(Image(buffer.getvalue()), metadata={"image/png": {"alt": "Rising to the right."}})"""
WIDGETS = "import ipywidgets\nfrom tqdm.auto import tqdm\n[i for i in tqdm(range(9))]\nipywidgets.IntSlider()"


def notebook(heading: str, *code: str):
    setup = new_code_cell(
        "old", metadata={"tags": ["setup"], "collapsed": False, "execution": {"iopub.status.idle": "12:00"}}
    )
    intro = new_markdown_cell(f"# {heading}\n\n40 minutes to work · 900 seconds to run")
    nb = new_notebook(cells=[intro, setup, *map(new_code_cell, code), new_code_cell("")])
    nb.metadata = {"kernelspec": {"name": "my-env", "display_name": "Mine"}, "widgets": {"state": {}}}
    return nb


@pytest.fixture
def course(tmp_path):
    """A folder with two notebooks, not yet run."""
    (tmp_path / "notebooks").mkdir()
    (tmp_path / "tools").mkdir()
    (tmp_path / "tools/setup_cell.py").write_text("import math\n")
    (tmp_path / "README.md").write_text(README)
    first = notebook("What is first?", "math.pi", PICTURE, "print(1)\nprint(2)", WIDGETS)
    nbformat.write(first, tmp_path / "notebooks/00_first.ipynb")
    nbformat.write(notebook("What is second?", "1 + 1"), tmp_path / "notebooks/01_second.ipynb")
    return tmp_path


def test_run_normalises_links_times_and_changes_nothing_when_run_again(course):
    assert notebooks.main([], course) == 0
    path = course / "notebooks/00_first.ipynb"
    nb = notebooks.read(path)
    rules = [rule for rule in hygiene.RULES if rule not in (hygiene.check_length, hygiene.check_minutes)]
    assert [problem for rule in rules for problem in rule(nb, path)] == []
    assert [cell.cell_type for cell in nb.cells] == ["markdown", *["code"] * 5, "markdown"]

    setup, value, picture, printed, widgets = hygiene.code_cells(nb)
    assert setup.source == "import math" and setup.metadata == {"tags": ["setup"]}
    assert value.outputs[0].data["text/plain"] == "3.141592653589793"
    assert picture.outputs[0].metadata["image/png"]["alt"] == "Rising to the right."
    assert [output.text for output in printed.outputs] == ["1\n2\n"]
    assert widgets.outputs == []

    assert nb.cells[-1].source == "[Contents](00_first.ipynb) · [What is second? →](01_second.ipynb)"
    second = notebooks.read(course / "notebooks/01_second.ipynb")
    assert second.cells[-1].source == "[← What is first?](00_first.ipynb) · [Contents](00_first.ipynb)"
    seconds = notebooks.seconds_to_run(nb)
    assert 5 <= seconds <= 60 and seconds % 5 == 0
    readme = (course / "README.md").read_text()
    assert f"| 00 | [What is first?](notebooks/00_first.ipynb) | 40 | {seconds} |\n| 01 |" in readme
    assert "old" not in readme and readme.endswith("<!-- end of notebooks -->\n\nMore.\n")

    assert notebooks.main(["--check"], course) == 0
    written = [file.read_text() for file in (path, course / "README.md")]
    assert notebooks.main([str(path)], course) == 0
    assert [file.read_text() for file in (path, course / "README.md")] == written


def test_the_glossary_is_linked_from_each_notebook_and_leads_back(course):
    glossary = course / "notebooks" / notebooks.GLOSSARY
    nbformat.write(new_notebook(cells=[new_markdown_cell("old", metadata={"tags": ["nav"]})]), glossary)
    notebooks.main(["--no-run"], course)
    assert notebooks.read(glossary).cells[0].source == "[Contents](00_first.ipynb)"
    for path in notebooks.notebook_paths(course):
        assert f"[Glossary]({notebooks.GLOSSARY})" in notebooks.read(path).cells[-1].source
    assert notebooks.main(["--check"], course) == 0


def test_check_notices_what_is_stale_and_writes_nothing(course, capsys):
    before = (course / "notebooks/01_second.ipynb").read_text()
    assert notebooks.main(["--check"], course) == 1
    assert (course / "notebooks/01_second.ipynb").read_text() == before
    notebooks.main(["--no-run"], course)
    assert notebooks.main(["--check"], course) == 0
    shutil.copy(course / "notebooks/01_second.ipynb", course / "notebooks/02_third.ipynb")
    capsys.readouterr()
    assert notebooks.main(["--check"], course) == 1
    stale = ["01_second.ipynb", "02_third.ipynb", "README.md"]
    assert capsys.readouterr().out.split("\n") == [
        f"{n} is not as `make notebooks` writes it." for n in stale
    ] + [""]


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("1 / 0", "ZeroDivisionError"),
        ("import warnings; warnings.warn('careful')", "writes to stderr"),
    ],
)
def test_a_cell_that_fails_or_complains_stops_the_run(course, code, message):
    path = course / "notebooks/01_second.ipynb"
    nbformat.write(notebook("What is second?", code), path)
    before = path.read_text()
    with pytest.raises(notebooks.NotebookError, match=message):
        notebooks.main([str(path)], course)
    assert path.read_text() == before


@pytest.mark.parametrize("limit", ["MOST_SECONDS", "MOST_MEGABYTES"])
def test_a_notebook_that_asks_for_too_much_is_not_written(course, limit, monkeypatch):
    path = course / "notebooks/01_second.ipynb"
    before = path.read_text()
    monkeypatch.setattr(notebooks, limit, 0)
    with pytest.raises(notebooks.NotebookError, match=r"01_second.ipynb took \d+ s and \d+ MB; at most"):
        notebooks.main([str(path)], course)
    assert path.read_text() == before


def test_what_is_missing_is_said(course):
    nb = new_notebook(cells=[new_markdown_cell("# Who has no set-up cell?")])
    nbformat.write(nb, course / "notebooks/02_third.ipynb")
    with pytest.raises(
        notebooks.NotebookError, match="02_third.ipynb has 0 cells tagged 'setup', expected one"
    ):
        notebooks.main(["--no-run"], course)
    with pytest.raises(notebooks.NotebookError, match="not one of the numbered notebooks"):
        notebooks.main([str(course / "README.md")], course)


@pytest.mark.parametrize(
    ("measured", "before", "printed"), [(3, None, 5), (21, 20, 25), (16, 20, 20), (11, 20, 20), (9, 20, 10)]
)
def test_seconds_change_rarely(measured, before, printed):
    assert notebooks.rounded(measured, before) == printed
