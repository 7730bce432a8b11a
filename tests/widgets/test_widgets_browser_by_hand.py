"""The widgets that are played by hand, in JupyterLab: keys, mouse, a narrow page, a screen reader's view."""

import math
import re

import pytest
from playwright.sync_api import expect

from test_widgets_browser import reader  # noqa: F401

pytestmark = pytest.mark.browser


@pytest.fixture
def opened(reader):  # noqa: F811
    def open_widget(name, cells=()):
        it = reader(f"from tms_edu.widgets import {name}\nwidget = {name}()\nwidget", *cells)
        readers.append(it)
        return it

    readers = []
    yield open_widget
    for it in readers:
        assert it.axe() == []
        it.wait_for_a_narrow_page()
        assert it.lab.console == [] and it.lab.errors() == []
        assert it.page.locator(".tms-error").inner_text() == ""


def test_one_input(opened):
    it = opened("OneInput")
    it.wait_for("+1.03 from x₀ itself")
    before = it.pixels()
    x = it.slider("x₀")
    x.focus()
    x.press("Home")
    it.wait_for("h = (0, 0).")
    it.wait_for_other_pixels(before)
    it.drag(it.slider("x₁"), 0, 1)
    it.wait_for("Output 0 receives 0 from x₀ itself, +0.")
    it.slider("follow output i").press("ArrowRight")
    it.wait_for("Output 1 receives +1.")
    it.page.get_by_role("combobox", name="model").select_option("two digons")
    it.wait_for("Output 1 receives +1.00 from x₁ itself, 0 of interference")
    it.press("Two on at once")
    it.wait_for("Output 0 receives +0.80 from x₀ itself")


def test_training_film(opened):
    it = opened("TrainingFilm")
    it.wait_for("Step 400 of 400: pentagon.")
    before = it.pixels()
    it.press("First")
    it.wait_for("Step 0 of 400")
    it.wait_for_other_pixels(before)
    it.press("Next change")
    it.wait_for("Just now feature")
    step = it.slider("training step")
    at = int(step.get_attribute("aria-valuetext"))
    assert f"Step {at} of 400" in it.sentence()
    step.press("ArrowRight")
    it.wait_for(f"Step {at + 4} of 400")
    it.drag(step, (at + 4) / 400, 1)
    it.wait_for("Step 400 of 400: pentagon.")


def cell(it, i, j):
    return it.page.locator(".tms-gym tr").nth(i + 1).locator(".tms-cell").nth(j)


def told(it, expression):
    """Return what the kernel says of an expression."""
    script = """(code) => new Promise((done) => {
        const kernel = window.jupyterapp.shell.currentWidget.context.sessionContext.session.kernel;
        const request = kernel.requestExecute({code});
        request.onIOPub = (message) => message.content.name === 'stdout' && done(message.content.text);
    })"""
    return eval(it.page.evaluate(script, f"print({expression})"))


def truth(it):
    """Return how the matrix on show reads: statuses and pairs."""
    return told(it, "[(f.status[0], sorted(f.partners)) for f in widget.matrix.reading.features]")


def read_for_a_while(it):
    """Wait as long as the board takes a second press for a slip of the first."""
    it.page.wait_for_timeout(500)


def test_gram_gym_by_mouse(opened):
    it = opened("GramGym")
    for i, (status, partners) in enumerate(truth(it)):
        for j in partners:
            if i < j:
                cell(it, i, j).click()
        if status != "s":
            name = {"r": "recovered", "d": "dropped"}[status]
            it.page.get_by_role("radio", name=f"feature {i}: {name}").check()
    it.press("Answer")
    it.wait_for("All 5 right.")
    expect(it.page.locator(".tms-told", has_text="✓")).to_have_count(5)
    read_for_a_while(it)
    it.press("Next matrix")
    it.wait_for("Which features are recovered")
    it.page.get_by_role("combobox", name="level").select_option("20→10")
    it.wait_for("A trained model of 20 features in 10 dimensions")
    it.page.wait_for_function("document.querySelectorAll('.tms-gym tr').length === 21")
    beside = it.page.get_by_role("radio", name="feature 19: dropped")
    assert beside.bounding_box()["y"] - cell(it, 19, 0).bounding_box()["y"] < 12  # in one line with its row
    it.page.set_viewport_size({"width": 700, "height": 1100})  # and the side bar of JupyterLab is open
    it.page.wait_for_function("document.querySelector('.tms-gym').clientWidth < 400")
    it.wait_for_no_overflow(".tms-gym")
    assert cell(it, 19, 19).bounding_box()["width"] > 14


