"""Widgets in JupyterLab, one reader's path each: keyboard, mouse, Play and Stop, a narrow page, a screen reader's view."""

import nbformat
import pytest
from axe_playwright_python.sync_playwright import Axe
from nbformat.v4 import new_code_cell, new_notebook, new_output
from playwright.sync_api import expect

from tms_edu.widgets import SuperpositionLab

pytestmark = pytest.mark.browser

KERNEL = {"name": "python3", "display_name": "Python 3", "language": "python"}
THREADS = """import threading
print([thread.name for thread in threading.enumerate() if "at work" in thread.name])"""
SUBSHELLS = """(how) => {
    window.jupyterapp.shell.currentWidget.context.sessionContext.session.kernel.commsOverSubshells = how;
}"""
IMPORTANT = ("serious", "critical")


class Reader:
    """What a reader does with one widget, and what there is to see; `root` is its output where there are several."""

    def __init__(self, lab, root=None):
        self.lab, self.page = lab, lab.page
        self.root = root or lab.page
        self.stage = self.root.locator(".tms-stage")

    def slider(self, name):
        return self.root.get_by_role("slider", name=name)

    def press(self, button):
        self.root.get_by_role("button", name=button, exact=True).click()

    def pixels(self):
        return self.root.locator(".tms-picture").evaluate("canvas => canvas.toDataURL()")

    def wait_for_other_pixels(self, before):
        # The sentence is on the page a moment before the picture is decoded.
        picture = self.root.locator(".tms-picture").element_handle()
        self.page.wait_for_function("([canvas, old]) => canvas.toDataURL() !== old", arg=[picture, before])

    def last_pixels(self):
        """Return the pixels once no further picture has come for half a second."""
        seen = None
        while seen != (seen := self.pixels()):
            self.page.wait_for_timeout(500)
        return seen

    def wait_for_more_pictures(self, seen):
        stage = self.stage.element_handle()
        self.page.wait_for_function("([stage, seen]) => stage.dataset.pictures > seen", arg=[stage, seen])

    def wait_for_rest(self):
        self.root.locator(".tms-stage[data-busy=false]").wait_for()

    def sentence(self):
        return self.root.locator(".tms-sentence").inner_text()

    def pictures(self):
        return int(self.stage.get_attribute("data-pictures"))

    def wait_for(self, words):
        self.root.locator(".tms-stage[data-busy=false] .tms-sentence", has_text=words).wait_for()

    def wait_for_agreement(self):
        """Wait until the picture's label says what the sentence says, as it does at rest."""
        label, sentence = (
            self.root.locator(part).element_handle() for part in (".tms-picture", ".tms-sentence")
        )
        same = "([canvas, sentence]) => canvas.ariaLabel === sentence.innerText"
        self.page.wait_for_function(same, arg=[label, sentence])

    def drag(self, slider, start, end):
        box = slider.bounding_box()
        y, left, width = box["y"] + box["height"] / 2, box["x"] + 8, box["width"] - 16
        self.page.mouse.move(left + start * width, y)
        self.page.mouse.down()
        self.page.mouse.move(left + end * width, y, steps=12)
        self.page.mouse.up()

    def wait_for_no_overflow(self, *parts):
        """Wait until nothing is wider than its place; a page lays itself out a moment after it is made narrow."""
        fits = "(part) => part.scrollWidth <= part.clientWidth"
        for part in parts or (".tms-controls", ".tms-stage"):
            self.page.wait_for_function(fits, arg=self.page.locator(part).first.element_handle())

    def wait_for_a_narrow_page(self):
        self.page.set_viewport_size({"width": 700, "height": 1100})
        self.page.wait_for_function("innerWidth === 700")
        self.wait_for_no_overflow()

    def axe(self):
        found = Axe().run(self.page, context=".jp-OutputArea-output").response
        assert len(found["passes"]) > 5
        return [violation["id"] for violation in found["violations"] if violation["impact"] in IMPORTANT]


@pytest.fixture
def reader(lab_page, tmp_path):
    def open_widget(*cells, subshells="perCommTarget", run=True, width=1280):
        path = (
            tmp_path / f"{tmp_path.name}.ipynb"
        )  # a name of its own, else Jupyter gives it the last one's kernel
        cells = [cell if isinstance(cell, dict) else new_code_cell(cell) for cell in cells]
        nbformat.write(new_notebook(cells=cells, metadata={"kernelspec": KERNEL}), path)
        lab = lab_page(path, width=width, height=1100)
        lab.page.evaluate(SUBSHELLS, subshells)
        if run:
            lab.run_all()
            assert lab.errors() == []
            lab.page.locator("[data-pictures]").first.wait_for()
        return Reader(lab)

    return open_widget


OPEN_LAB = "from tms_edu.widgets import SuperpositionLab\nlab = SuperpositionLab()\nlab"


