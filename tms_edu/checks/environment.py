"""Look at the reader's installation, and say what to do where something is missing."""

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

import torch

from tms_edu.checks.result import to_html

PACKAGE = "tms-edu"
SET_UP = "In a terminal, in the folder of the course: `make lab`, or `pip install -r requirements.txt -e .`, then restart the kernel."
FRONT_ENDS = ("anywidget", "@jupyter-widgets/jupyterlab-manager")
LEAST_MEMORY, LONGEST_TRAINING = 1.0, 5.0  # GB, seconds


@dataclass(frozen=True)
class Line:
    """Hold what one look found.

    Attributes:
        good: whether it is as it should be.
        found: what is there.
        advice: what to do about it, if it is not good.
    """

    good: bool
    found: str
    advice: str = ""


class Installation:
    """Show the lines of a check, as text and as HTML.

    >>> Installation([Line(True, "Python 3.12."), Line(False, "No torch.", "Install `torch`.")])
    ● Good. Python 3.12.
    ✗ To do. No torch. Install `torch`.
    1 of 2 lines needs you.
    """

    def __init__(self, lines: list[Line]):
        self.lines = lines

    @property
    def good(self) -> bool:
        """Say whether nothing is left to do."""
        return all(line.good for line in self.lines)

    def _summary(self) -> str:
        left = sum(not line.good for line in self.lines)
        if not left:
            return "Everything is there."
        return f"{left} of {len(self.lines)} lines need{'s' if left == 1 else ''} you."

    def __repr__(self) -> str:
        words = {True: "● Good.", False: "✗ To do."}
        lines = [f"{words[line.good]} {line.found} {line.advice}".rstrip() for line in self.lines]
        return "\n".join([*lines, self._summary()])

    def _repr_html_(self) -> str:
        def row(line: Line) -> str:
            glyph, word, colour = ("●", "Good.", "#0072b2") if line.good else ("✗", "To do.", "#c00000")
            return (
                f'<div style="border-left: 4px solid {colour}; padding: 0.2em 0.8em; margin: 0.2em 0; max-width: 46em">'
                f'<span aria-hidden="true">{glyph}</span> <strong>{word}</strong> {to_html(line.found)} {to_html(line.advice)}</div>'
            )

        return f'<div role="status">{"".join(map(row, self.lines))}<p>{self._summary()}</p></div>'


def installation() -> Installation:
    """Check Python, packages, widgets, memory, the shipped digits and a short training; never raises."""
    looks = (_python, _packages, _front_ends, _memory, _digits, _training)
    return Installation([_safely(look) for look in looks])


def _safely(look: Callable[[], Line]) -> Line:
    try:
        return look()
    except Exception as error:
        name = look.__name__.strip("_").replace("_", " ")
        return Line(False, f"{name.capitalize()}: stopped with `{type(error).__name__}: {error}`.", SET_UP)


def _python() -> Line:
    version = ".".join(map(str, sys.version_info[:3]))
    if (3, 11) <= sys.version_info[:2] <= (3, 14):
        return Line(True, f"Python {version}.")
    return Line(
        False,
        f"Python {version}; the course needs 3.11 to 3.14.",
        f"Install one of them (python.org/downloads). {SET_UP}",
    )


def _packages() -> Line:
    from packaging.requirements import Requirement

    try:
        required = [Requirement(text) for text in metadata.requires(PACKAGE) or ()]
    except metadata.PackageNotFoundError:
        return Line(False, f"Package `{PACKAGE}` is not installed in this kernel's Python.", SET_UP)
    wrong = []
    for requirement in required:
        if requirement.marker is not None and not requirement.marker.evaluate():
            continue
        try:
            version = metadata.version(requirement.name)
        except metadata.PackageNotFoundError:
            wrong.append(f"`{requirement.name}` is missing")
            continue
        if not requirement.specifier.contains(version, prereleases=True):
            wrong.append(f"`{requirement.name}` is {version}, needed is {requirement.specifier}")
    if wrong:
        return Line(False, f"Packages: {'; '.join(wrong)}.", SET_UP)
    return Line(True, f"{len(required)} packages in fitting versions, torch {torch.__version__} among them.")


def _front_ends() -> Line:
    from jupyter_core.paths import jupyter_path

    folders = [Path(folder) for folder in jupyter_path("labextensions")]
    missing = [name for name in FRONT_ENDS if not any((folder / name).is_dir() for folder in folders)]
    if not missing:
        return Line(True, "The page's half of the widgets is installed.")
    return Line(
        False,
        f"The page's half of the widgets is missing: `{'`, `'.join(missing)}`.",
        "If the lab above shows sliders and moves, all is well: JupyterLab has its own. If not, start JupyterLab from the "
        f"environment of this kernel, then reload the page. {SET_UP}",
    )


def _memory() -> Line:
    gigabytes = _free_memory()
    if gigabytes is None:
        return Line(True, "Memory: this system does not tell; a notebook needs up to 0.7 GB.")
    if gigabytes >= LEAST_MEMORY:
        return Line(True, f"{gigabytes:.1f} GB of memory free; a notebook needs up to 0.7.")
    return Line(
        False,
        f"{gigabytes:.1f} GB of memory free; a notebook needs up to 0.7.",
        "Shut down other kernels (JupyterLab's left edge, second symbol) and close other programs.",
    )


def _free_memory() -> float | None:
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("MemAvailable")) / 1e6
    except (OSError, StopIteration, ValueError):
        return None


def _digits() -> Line:
    from tms_edu.digits import load_digits

    images, _ = load_digits()
    return Line(True, f"{len(images):,} handwritten digits.")


def _training() -> Line:
    from tms_edu import SparseFeatures, ToyModel, gram, read_gram, train

    start = time.perf_counter()
    model = ToyModel(5, 2, generator=torch.Generator().manual_seed(0))
    train(model, SparseFeatures(5, 0.05), progress=False)
    seconds = time.perf_counter() - start
    shape = read_gram(gram(model.W), model.b_final).shape
    if seconds > LONGEST_TRAINING:
        return Line(
            False,
            f"A small training took {seconds:.0f} s; it should take less than one.",
            "Is something else busy on this machine? In a container, set OMP_NUM_THREADS=1 before JupyterLab starts.",
        )
    if shape != "pentagon":
        return Line(False, f"A small training ended as “{shape}”, not as a pentagon.", SET_UP)
    return Line(True, f"A small training ends in a pentagon after {max(seconds, 0.1):.1f} s.")
