"""The neuron prober and the cat circuit in JupyterLab: by keyboard, by button, on a narrow page, for a screen reader."""

import nbformat
import pytest
from axe_playwright_python.sync_playwright import Axe
from nbformat.v4 import new_code_cell, new_notebook

pytestmark = pytest.mark.browser

KERNEL = {"name": "python3", "display_name": "Python 3", "language": "python"}


@pytest.fixture
def show(lab_page, tmp_path):
    def show(call: str, width: int = 1280):
        nb = new_notebook(cells=[new_code_cell(f"from tms_edu import widgets\nwidgets.{call}")])
        nb.metadata.kernelspec = KERNEL
        path = tmp_path / "one_widget.ipynb"
        nbformat.write(nb, path)
        lab = lab_page(path, width=width)
        lab.run_all()
        lab.page.locator(".tms-stage[data-busy=false] .tms-sentence").wait_for()
        return lab

    return show


def wait_for(lab, words):
    lab.page.locator(".tms-sentence", has_text=words).wait_for()


def pixels(lab):
    return lab.page.locator(".tms-picture").evaluate("canvas => canvas.toDataURL()")


def found_by_axe(lab):
    response = Axe().run(lab.page, context=".jp-OutputArea-output").response
    return [v["id"] for v in response["violations"] if v["impact"] in ("serious", "critical")]


def test_probing_neurons(show):
    lab = show("NeuronProber()")
    wait_for(lab, "Neuron 11 fires for")
    before = pixels(lab)
    lab.page.get_by_role("slider", name="neuron").press("ArrowRight")
    wait_for(lab, "Neuron 12 fires for one digit")
    assert pixels(lab) != before
    lab.page.get_by_role("button", name="Two digits", exact=True).click()
    wait_for(lab, "Neuron 8 fires for 2 digits")
    before = pixels(lab)
    lab.page.get_by_role("combobox", name="pictures").select_option(label="one of each digit")
    lab.page.wait_for_function(
        "(old) => document.querySelector('.tms-picture').toDataURL() !== old", arg=before
    )
    assert found_by_axe(lab) == [] and lab.console == [] and lab.errors() == []


def test_wiring_a_cat(show):
    lab = show("CatCircuit()")
    wait_for(lab, "That is the union")
    bias = lab.page.get_by_role("slider", name="bias b")
    for _ in range(8):
        bias.press("ArrowLeft")
    wait_for(lab, "That is the intersection")
    lab.page.get_by_role("button", name="Three times the whiskers", exact=True).click()
    wait_for(lab, "It is fooled")
    assert found_by_axe(lab) == [] and lab.console == [] and lab.errors() == []


@pytest.mark.parametrize("call", ["NeuronProber()", "CatCircuit()"])
def test_a_narrow_page_needs_no_sideways_scrolling(show, call):
    lab = show(call, width=700)
    for part in (".tms-controls", ".tms-stage"):
        assert lab.page.locator(part).first.evaluate("node => node.scrollWidth - node.clientWidth") == 0