@pytest.mark.parametrize("subshells", ["perCommTarget", "disabled"])
def test_superposition_lab(reader, subshells):
    it = reader(OPEN_LAB, subshells=subshells)
    assert "pentagon" in it.sentence()
    before = it.pixels()

    sparsity = it.slider("sparsity S")
    sparsity.focus()
    for _ in range(6):
        sparsity.press("ArrowLeft")
    it.wait_for("one dimension as a digon")
    expect(sparsity).to_have_attribute("aria-valuetext", "0.70 (1 − S = 0.30)")
    it.wait_for_other_pixels(before)
    expect(it.page.locator(".tms-code")).to_contain_text("SparseFeatures(5, 0.3)")
    it.wait_for_agreement()

    it.drag(it.slider("features n"), 3 / 8, 0)
    it.wait_for("Features 0 and 1 are recovered")
    it.press("On 1 time in 20")
    it.wait_for("pentagon")
    seen = it.pictures()
    it.press("Reset")
    it.wait_for_more_pictures(seen)  # of the training, which ends with the same words as the one before
    it.wait_for("pentagon")

    it.page.get_by_role("checkbox", name="hidden points").check()
    seen = it.pictures()
    it.press("Play")
    it.wait_for_more_pictures(seen + 5)
    assert "so far" in it.sentence() or "Not trained" in it.sentence()
    it.press("Stop")
    it.wait_for_rest()
    it.last_pixels()
    stopped = it.pictures()
    assert "so far" in it.sentence()
    it.press("Step")
    it.wait_for_more_pictures(stopped)
    it.press("Rewind")
    it.wait_for("Not trained yet")

    assert it.axe() == []
    assert it.lab.console == []


def test_a_narrow_page_needs_no_sideways_scrolling(reader):
    it = reader(OPEN_LAB, width=700)
    it.wait_for_no_overflow()
    assert it.axe() == []
    for control in it.page.get_by_role("slider").all():
        assert control.bounding_box()["width"] > 50


def test_all_sliders_are_of_one_length(reader):
    it = reader(OPEN_LAB)
    widths = [slider.bounding_box()["width"] for slider in it.page.get_by_role("slider").all()]
    assert len(widths) == 5 and max(widths) - min(widths) < 1, widths


def test_a_widget_that_computes_pales_and_comes_back(reader):
    slow = """import time
from tms_edu.widgets import NeuronProber
class Slow(NeuronProber):
    def compute(self, v):
        time.sleep(3 * (v.seed == 2))
        return super().compute(v)
Slow()"""
    it = reader(slow)
    pale = "([canvas, pale]) => (getComputedStyle(canvas).opacity < 0.5) === pale"
    canvas = it.root.locator(".tms-picture").element_handle()
    it.slider("seed").press("ArrowRight")
    it.page.wait_for_function(pale, arg=[canvas, True])
    it.wait_for_rest()
    it.page.wait_for_function(pale, arg=[canvas, False])


def test_running_the_cell_again_leaves_nothing_alive(reader):
    it = reader(OPEN_LAB, THREADS)
    it.press("Rewind")
    it.press("Play")
    it.page.locator(".tms-stage[data-busy=true]").wait_for()
    it.lab.run_all()
    assert [output["text"] for output in it.lab.outputs() if output["output_type"] == "stream"] == ["[]\n"]
    it.wait_for_rest()
    expect(it.page.locator(".tms-stage")).to_have_count(1)


def test_a_reloaded_page_shows_the_widget_as_it_was(reader):
    it = reader(OPEN_LAB)
    it.press("Always on")
    it.wait_for("Features 2, 3 and 4 are dropped")
    sentence, pixels = it.sentence(), it.last_pixels()
    it.page.evaluate("() => window.jupyterapp.commands.execute('docmanager:save')")
    it.page.reload()
    it.page.locator("[data-pictures]").wait_for()
    assert (it.sentence(), it.last_pixels()) == (sentence, pixels)
    it.press("On 1 time in 20")
    it.wait_for("pentagon")


def test_training_goes_on_and_stops_while_a_cell_runs(reader):
    wait = "import time\nbegan = time.monotonic()\nwhile lab.busy and time.monotonic() < began + 60:\n    time.sleep(0.01)"
    it = reader(OPEN_LAB, f"{wait}\nprint('busy' if lab.busy else 'stopped')")
    it.press("Rewind")
    it.press("Play")
    it.page.locator(".tms-stage[data-busy=true]").wait_for()
    run = "() => { window.cell = window.jupyterapp.commands.execute('notebook:run-cell'); }"
    it.page.evaluate("() => { window.jupyterapp.shell.currentWidget.content.activeCellIndex = 1; }")
    it.page.evaluate(run)
    seen = it.pictures()
    it.wait_for_more_pictures(seen + 5)
    it.press("Stop")
    it.wait_for_rest()
    assert "so far" in it.sentence()
    it.page.evaluate("() => window.cell")
    assert it.lab.errors() == [] and it.lab.outputs()[-1]["text"] == "stopped\n"


