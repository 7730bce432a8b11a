"""The notebooks, the pages and the package keep to the rules, and each rule notices what breaks it."""

import base64
import io
import re
import subprocess
import sys

import nbformat
import pytest
import torch
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from PIL import Image

import hygiene
import notebooks
import tms_edu
from browser import ROOT

NOTEBOOKS = notebooks.notebook_paths()
GLOSSARY = ROOT / "notebooks" / notebooks.GLOSSARY
PAGES = [path for path in (*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), GLOSSARY) if path.is_file()]


def name(path) -> str:
    return path.name


# The course as it is


def test_there_are_notebooks_and_a_readme():
    assert NOTEBOOKS
    assert ROOT / "README.md" in PAGES
    table = notebooks.TABLE.search((ROOT / "README.md").read_text(encoding="utf-8"))
    assert table[0].count("](notebooks/") == len(NOTEBOOKS)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=name)
def test_notebook(path):
    assert hygiene.notebook_problems(path) == []


@pytest.mark.parametrize("path", PAGES, ids=name)
def test_page(path):
    assert hygiene.page_problems(path) == []


def test_minutes_are_counted_from_words_code_predictions_widgets_and_exercises():
    cells = [
        new_markdown_cell("word " * 360 + "60 minutes to work"),
        new_code_cell("x = 1\n" * 40 + 'checks.ask("01.1")\nwidgets.CatCircuit()'),
        new_markdown_cell("> ### Exercise 1 · Count\n> difficulty ●○○○○ · importance ●○○○○ · 7 minutes"),
        new_markdown_cell("## 2. More\n\n*This section is optional, 9 minutes.*"),
        new_markdown_cell("> ### Exercise 2 · Count\n> difficulty ●○○○○ · importance ●○○○○ · 9 minutes"),
    ]
    core, optional = hygiene.counted_minutes(new_notebook(cells=cells))
    assert core == pytest.approx(2 + 2 + 3 + 7, abs=0.3) and optional == pytest.approx(9, abs=0.3)


def test_notebooks_are_as_make_notebooks_writes_them(capsys):
    assert notebooks.main(["--check"]) == 0, capsys.readouterr().out


def test_the_glossary_links_each_word_to_a_section_that_uses_it():
    rows = re.findall(
        # JupyterLab does not jump to a heading with a quotation mark or a letter beyond ASCII.
        r"^\| \*\*(.+?)\*\* \| .+ \| \[(\d\d) §(\d)\]\((\d\d_\w+\.ipynb)#\3\.-[!#-~]+\) \|$",
        notebooks.prose(notebooks.read(GLOSSARY)),
        re.MULTILINE,
    )
    words = [word for word, *_ in rows]
    assert len(rows) == notebooks.prose(notebooks.read(GLOSSARY)).count("\n| **") >= 25
    assert words == sorted(words, key=str.lower)
    for word, number, section, name in rows:
        text = notebooks.prose(notebooks.read(GLOSSARY.parent / name))
        found = text.partition(f"## {section}. ")[2].partition("\n## ")[0].lower()
        assert name.startswith(number) and any(part.lower() in found for part in word.split(", ")), word


# Each rule bites


def picture() -> str:
    buffer = io.BytesIO()
    Image.new("RGB", (8, 8), "orange").save(buffer, format="PNG")
    return base64.b64encode(buffer.getvalue()).decode()


@pytest.fixture
def good():
    """A small notebook that breaks no rule."""
    shown = new_output(
        "display_data", data={"image/png": picture()}, metadata={"image/png": {"alt": "An orange square."}}
    )
    intro = "# Is this good?\n\n3 minutes to work · 5 seconds to run"
    code = [new_code_cell(f"x = {i}", execution_count=i + 1) for i in range(16)]
    code[3].outputs = [shown]
    nb = new_notebook(cells=[new_markdown_cell(intro), *code])
    nb.metadata.kernelspec = {"name": "python3", "display_name": "Python 3", "language": "python"}
    return nb