def test_gram_gym_by_keyboard(opened):
    it = opened("GramGym")
    right = truth(it)
    keys = it.page.keyboard
    cell(it, 0, 0).focus()
    for status, _ in right:
        keys.press(status)
    cell(it, 0, 0).press("ArrowDown")
    for i, (_, partners) in enumerate(right):
        for j in partners:
            if i < j:
                cell(it, i, j).focus()
                keys.press("Space")
    keys.press("Enter")
    it.wait_for("All 5 right.")
    it.page.get_by_role(
        "button", name="Next matrix"
    ).wait_for()  # the board hears the verdict after the sentence
    read_for_a_while(it)
    keys.press("Enter")
    it.wait_for("Which features are recovered")
    expect(it.page.locator(".tms-told", has_text="✓")).to_have_count(0)
    read_for_a_while(it)

    right = truth(it)
    keys.press("r")
    keys.press("Enter")
    it.wait_for("Not marked yet: features 1, 2, 3 and 4.")
    for _ in range(4):
        keys.press("r")
    keys.press("Enter")
    it.wait_for("of 5 features right; wrong: ")
    wrong = sum(status != "r" for status, _ in right)
    expect(it.page.locator(".tms-gym li")).to_have_count(wrong)
    expect(it.page.locator(".tms-told", has_text="✗")).to_have_count(wrong)
    expect(it.page.get_by_role("radio").first).to_be_disabled()


def test_enter_pressed_twice_answers_once(opened):
    it = opened("GramGym")
    keys = it.page.keyboard
    cell(it, 0, 0).focus()
    for _ in range(5):
        keys.press("r")
    turn = told(it, "widget.board.state['turn']")
    wrong = [status != "r" for status, _ in truth(it)]
    twice = """(node) => {
        const enter = () => node.dispatchEvent(new KeyboardEvent('keydown', {key: 'Enter', bubbles: true}));
        enter();
        for (const pause of [30, 60, 100]) setTimeout(enter, pause);
    }"""
    read_for_a_while(it)
    cell(it, 0, 0).evaluate(twice)
    it.wait_for("of 5 features right; wrong: ")
    expect(it.page.locator(".tms-gym li")).to_have_count(sum(wrong))
    read_for_a_while(it)
    assert told(it, "widget.board.state['turn']") == turn and "features right; wrong: " in it.sentence()
    it.page.get_by_role("button", name="Next matrix").evaluate(
        "(button) => { button.click(); button.click(); }"
    )
    it.wait_for("Which features are recovered")
    read_for_a_while(it)
    assert told(it, "(widget.board.state['turn'], widget.board.state['verdict'])") == (turn + 1, None)


def test_columns_are_dragged_while_a_cell_runs(opened):
    it = opened(
        "BeatTheOptimiser", cells=["import time\nif 'again' in globals():\n    time.sleep(4)\nagain = True"]
    )
    it.page.evaluate("() => { window.jupyterapp.shell.currentWidget.content.activeCellIndex = 1; }")
    it.page.evaluate("() => { window.cell = window.jupyterapp.commands.execute('notebook:run-cell'); }")
    it.page.locator(".jp-InputPrompt", has_text="[*]").wait_for()
    column = it.slider("column 4")
    column.focus()
    column.press("Delete")
    it.wait_for("one dropped")
    assert it.page.locator(".jp-InputPrompt", has_text="[*]").count() == 1
    it.page.evaluate("() => window.cell")