def test_without_a_kernel_there_is_the_picture_with_its_sentence(reader):
    widget = SuperpositionLab(steps=100)
    data, metadata = widget._repr_mimebundle_()
    data.pop("application/vnd.jupyter.widget-view+json")
    output = new_output("execute_result", data, metadata=metadata, execution_count=1)
    it = reader(new_code_cell(OPEN_LAB, outputs=[output], execution_count=1), run=False)
    picture = it.page.locator(".jp-OutputArea-output img")
    picture.wait_for()
    assert picture.evaluate("img => img.decode().then(() => img.naturalWidth)") == 150 * widget.size[0]
    assert it.page.locator(".tms-stage").count() == 0
    widget.close()


def opened(reader, name):
    return reader(f"from tms_edu.widgets import {name}\n{name}()")


def assert_fit_for_everybody(it):
    it.wait_for_agreement()
    assert it.axe() == []
    it.wait_for_a_narrow_page()
    assert it.lab.console == []


def test_random_to_orthonormal(reader):
    it = opened(reader, "RandomToOrthonormal")
    it.wait_for("The largest |cos| between two columns is 0.98")
    before = it.pixels()
    way = it.slider("orthonormal t")
    way.focus()
    for _ in range(10):
        way.press("ArrowRight")
    it.wait_for("The largest |cos| between two columns is 0.63")
    it.wait_for_other_pixels(before)
    it.drag(way, 0.5, 1)
    it.wait_for("WᵀW = I, and the best linear decoder is Wᵀ itself")
    it.press("3 columns in 2 dimensions")
    it.wait_for("3 columns do not fit at right angles into 2 dimensions")
    expect(it.slider("dimensions m")).to_have_attribute("aria-valuetext", "2")
    it.press("Reset")
    it.wait_for("The largest |cos| between two columns is 0.98")
    assert_fit_for_everybody(it)


def test_rotate_the_basis(reader):
    it = opened(reader, "RotateTheBasis")
    it.wait_for("Not turned. The loss is 0.0 % of answering 0.")
    before = it.pixels()
    turn = it.slider("turn by θ")
    turn.focus()
    turn.press("ArrowRight")
    it.wait_for("Turned by 5°, WᵀW, every output and the loss, 0.0 % of answering 0, stay.")
    it.wait_for_other_pixels(before)
    it.page.get_by_role("combobox", name="hidden layer").select_option("ReLU, put in later")
    it.wait_for("Turned by 5°, the columns keep their lengths and angles, but")
    it.press("A neuron per feature")
    it.wait_for("Neuron 1 answers to feature 0 alone; neuron 2 answers to feature 1 alone.")
    it.drag(turn, 0.0, 0.125)
    angle = turn.get_attribute("aria-valuetext")
    it.wait_for(f"Turned by {angle}")
    it.wait_for("Neuron 1 answers to features 0 and 1")
    assert_fit_for_everybody(it)


def test_two_codes(reader):
    it = opened(reader, "TwoCodes")
    it.wait_for("odd is cat, even is dog. Under noise σ = 0.10 the linear probe names 5")
    before = it.pixels()
    it.press("The same, network")
    it.wait_for("the ReLU network of 32 units names 9")
    it.wait_for_other_pixels(before)
    noise = it.slider("noise σ")
    noise.focus()
    noise.press("End")
    it.wait_for("Under noise σ = 2.00 the ReLU network of 32 units names 5")
    it.page.get_by_role("combobox", name="code", exact=True).select_option("two directions")
    it.wait_for("Cat and dog have two directions. Under noise σ = 2.00 the ReLU network of 32 units names 9")
    it.press("Rewind")
    it.wait_for("Not trained yet")
    it.press("Step")
    it.wait_for("In training: the ReLU network, 32 learns")
    it.press("Play")
    it.wait_for("Cat and dog have two directions. Under noise σ = 2.00 the ReLU network of 32 units names 9")
    assert_fit_for_everybody(it)


def test_almost_orthogonal(reader):
    it = opened(reader, "AlmostOrthogonal")
    it.wait_for("unit vectors with |cos| ≤ 0.30 fit into 16 dimensions")
    before = it.pixels()
    it.press("Three dimensions")
    it.wait_for("Exactly 6 unit vectors with |cos| ≤ 0.45 fit into 3 dimensions")
    it.wait_for_other_pixels(before)
    limit = it.slider("largest |cos| ε")
    limit.focus()
    limit.press("Home")
    it.wait_for("Exactly 3 unit vectors with |cos| ≤ 0.05 fit into 3 dimensions")
    it.drag(it.slider("dimensions d"), 1 / 12, 1)
    it.wait_for("unit vectors with |cos| ≤ 0.05 fit into 64 dimensions")
    it.press("Rewind")
    it.wait_for("The search packs unit vectors")
    it.press("Step")
    it.press("Play")
    it.wait_for("At right angles only 64 do.")
    assert_fit_for_everybody(it)