@pytest.fixture
def problems(tmp_path):
    def check(nb, file="01_bad.ipynb") -> list[str]:
        nbformat.write(nb, tmp_path / file)
        return hygiene.notebook_problems(tmp_path / file)

    return check


def test_a_good_notebook_has_no_problem(good, problems):
    assert problems(good) == []


@pytest.mark.parametrize(
    ("source", "problem"),
    [
        ("%matplotlib inline", "not plain Python: '%matplotlib inline'"),
        ("!ls", "not plain Python: '!ls'"),
        ("files = !ls", "not plain Python: 'files = !ls'"),
        ("torch.mean?", "not plain Python: 'torch.mean?'"),
        ("%%time\nx = 1", "not plain Python: '%%time'"),
        ("get_ipython().system('ls')", "calls get_ipython"),
        ("open('/home/me/x.txt')", 'path of a machine: "/home/me/x.txt\')"'),
        ("x = 1\n" * 21, "has 21 lines"),
    ],
)
def test_bad_code_is_noticed(good, problems, source, problem):
    good.cells[1].source = source
    found = problems(good)
    assert len(found) == 1 and problem in found[0]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("This is simply so.", "says 'simply'"),
        ("Obviously.", "says 'Obviously'"),
        ("Let's go on.", 'says "Let\'s"'),
        ("Let’s go on.", "says 'Let’s'"),
        ("An exciting idea.", "says 'exciting'"),
        ("It works!", "exclamation mark: 'works!'"),
        ("It works \U0001f389", "has an emoji"),
        ("It works, so so does this.", "says a word twice: 'so so'"),
        ("In /work/main/notebooks.", "path of a machine"),
        ("See [four](04_missing.ipynb).", "links to 04_missing.ipynb, which does not exist"),
        ("See [below](#Nowhere).", "links to #Nowhere, but 01_bad.ipynb has no heading"),
        ('<a href="missing.md">x</a>', "links to missing.md"),
        ("![](https://example.org/x.png)", "without a text"),
    ],
)
def test_bad_prose_is_noticed(good, problems, text, problem):
    good.cells.append(new_markdown_cell(text))
    found = problems(good)
    assert len(found) == 1 and problem in found[0]


@pytest.mark.parametrize(
    "text",
    [
        "`n!` ways, and $n!$ of them",
        "```python\nassert a != b, 'simply'\n```",
        "See [above](#Is-this-good?) and [itself](01_bad.ipynb#Is-this-good?).",
        "The paper: [here](https://example.org/home/x).",
        "![A square](https://example.org/x.png) <!-- never shown! -->",
    ],
)
def test_good_prose_is_left_alone(good, problems, text):
    good.cells.append(new_markdown_cell(text))
    assert problems(good) == []


@pytest.mark.parametrize(
    ("output", "problem"),
    [
        (new_output("error", ename="ValueError", evalue="", traceback=[]), "stores the error ValueError"),
        (new_output("stream", name="stderr", text="UserWarning"), "text from stderr"),
        (new_output("display_data", data={notebooks.WIDGET_VIEW: {}}), "a view of a widget"),
        (new_output("display_data", data={"image/png": picture()}), "a picture without alt text"),
        (new_output("display_data", data={"text/plain": "<Axes at 0x7f4102d9e200>"}), "an address in memory"),
        (new_output("stream", name="stdout", text="saved in /tmp/x.pt"), "path of a machine"),
    ],
)
def test_bad_outputs_are_noticed(good, problems, output, problem):
    good.cells[2].outputs = [output]
    found = problems(good)
    assert len(found) == 1 and problem in found[0]


def test_bad_metadata_and_sizes_are_noticed(good, problems):
    good.metadata.widgets = {}
    good.metadata.kernelspec.name = "my-env"
    good.cells[5].execution_count = None
    good.cells[0].source = "# Is this good?" + "\n\nA long text." * 30_000
    found = " / ".join(problems(good))
    for problem in ("kB, at most 400", "state of widgets", "'my-env'", "counts [1, 2, 3, 4, None"):
        assert problem in found
    assert "lacks its '… minutes to work'" in found and "lacks its '… seconds to run'" in found


