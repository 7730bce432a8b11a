"""All widgets on one page, without subshells: each moved by keyboard and button, and seen as a screen reader sees it."""

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from browser import notebooks_opened
from test_widgets_browser import KERNEL, SUBSHELLS, Reader

pytestmark = pytest.mark.browser

# Of each widget a control, a key that moves it, and a button.
PATHS = {
    "SuperpositionLab": ("sparsity S", "ArrowLeft", "On 1 time in 4"),
    "TwoCodes": ("noise σ", "ArrowRight", "Small or large"),
    "AlmostOrthogonal": ("dimensions d", "ArrowLeft", "Three dimensions"),
    "RandomToOrthonormal": ("orthonormal t", "ArrowRight", "3 columns in 2 dimensions"),
    "RotateTheBasis": ("turn by θ", "ArrowRight", "A neuron per feature"),
    "OneInput": ("x₀", "ArrowLeft", "Two on at once"),
    "NeuronProber": ("neuron", "ArrowRight", "Two digits"),
    "CatCircuit": ("bias b", "ArrowLeft", "All three"),
    "TrainingFilm": ("training step", "ArrowLeft", "First"),
    "GramGym": ("level", "ArrowDown", "Reset"),
    "BeatTheOptimiser": ("bias b", "ArrowRight", "Let the optimiser go from here"),
}
WATCH_CALLS = """import threading
from tms_edu.widgets import *
from tms_edu.widgets.base import LivePicture
moved, threads = LivePicture._moved, set()
def watched(self, values):
    threads.add(threading.current_thread())
    moved(self, values)
LivePicture._moved = watched"""
ONLY_MAIN = "print(threads == {threading.main_thread()})"
# A screen reader speaks whenever the words change while the region is not busy.
LISTEN = """(sentence) => {
    window.spoken = [];
    window.listening?.disconnect();
    window.listening = new MutationObserver((changes) => {
        if (sentence.getAttribute('aria-busy') === 'false')
            for (const change of changes) if (change.addedNodes.length) window.spoken.push(sentence.textContent);
    });
    window.listening.observe(sentence, {childList: true, characterData: true, subtree: true});
}"""
FIELDS = """(node) => [...node.querySelectorAll('.tms-field')].map((field) =>
    ['label', '.tms-readout', 'input'].map((part) => field.querySelector(part)).map((node) => node?.ariaValueText ?? node?.textContent))"""


@pytest.fixture(scope="module")
def page_of_all(chromium, lab_server, lab_folder, tmp_path_factory):
    cells = [new_code_cell(WATCH_CALLS), *(new_code_cell(f"{name}()") for name in PATHS)]
    cells.append(new_code_cell(ONLY_MAIN))
    path = tmp_path_factory.mktemp("all") / "all_widgets.ipynb"
    nbformat.write(new_notebook(cells=cells, metadata={"kernelspec": KERNEL}), path)
    with notebooks_opened(chromium, lab_server, lab_folder) as open_notebook:
        lab = open_notebook(path, width=1280, height=1100)
        lab.page.evaluate(SUBSHELLS, "disabled")
        lab.run_all()
        assert lab.errors() == []
        yield lab


@pytest.fixture(params=PATHS)
def it(request, page_of_all):
    output = page_of_all.page.locator(".jp-OutputArea-output:has(.tms-stage)").nth(
        [*PATHS].index(request.param)
    )
    output.locator("[data-pictures]").wait_for()
    it = Reader(page_of_all, output)
    it.name = request.param
    return it


def test_every_widget_answers_keys_and_buttons_without_subshells(it):
    label, key, button = PATHS[it.name]

    def answered(act):
        sentence, pixels = it.sentence(), it.pixels()
        it.page.evaluate(LISTEN, it.root.locator(".tms-sentence").element_handle())
        act()
        it.page.wait_for_function("() => window.spoken.length > 0")
        it.wait_for_rest()
        it.wait_for_other_pixels(pixels)
        assert it.page.evaluate("() => window.spoken") == [it.sentence()] != [sentence]
        assert it.root.locator(".tms-error").inner_text() == ""

    answered(lambda: it.root.get_by_label(label, exact=True).press(key))
    answered(lambda: it.press(button))
    assert it.lab.console == []


