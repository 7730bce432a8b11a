"""What notebook 00 says in numbers, its map, and its look at the installation."""

import re
import sys
from importlib import metadata
from types import SimpleNamespace

import nbformat
import pytest
import torch

import notebooks
from tms_edu import SparseFeatures, ToyModel, checks, gram, read_gram, theory, train
from tms_edu.checks import nb00_installation as environment
from tms_edu.checks.result import GOOD, TO_DO, Result

START = notebooks.notebook_paths()[0]


def trained(n, m, probability, importance=1.0, count=16):
    model = ToyModel(n, m, instances=(count,), generator=torch.Generator().manual_seed(0))
    train(model, SparseFeatures(n, probability), importance=importance, progress=False)
    return read_gram(gram(model.W), model.b_final)


def test_five_rare_features_end_in_a_pentagon():
    shapes = [reading.shape for reading in trained(5, 2, 0.05)]
    assert shapes.count("pentagon") >= 14


def test_two_opposite_pairs_at_04_are_the_best_known_and_where_two_runs_of_three_end():
    W, b, _ = theory.optimum(SparseFeatures(5, 0.4), 2)
    assert read_gram(gram(W), b).shape == "two digons and one dropped"
    shapes = [reading.shape for reading in trained(5, 2, 0.4, count=64)]
    assert 0.55 < shapes.count("two digons and one dropped") / 64 < 0.8


def test_a_lone_feature_of_the_pentagon_pushes_two_outputs_below_0():
    model = ToyModel(5, 2, generator=torch.Generator().manual_seed(0))
    train(model, SparseFeatures(5, 0.05), progress=False)
    silent = model(torch.eye(5)) == 0
    assert (silent.sum(1) == 2).all() and not silent.diagonal().any()


def alone_at(x, W, b):
    """Return the summed squared errors for each feature on alone at each of these values."""
    inputs = x[:, None, None] * torch.eye(W.shape[1], dtype=W.dtype)
    return (torch.relu(inputs @ W.T @ W + b) - inputs).square().sum(-1)


def test_more_than_a_third_of_the_pentagons_loss_is_paid_with_one_feature_on():
    p = 0.05
    W, b, loss = theory.optimum(SparseFeatures(5, p), 2)
    assert (b < 0).all()  # with nothing on, every output is 0
    # Between two kinks of a ReLU the errors are squares, and Simpson's rule is exact for them.
    slopes = gram(W)
    kinks = (-b[:, None] / slopes).flatten()
    ends = torch.cat([torch.tensor([0.0, 1.0]).double(), kinks[(kinks > 0) & (kinks < 1)]]).sort().values
    low, high = ends[:-1], ends[1:]
    parts = [alone_at(x, W, b).sum(-1) for x in (low, (low + high) / 2, high)]
    alone = ((high - low) / 6 * (parts[0] + 4 * parts[1] + parts[2])).sum()
    share = p * (1 - p) ** 4 * alone / loss
    assert 0.37 < share < 0.38
    # Blue costs nothing then: no output that hears it is above 0.
    hears_blue = slopes < 0
    assert (torch.relu(slopes + b)[hears_blue] == 0).all()


def test_no_paragraph_brings_more_than_three_new_words():
    words = (
        "superposed",
        "loss",
        "exact",
        "best known",
        "interference",
        "bias",
        "recovered",
        "dropped",
        "digons",
    )
    paragraphs = notebooks.prose(notebooks.read(START)).split("\n\n")
    brought = [[word for word in words if f"*{word}*" in paragraph] for paragraph in paragraphs]
    assert sorted(sum(brought, [])) == sorted(words), "each word is introduced once"
    first = [next(i for i, text in enumerate(paragraphs) if f"*{word}*" in text) for word in words]
    assert max(first.count(place) for place in first) <= 3


def sections(path) -> list[int]:
    return [int(n) for n in re.findall(r"^## (\d+)\. ", notebooks.prose(notebooks.read(path)), re.MULTILINE)]


def routes() -> dict[str, list[tuple[str, int]]]:
    """Return what each route of notebook 00 that promises minutes goes through, part by part, with its minutes."""
    found = {}
    for line in notebooks.prose(notebooks.read(START)).splitlines():
        if route := re.fullmatch(r"- \*\*(.+?)\.\*\* (.+)", line):
            parts = re.findall(r"([^.]+?) \((\d+) minutes\)", route[2])
            if parts:
                found[route[1]] = [(part.strip(" ."), int(minutes)) for part, minutes in parts]
    return found