def test_too_many_or_too_long_cells_are_noticed(good, problems):
    few = new_notebook(cells=good.cells[:6], metadata=good.metadata)
    assert "has 5 code cells, expected 15 to 35" in problems(few)
    assert problems(few, "00_start.ipynb") == []
    for cell in good.cells[1:]:
        cell.source = "x = 1\n" * 5
    assert problems(good) == ["has a median of 5.0 lines a code cell, at most 4 are allowed"]
    good.cells += [new_code_cell("x = 1", execution_count=i) for i in range(17, 37)]
    assert "has 36 code cells, expected 15 to 35" in problems(good)


def test_anchors_of_a_markdown_page_are_github_s(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("# For instructors: what to `skip`\n[a](#for-instructors-what-to-skip) [b](#Skip)")
    assert hygiene.page_problems(page) == ["links to #Skip, but page.md has no heading of that name"]


# Shown = imported


def random_W():
    generator = torch.Generator().manual_seed(0)
    shapes = [(2, 5), (10, 20), (1, 1), (3, 1), (1, 4)]
    matrices = [torch.randn(*shape, generator=generator) for shape in shapes]
    with_dropped = torch.randn(2, 5, generator=generator) * torch.tensor([1.0, 0, 1, 1, 0])
    return [(W,) for W in (*matrices, with_dropped, torch.zeros(2, 5), torch.eye(3), 1e3 * matrices[0])]


def losses():
    generator = torch.Generator().manual_seed(0)
    x, x_hat = torch.rand(2, 64, 5, generator=generator)
    weights = [1.0, 3.0, 0.7 ** torch.arange(5), torch.zeros(5)]
    edges = [(x, x), (x[:1], x_hat[:1]), (torch.zeros(4, 1), torch.ones(4, 1))]
    return [(x, x_hat), *edges, *((x, x_hat, weight) for weight in weights)]


INPUTS = {
    "gram": random_W,
    "feature_norms": random_W,
    "interference": random_W,
    "feature_dimensionality": random_W,
    "dimensions_per_feature": random_W,
    "reconstruction_loss": losses,
}


def definitions() -> list:
    cells = [(path, cell) for path in NOTEBOOKS for cell in notebooks.read(path).cells]
    tags = [(path, cell, tag) for path, cell in cells for tag in cell.metadata.get("tags", [])]
    return [
        pytest.param(cell.source, tag.removeprefix("defines:"), id=f"{path.stem}-{tag}")
        for path, cell, tag in tags
        if tag.startswith("defines:")
    ]


def disagreements(source: str, wanted: str) -> list:
    """Return the inputs on which the function written in a notebook differs from the package's."""
    scope = {"torch": torch}
    exec(source, scope)
    shown, imported = scope[wanted], getattr(tms_edu, wanted)
    pairs = [(inputs, shown(*inputs), imported(*inputs)) for inputs in INPUTS[wanted]()]
    return [
        inputs
        for inputs, mine, theirs in pairs
        if mine.shape != theirs.shape or not torch.allclose(mine, theirs, rtol=1e-4, atol=1e-6)
    ]


@pytest.mark.parametrize(("source", "wanted"), definitions())
def test_what_a_notebook_defines_is_what_it_imports_later(source, wanted):
    assert disagreements(source, wanted) == []


def test_a_definition_that_differs_is_noticed():
    wrong = "def gram(W):\n    return W @ W.T"
    nan = "def feature_dimensionality(W):\n    G = W.T @ W\n    return G.diagonal() ** 2 / (G**2).sum(dim=1)"
    assert len(disagreements(wrong, "gram")) > 5
    assert len(disagreements(nan, "feature_dimensionality")) == 2  # the two with a column of zeros


# The package


def test_import_is_light():
    script = "import sys, tms_edu; print([m for m in sys.argv[1:] if m in sys.modules])"
    heavy = ["matplotlib", "seaborn", "pandas", "ipywidgets"]
    command = [sys.executable, "-W", "error", "-c", script, *heavy]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip() == "[]"