def seen_by_a_screen_reader(it):
    """Return the accessibility tree of this widget's output, as (role, name, properties)."""
    it.root.locator(".tms-sentence").scroll_into_view_if_needed()  # what is far off is not in the tree
    cdp = it.page.context.new_cdp_session(it.page)
    node = (
        f"document.querySelectorAll('.tms-stage')[{[*PATHS].index(it.name)}].closest('.jp-OutputArea-output')"
    )
    output = cdp.send("Runtime.evaluate", {"expression": node})["result"]["objectId"]
    root = cdp.send("DOM.describeNode", {"objectId": output})["node"]["backendNodeId"]
    seen = None
    for _ in range(100):  # the tree follows the page a moment later
        nodes = cdp.send("Accessibility.getFullAXTree")["nodes"]
        by_id = {node["nodeId"]: node for node in nodes}
        top = next((node for node in nodes if node.get("backendDOMNodeId") == root), None)
        before, seen = seen, top and list(walk(top, by_id))
        if seen and seen == before and any(properties.get("live") for _, _, properties in seen):
            return seen
        it.page.wait_for_timeout(100)
    raise AssertionError("the widget is not in the tree")


def walk(node, by_id):
    if not node["ignored"]:
        properties = {entry["name"]: entry["value"].get("value") for entry in node.get("properties", [])}
        yield node["role"]["value"], node.get("name", {}).get("value", ""), properties
    for child in node.get("childIds", []):
        if child in by_id:
            yield from walk(by_id[child], by_id)


def test_a_screen_reader_is_told_all(it):
    seen = seen_by_a_screen_reader(it)
    told = [name for role, name, _ in seen if role in ("slider", "combobox", "checkbox")]
    fields = it.root.evaluate(FIELDS)
    assert [name for name in told if "its length" not in name] == [label for label, *_ in fields]
    # Chromium's tree does not hold aria-valuetext, of any slider: what the element says must do.
    assert all(shown == said for _, shown, said in fields if shown is not None)
    buttons = [name for role, name, _ in seen if role == "button"]
    assert len(buttons) == it.root.get_by_role("button").count() and all(buttons)
    assert all(
        name for role, name, _ in seen if role in ("gridcell", "radio", "radiogroup", "grid", "slider")
    )

    pictures = [name for role, name, _ in seen if role == "image"]
    assert pictures == ([] if it.name == "GramGym" else [it.sentence()])
    live = [properties for role, _, properties in seen if role == "status"]
    assert [(node["live"], node.get("busy", False)) for node in live] == [("polite", False)]


def test_everything_can_be_read_in_the_dark_theme(page_of_all):
    page = page_of_all.page
    page.add_style_tag(
        content="* { content-visibility: visible !important; }"
    )  # what is far off is not looked at

    def choose(theme, light):
        command = "(theme) => window.jupyterapp.commands.execute('apputils:change-theme', {theme})"
        page.evaluate(command, theme)
        page.locator(f"body[data-jp-theme-light={light}]").wait_for(state="attached")

    choose("JupyterLab Dark", "false")
    found = Reader(page_of_all).axe()
    choose("JupyterLab Light", "true")
    assert found == []


def test_all_callbacks_ran_on_the_main_thread(page_of_all):
    """That is: the switch off was off."""
    page = page_of_all.page
    last = f"window.jupyterapp.shell.currentWidget.content.activeCellIndex = {len(PATHS) + 1}"
    page.evaluate(f"() => {{ {last}; return window.jupyterapp.commands.execute('notebook:run-cell'); }}")
    assert page_of_all.outputs()[-1]["text"] == "True\n"