def test_beat_the_optimiser(opened):
    it = opened("BeatTheOptimiser")
    it.wait_for("times the trained model's")
    before, loss = it.pixels(), it.sentence()
    box = it.slider("column 3").bounding_box()
    plane = it.page.locator(".tms-picture").bounding_box()
    it.page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    it.page.mouse.down()
    it.page.mouse.move(plane["x"] + 120, plane["y"] + 180, steps=8)
    it.page.mouse.up()
    it.page.wait_for_function(f"document.querySelector('.tms-sentence').innerText !== {loss!r}")
    it.wait_for_other_pixels(before)
    # The square begins 0.0863 of 740 and 0.015 of 490 pixels from the upper left; 286.7 pixels are 3.2 units of W.
    unit = 3.2 / 286.7
    x, y = (120 - 0.0863 * 740) * unit - 1.6, 1.6 - (180 - 0.015 * 490) * unit
    at = it.slider("column 3").get_attribute("aria-valuetext").replace("−", "-")
    moved = [float(number) for number in re.findall(r"-?\d\.\d\d", at)]
    assert moved == pytest.approx([x, y, math.hypot(x, y)], abs=0.02)
    column = it.slider("column 4")
    column.focus()
    at = column.get_attribute("aria-valuetext")
    column.press("ArrowLeft")
    column.press("Shift+ArrowDown")
    expect(column).not_to_have_attribute("aria-valuetext", at)
    column.press("Delete")
    expect(column).to_have_attribute("aria-valuetext", "at 0.00, 0.00; length 0.00")
    it.wait_for("four features in 2D and one dropped")
    it.press("Let the optimiser go from here")
    it.wait_for("From your columns the optimiser reached")
    it.press("Back to mine")
    it.wait_for("four features in 2D and one dropped")
    bias = it.slider("bias b")
    bias.focus()
    bias.press("End")
    expect(bias).to_have_attribute("aria-valuetext", "+0.50")
    it.press("Reset")
    it.wait_for(loss)
    expect(bias).to_have_attribute("aria-valuetext", "best for W")


def test_a_key_held_down_loses_no_step(opened):
    it = opened("BeatTheOptimiser")
    column = it.slider("column 4")
    expect(column).to_have_attribute("aria-valuetext", "at −0.40, 0.69; length 0.80")
    hold = """async (node) => {
        for (let k = 0; k < 60; k++) {
            node.dispatchEvent(new KeyboardEvent('keydown', {key: 'ArrowRight', shiftKey: true, bubbles: true}));
            await new Promise((done) => setTimeout(done, 30));
        }
    }"""
    column.evaluate(hold)
    it.page.wait_for_timeout(500)  # for what the kernel has still to say
    expect(column).to_have_attribute("aria-valuetext", "at 0.20, 0.69; length 0.72")
    it.wait_for("Your columns read")
    assert [round(value, 2) for value in told(it, "widget.W[:, 4].tolist()")] == [0.20, 0.69]


def test_probing_neurons(opened):
    it = opened("NeuronProber")
    it.wait_for("Neuron 11 fires for")
    before = it.pixels()
    it.slider("neuron").press("ArrowRight")
    it.wait_for("Neuron 12 fires for one digit")
    it.wait_for_other_pixels(before)
    it.press("Two digits")
    it.wait_for("Neuron 8 fires for 2 digits")
    before = it.pixels()
    it.page.get_by_role("combobox", name="pictures").select_option(label="one of each digit")
    it.wait_for_other_pixels(before)


def test_wiring_a_cat(opened):
    it = opened("CatCircuit")
    it.wait_for("That is the union")
    bias = it.slider("bias b")
    for _ in range(8):
        bias.press("ArrowLeft")
    it.wait_for("That is the intersection")
    it.press("Three times the whiskers")
    it.wait_for("It is fooled")
