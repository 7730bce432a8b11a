"""Look at the reader's installation, and say what to do where something is missing."""

import sys
import time
from collections.abc import Callable
from importlib import metadata
from pathlib import Path

import torch

import tms_edu
from tms_edu import SparseFeatures, ToyModel, digits, gram, read_gram
from tms_edu.checks.result import GOOD, TO_DO, Result

PACKAGE = "tms-edu"
SET_UP = "In a terminal, in the folder of the course: `make lab`, or `pip install -r requirements.txt -e .`, then restart the kernel."
FRONT_ENDS = ("anywidget", "@jupyter-widgets/jupyterlab-manager")
LEAST_MEMORY, LONGEST_TRAINING = 1.0, 5.0  # GB, seconds


class Installation:
    """Show the results of all looks, as text and as HTML.

    >>> Installation([Result("good", "Python 3.12."), Result("to do", "No torch. Install `torch`.")])
    ● Good. Python 3.12.
    ✗ To do. No torch. Install `torch`.
    1 of 2 lines needs you.
    """

    def __init__(self, lines: list[Result]):
        left = sum(line.status != GOOD for line in lines)
        self.lines, self.good = lines, not left
        needs = f"{left} of {len(lines)} lines need{'s' if left == 1 else ''} you."
        self._summary = needs if left else "Everything is there."

    def __repr__(self) -> str:
        return "\n".join([*map(repr, self.lines), self._summary])

    def _repr_html_(self) -> str:
        lines = "".join(line._repr_html_() for line in self.lines)
        return f"{lines}<p>{self._summary}</p>"


def installation() -> Installation:
    """Check Python, packages, widgets, memory, the shipped digits and a short training; never raises."""
    looks = (_python, _packages, _front_ends, _memory, _digits, _training)
    return Installation([_safely(look) for look in looks])


def _safely(look: Callable[[], Result]) -> Result:
    try:
        return look()
    except metadata.PackageNotFoundError:
        return _line(False, f"Package `{PACKAGE}` is not installed in this kernel's Python.", SET_UP)
    except Exception as error:
        name = look.__name__.strip("_").replace("_", " ").capitalize()
        return _line(False, f"{name}: stopped with `{type(error).__name__}: {error}`.", SET_UP)


def _line(good: bool, found: str, advice: str = "") -> Result:
    return Result(GOOD, found) if good else Result(TO_DO, f"{found} {advice}")


def _python() -> Result:
    version, good = ".".join(map(str, sys.version_info[:3])), (3, 11) <= sys.version_info[:2] <= (3, 14)
    needed = "" if good else "; the course needs 3.11 to 3.14"
    return _line(good, f"Python {version}{needed}.", f"Install one of them (python.org/downloads). {SET_UP}")


def _packages() -> Result:
    from packaging.requirements import Requirement

    listed = [Requirement(text) for text in metadata.requires(PACKAGE) or ()]
    required = [one for one in listed if one.marker is None or one.marker.evaluate()]
    wrong = "; ".join(filter(None, map(_misfit, required)))
    here = f"{len(required)} packages in fitting versions, torch {torch.__version__} among them"
    return _line(not wrong, f"Packages: {wrong}." if wrong else f"{here}.", SET_UP)


def _misfit(requirement) -> str:
    try:
        version = metadata.version(requirement.name)
    except metadata.PackageNotFoundError:
        return f"`{requirement.name}` is missing"
    fits = requirement.specifier.contains(version, prereleases=True)
    return "" if fits else f"`{requirement.name}` is {version}, needed is {requirement.specifier}"


def _front_ends() -> Result:
    from jupyter_core.paths import jupyter_path

    folders = [Path(folder) for folder in jupyter_path("labextensions")]
    missing = [name for name in FRONT_ENDS if not any((folder / name).is_dir() for folder in folders)]
    found = f"is missing: `{'`, `'.join(missing)}`" if missing else "is installed"
    return _line(
        not missing,
        f"The page's half of the widgets {found}.",
        "If the lab above shows sliders and moves, all is well: JupyterLab has its own. If not, start JupyterLab from the "
        f"environment of this kernel, then reload the page. {SET_UP}",
    )


def _memory() -> Result:
    import psutil

    free = psutil.virtual_memory().available / 1e9
    return _line(
        free >= LEAST_MEMORY,
        f"{free:.1f} GB of memory free; a notebook needs up to 0.7 GB.",
        "Shut down other kernels (JupyterLab's left edge, second symbol) and close other programs.",
    )


def _digits() -> Result:
    return _line(True, f"{len(digits.load_digits()[0]):,} handwritten digits.")


def _training() -> Result:
    start, model = time.perf_counter(), ToyModel(5, 2, generator=torch.Generator().manual_seed(0))
    tms_edu.train(model, SparseFeatures(5, 0.05), progress=False)
    seconds, shape = time.perf_counter() - start, read_gram(gram(model.W), model.b_final).shape
    slow = f"A small training took {seconds:.0f} s; it should take less than one."
    busy = "Is something else busy on this machine? In a container, set OMP_NUM_THREADS=1 before JupyterLab starts."
    if seconds > LONGEST_TRAINING:
        return _line(False, slow, busy)
    ends = (
        f"ends in a pentagon after {max(seconds, 0.1):.1f} s"
        if shape == "pentagon"
        else f"ended as “{shape}”, not as a pentagon"
    )
    return _line(shape == "pentagon", f"A small training {ends}.", SET_UP)