def promised(path) -> int:
    return int(notebooks.MINUTES.search(notebooks.prose(notebooks.read(path)))[1])


def test_the_minutes_of_each_route_add_up_to_what_it_promises():
    assert len(routes()) == 2
    for name, parts in routes().items():
        (minutes,) = re.findall(r"(\d+) minutes", name)
        assert sum(minutes for _, minutes in parts) == int(minutes), name


@pytest.mark.parametrize("name", routes())
def test_each_notebook_and_section_of_a_route_exists(name):
    paths = {path.name[:2]: path for path in notebooks.notebook_paths()}
    named = [part for part, _ in routes()[name] if re.match(r"\d\d\b", part)]
    assert len(named) >= 2
    for part, minutes in routes()[name]:
        if part not in named:
            continue
        path, numbers = paths[part[:2]], [int(n) for n in re.findall(r"\b\d\b", part[2:])]
        if not numbers:
            assert minutes == promised(path), f"{path.name} promises {promised(path)} minutes"
        else:
            wanted = range(numbers[0], numbers[-1] + 1) if " to " in part else numbers
            assert set(wanted) <= set(sections(path)) and minutes < promised(path)


@pytest.mark.parametrize("path", notebooks.notebook_paths()[1:], ids=lambda path: path.name[:2])
def test_the_plan_names_the_minutes_of_the_optional_exercises(path):
    text = notebooks.prose(notebooks.read(path))
    optional = sum(int(n) for n in re.findall(r"· (\d+) minutes · optional$", text, re.MULTILINE))
    instructors = (notebooks.ROOT / "docs" / "instructors.md").read_text()
    (part,) = [part for part in instructors.split("\n## ") if part.startswith(path.name[:2])]
    assert f"optional ({optional} minutes" in part, optional


def seen_by(key, observed):
    return checks.ask(key).asked.seen(observed)[0]


def test_a_run_read_as_a_prediction():
    read = {
        0.4: "One is given up, four pair up as opposites",
        0.05: "All five stay where they are",
    }
    for p, option in read.items():
        model = ToyModel(5, 2, generator=torch.Generator().manual_seed(0))
        train(model, SparseFeatures(5, p), progress=False)
        assert seen_by("00.1", read_gram(gram(model.W), model.b_final)) == option
    alone = read_gram(torch.diag(torch.tensor([1.0, 1.0, 0.0, 0.0, 0.0])), torch.zeros(5))
    assert seen_by("00.1", alone) == "Two are left, at a right angle"
    assert seen_by("00.1", read_gram(torch.eye(5), torch.zeros(5))) is None
    assert seen_by("00.1", read_gram(gram(0.8 * theory.polygon(5)))) == "All five stay, and get shorter"
    options = {5: "All five", 4: "Four, as two opposite pairs", 3: None, 2: "Two"}
    assert {kept: seen_by("00.2", kept) for kept in options} == options


def test_always_on_keeps_the_two_most_important():
    assert all(r.indices("recovered") == [0, 1] for r in trained(5, 2, 1.0, 0.8 ** torch.arange(5)))


def test_about_every_second_run_keeps_two_in_one():
    shapes = [reading.shape for reading in trained(2, 1, 0.05, count=64)]
    assert 0.35 < shapes.count("digon") / 64 < 0.7


def test_the_exact_best_changes_to_a_pentagon_at_022():
    for probability, shape in ((0.215, "pentagon"), (0.23, "two digons and one dropped")):
        W, b, _ = theory.optimum(SparseFeatures(5, probability), 2)
        assert read_gram(gram(W), b).shape == shape


def test_what_keeping_one_of_two_costs():
    p = 0.05
    W, b = torch.tensor([[1.0, 0.0]]), torch.tensor([0.0, p / 2])
    loss = theory.expected_loss(W, b, SparseFeatures(2, p))
    assert loss == pytest.approx(p * (1 / 3 - p / 4), rel=1e-4)


