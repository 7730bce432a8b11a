"""Shapes in annotations are checked while the tests run, and only then."""

import os
import sys

# One thread a process: the tests run side by side, and kernels started by them inherit this.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("MPLBACKEND", "agg")

import jaxtyping
import pytest

from browser import chromium, lab_folder, lab_page, lab_server  # noqa: F401

jaxtyping.install_import_hook("tms_edu", "beartype.beartype")


@pytest.fixture(autouse=True)
def _plain(request):
    """Switch the shape checks off for tests marked `plain`."""
    if request.node.get_closest_marker("plain") is None:
        yield
        return
    before = jaxtyping.config.jaxtyping_disable
    jaxtyping.config.update("jaxtyping_disable", True)
    yield
    jaxtyping.config.update("jaxtyping_disable", before)


@pytest.fixture(autouse=True)
def _figures_closed():
    """Leave no figure open: pyplot warns of too many, and which test is hit would depend on the order."""
    yield
    if pyplot := sys.modules.get("matplotlib.pyplot"):
        pyplot.close("all")
