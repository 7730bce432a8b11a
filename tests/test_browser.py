"""Notebook 03 in a real browser, as a reader runs it."""

from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from playwright.sync_api import expect

from browser import ROOT
from notebooks import WIDGET_VIEW

# The width of what is painted; for a picture, once it is decoded.
WIDTH = "node => node.decode ? node.decode().then(() => node.naturalWidth) : node.width"

pytestmark = pytest.mark.browser

TOY_MODEL = next((ROOT / "notebooks").glob("03_*.ipynb"), Path("03 is missing"))


def test_notebook_03_runs_from_top_to_bottom(lab_page):
    lab = lab_page(TOY_MODEL.name)
    lab.run_all()
    assert lab.errors() == []
    code = [cell for cell in lab.cells() if cell["cell_type"] == "code"]
    assert [cell["execution_count"] for cell in code] == list(range(1, len(code) + 1))

    pictures = [output["data"] for output in lab.outputs() if "image/png" in output.get("data", {})]
    stills = sum(WIDGET_VIEW not in data for data in pictures)
    live = len(pictures) - stills
    shown = lab.page.locator(".jp-OutputArea-output img, .jp-OutputArea-output canvas.tms-picture")
    expect(lab.page.locator("canvas.tms-picture")).to_have_count(live)
    assert shown.count() >= stills + live and stills >= 1
    for picture in shown.all():
        picture.scroll_into_view_if_needed()
        assert picture.evaluate(WIDTH) > 100

    # What the first lines of a notebook tell the reader to choose.
    lab.page.get_by_role("menuitem", name="Edit").first.click()
    lab.page.get_by_role("menuitem", name="Clear Outputs of All Cells").click()
    expect(shown).to_have_count(0)
    assert not list(lab.outputs()) and lab.console == []


def test_an_error_and_a_console_message_are_seen(lab_page, tmp_path):
    """The test above would notice: a failing cell and a script's complaint both show up here."""
    script = "import IPython.display as d; d.display(d.Javascript('console.error(\"from the page\")'))"
    cells = [new_markdown_cell("# Broken"), new_code_cell(script), new_code_cell("1 / 0")]
    path = tmp_path / "broken.ipynb"
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(new_notebook(cells=cells, metadata={"kernelspec": kernel}), path)
    lab = lab_page(path)
    lab.run_all()
    assert lab.errors() == ["ZeroDivisionError: division by zero"]
    assert lab.console == ["from the page"]