def test_contents_leads_to_the_map():
    (place,) = {i for i, c in enumerate(notebooks.read(START).cells) if "map" in c.metadata.get("tags", [])}
    heading = re.findall(r"^## (.+)$", notebooks.read(START).cells[place - 1].source, re.MULTILINE)[-1]
    for path in [*notebooks.notebook_paths(), START.parent / notebooks.GLOSSARY]:
        for cell in notebooks.tagged(notebooks.read(path), "nav"):
            assert f"[Contents]({START.name}#{heading.replace(' ', '-')})" in cell.source


def test_the_map_names_every_notebook():
    assert START.name.startswith("00")
    (cell,) = [c for c in nbformat.read(START, as_version=4).cells if "map" in c.metadata.get("tags", [])]
    rows = cell.source.splitlines()[2:]
    paths = notebooks.notebook_paths()
    assert len(rows) == len(paths)
    for row, path in zip(rows, paths, strict=True):
        assert f"[{notebooks.title(path)}]({path.name})" in row and "||" not in row.replace(" ", "")


# The look at the installation


def line(look: str) -> Result:
    return environment._safely(getattr(environment, look))


def test_a_whole_installation_is_good():
    found = checks.installation()
    assert found.good, found
    assert "Everything is there." in repr(found) and found._repr_html_().count("Good.") == len(found.lines)


@pytest.mark.parametrize("version", [(3, 10, 2), (3, 15, 0)])
def test_another_python_is_named(monkeypatch, version):
    monkeypatch.setattr(sys, "version_info", version)
    found = line("_python")
    assert found.status == TO_DO and "3.11 to 3.14" in found.message and "make lab" in found.message


def test_missing_and_old_packages_are_named(monkeypatch):
    real = metadata.version

    def version(name):
        if name == "anywidget":
            raise metadata.PackageNotFoundError(name)
        return "2.4.0" if name == "torch" else real(name)

    monkeypatch.setattr(metadata, "version", version)
    found = line("_packages")
    assert found.status == TO_DO and "`anywidget` is missing" in found.message
    assert "`torch` is 2.4.0, needed is ==2.13.0" in found.message and "pip install" in found.message


def test_the_build_of_torch_does_not_matter(monkeypatch):
    real = metadata.version
    monkeypatch.setattr(metadata, "version", lambda name: "2.13.0+cu130" if name == "torch" else real(name))
    assert line("_packages").status == GOOD


def test_a_kernel_without_the_package_is_named(monkeypatch):
    def requires(name):
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "requires", requires)
    assert "`tms-edu` is not installed" in line("_packages").message


def test_a_page_without_widgets_is_named(monkeypatch, tmp_path):
    monkeypatch.setattr("jupyter_core.paths.jupyter_path", lambda *_: [str(tmp_path)])
    found = line("_front_ends")
    assert found.status == TO_DO and "`anywidget`" in found.message and "reload the page" in found.message
    (tmp_path / "anywidget").mkdir()
    assert "`anywidget`" not in line("_front_ends").message


def test_little_memory_is_named(monkeypatch):
    for free, status in ((0.4, "to do"), (2.0, "good")):
        monkeypatch.setattr("psutil.virtual_memory", lambda free=free: SimpleNamespace(available=free * 1e9))
        assert line("_memory").status == status
        assert ("Shut down other kernels" in line("_memory").message) == (status == "to do")


def test_a_slow_or_strange_training_is_named(monkeypatch):
    monkeypatch.setattr(environment, "LONGEST_TRAINING", 0.0)
    assert "OMP_NUM_THREADS=1" in line("_training").message
    monkeypatch.setattr(environment, "LONGEST_TRAINING", 1000.0)
    monkeypatch.setattr("tms_edu.train", lambda model, *_, **__: model)
    found = line("_training")
    assert found.status == TO_DO and "not as a pentagon" in found.message


def test_whatever_else_fails_is_a_red_line_too(monkeypatch):
    def load_digits():
        raise FileNotFoundError("digits.npz")

    monkeypatch.setattr("tms_edu.digits.load_digits", load_digits)
    found = checks.installation()
    (red,) = [line for line in found.lines if line.status == TO_DO]
    assert red.message == f"Digits: stopped with `FileNotFoundError: digits.npz`. {environment.SET_UP}"
    assert "1 of 6 lines needs you." in repr(found) and found._repr_html_().count("To do.") == 1
