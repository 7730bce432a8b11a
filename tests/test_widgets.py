"""Widgets, moved as a reader moves them: `move` and `press` are what the browser sends."""

import base64
import contextlib
import gc
import io
import itertools
import threading
import time

import nbconvert
import nbformat
import psutil
import pytest
import torch
from matplotlib.figure import Figure
from nbformat.v4 import new_code_cell, new_notebook, new_output
from PIL import Image

from tms_edu import SparseFeatures, gram, read_gram, theory
from tms_edu.widgets import (
    AlmostOrthogonal,
    BeatTheOptimiser,
    CatCircuit,
    GramGym,
    NeuronProber,
    OneInput,
    RandomToOrthonormal,
    RotateTheBasis,
    SuperpositionLab,
    TrainingFilm,
    TwoCodes,
)
from tms_edu.widgets.base import LivePicture, leave_thread_to_browser
from tms_edu.widgets.controls import Choice, Slider, Switch
from tms_edu.widgets.easel import captioned

# Short trainings of small models: these tests are about the widgets, not about what is learnt.
WIDGETS = {
    "SuperpositionLab": lambda: SuperpositionLab(n_features=3, steps=20),
    "RandomToOrthonormal": RandomToOrthonormal,
    "RotateTheBasis": RotateTheBasis,
    "AlmostOrthogonal": lambda: AlmostOrthogonal(d=4, steps=100),
    "TwoCodes": lambda: TwoCodes(steps=20),
    "OneInput": OneInput,
    "TrainingFilm": TrainingFilm,
    "GramGym": GramGym,
    "BeatTheOptimiser": lambda: BeatTheOptimiser(steps=20),
    "NeuronProber": NeuronProber,
    "CatCircuit": CatCircuit,
}


@pytest.fixture(params=WIDGETS.values(), ids=WIDGETS.keys())
def widget(request):
    widget = request.param()
    yield widget
    widget.close()
    assert not workers()


@pytest.fixture
def lab():
    lab = SuperpositionLab()
    yield lab
    lab.close()


def move(widget, **values):
    widget._panel.values = widget.values | values


def press(widget, action):
    widget._pressed(action)


def rest(widget, seconds=60):
    until = time.monotonic() + seconds
    while widget._stage.busy:
        assert time.monotonic() < until, "the widget does not come to rest"
        time.sleep(0.005)


def workers():
    return [thread for thread in threading.enumerate() if "at work" in thread.name]


def ends(control):
    return (
        control.options
        if isinstance(control, (Choice, Switch))
        else (control.options[0], control.options[-1])
    )


def run_code(widget):
    names, printed = {}, io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(widget.code(**widget.values), names)
    return names, printed.getvalue().strip()


# Every widget


def test_every_pair_of_ends_draws_and_says_something(widget):
    start = widget.values
    for first, second in itertools.combinations(widget.controls, 2):
        for a, b in itertools.product(ends(widget.controls[first]), ends(widget.controls[second])):
            widget.set(**start | {first: a, second: b})
            assert widget.sentence.endswith(".") and not widget.error
            assert widget._stage.picture.startswith(b"\x89PNG")


def test_every_option_is_taken_from_the_browser(widget):
    for name, control in widget.controls.items():
        for option in control.options:
            move(widget, **{name: option})
            rest(widget)
            assert widget.values[name] == option and not widget.error
        press(widget, "reset")
        rest(widget)


def test_presets_and_reset_move_the_controls(widget):
    start = widget.values
    for label, values in widget.presets.items():
        press(widget, f"try:{label}")
        rest(widget)
        assert widget._panel.values == widget.values == start | values
    press(widget, "reset")
    rest(widget)
    assert widget._panel.values == widget.values == start


def test_the_code_runs_at_every_end(widget):
    for name, control in widget.controls.items():
        for end in ends(control):
            widget.set(**{name: end})
            run_code(widget)
        press(widget, "reset")
        rest(widget)


def test_the_picture_follows_the_controls(widget):
    start, before = widget.values, widget._stage.picture
    for name, control in widget.controls.items():
        widget.set(**start | {name: next(option for option in control.options if option != start[name])})
        assert widget._stage.picture != before, f"{name} changes nothing"


def test_a_stored_output_is_the_picture_with_its_sentence(widget):
    data, metadata = widget._repr_mimebundle_()
    assert metadata == {"image/png": {"alt": widget.sentence}}
    assert data["text/plain"] == repr(widget) == widget.sentence
    assert data.pop("application/vnd.jupyter.widget-view+json")["model_id"]
    stored = base64.b64decode(data["image/png"])
    width, height = Image.open(io.BytesIO(stored)).size
    assert width == 150 * widget.size[0] and height > 150 * widget.size[1] and len(stored) < 120_000

    output = new_output("execute_result", data, metadata=metadata, execution_count=1)
    notebook = new_notebook(cells=[new_code_cell("widget", outputs=[output], execution_count=1)])
    exporter = nbconvert.HTMLExporter(template_name="classic")  # the other templates do not write alt texts
    page, _ = exporter.from_notebook_node(nbformat.from_dict(notebook))
    assert f'alt="{widget.sentence}"' in page.replace("&#39;", "'")


@pytest.mark.parametrize("sentence", ["A short one.", "0 % of 0.000, " * 30, "W" * 400])
def test_no_line_of_a_caption_is_cut_off(sentence):
    width = 740
    picture = Image.new("RGB", (round(width * 1.5), 10), "white")
    words = captioned(picture, sentence).convert("L").point(lambda shade: 255 * (shade < 250))
    left, top, right, bottom = words.getbbox()
    assert 10 <= left < right <= words.width - 10 and 10 < top < bottom <= words.height


def test_first_display_is_finished_and_the_same_each_time(widget, request):
    again = request.node.callspec.params["widget"]()
    assert widget.done and not widget.busy
    assert again.sentence == widget.sentence and again._stage.picture == widget._stage.picture
    again.close()


def test_moves_leave_nothing_behind(widget):
    """Eighty here; the benchmark makes a thousand."""
    name, control = max(widget.controls.items(), key=lambda item: len(item[1].options))

    def size_after(moves):
        for option in itertools.islice(itertools.cycle(control.options), moves):
            move(widget, **{name: option})
        rest(widget)
        gc.collect()
        return len(gc.get_objects()), psutil.Process().memory_info().rss

    objects, memory = size_after(50)
    more_objects, more_memory = size_after(80)
    assert more_objects - objects < 60 and more_memory - memory < 20e6


@pytest.mark.parametrize("wrong", [{"no_such_control": 1}, {"seed": -1}, {"n_features": 2.5}])
def test_set_names_what_is_wrong(lab, wrong):
    with pytest.raises(ValueError, match="no_such_control.*there are|expected a value from"):
        lab.set(**wrong)
    assert lab.done and not lab.error


# The base, on a widget that does as it is told


class Counter(LivePicture):
    title, live, display_only, presets = "Counter", True, ("marked",), {"nine": {"k": 9}}

    def __init__(self, pace=0.01, frames=50):
        self.pace, self.length, self.taken = pace, frames, 0
        super().__init__(k=Slider("k", range(10), 3), marked=Switch("marked"))

    def build(self, figure, **_):
        (self._line,) = figure.add_axes((0, 0, 1, 1)).plot([], [])
        return [self._line]

    def frames(self, k, **_):
        for i in range(self.length):
            time.sleep(self.pace)
            self.taken += 1
            yield k, i

    def finish(self, frame, **_):
        return *frame, "finished"

    def show(self, frame, k, marked):
        if k == 7:
            raise ZeroDivisionError("seven")
        self._line.set_data([0, frame[1] / self.length], [0, 1])
        return f"{frame}{' marked' if marked else ''}."

    def code(self, **_):
        return ""


@pytest.fixture
def counter():
    counter = Counter()
    yield counter
    counter.close()


def test_moving_shows_a_first_picture_at_once_and_the_rest_from_a_thread(counter):
    move(counter, k=4)
    assert counter.busy and counter.sentence.startswith("(4, ")
    rest(counter)
    assert counter.sentence == "(4, 49, 'finished')."


def test_the_latest_value_wins(counter):
    counter.taken = 0
    for k in [1, 2, 4, 5, 6, 8, 9] * 7 + [8]:
        move(counter, k=k)
    rest(counter)
    assert counter.sentence == "(8, 49, 'finished')."
    assert counter.taken < 50 * counter.length / 2  # most of what was overtaken was dropped
    assert len(workers()) <= 1


def test_stop_acts_before_the_end_and_step_and_play_go_on(counter):
    move(counter, k=4)
    press(counter, "stop")
    stopped = counter.sentence
    time.sleep(0.1)
    assert counter.sentence == stopped and not counter.busy and not counter.done
    step = int(stopped.split(",")[1].strip(" )."))
    press(counter, "step")
    assert counter.sentence == f"(4, {step + 1})."
    press(counter, "play")
    rest(counter)
    assert counter.sentence == "(4, 49, 'finished')."


def test_rewind_goes_back_to_the_first_frame_and_play_starts_again_from_the_end(counter):
    press(counter, "rewind")
    assert counter.sentence == "(3, 0)." and not counter.busy
    counter.set(k=3)
    press(counter, "play")
    assert counter.busy and counter.sentence == "(3, 0)."
    counter.set(k=3)
    press(counter, "step")
    assert counter.sentence == "(3, 1)."


def test_a_display_only_control_does_not_start_anew(counter):
    move(counter, k=4)
    press(counter, "stop")
    stopped = counter.sentence
    move(counter, marked=True)
    assert counter.sentence == stopped.replace(".", " marked.")


def test_reset_trains_again_though_no_control_moves(counter):
    press(counter, "rewind")
    press(counter, "reset")
    rest(counter)
    assert counter.sentence == "(3, 49, 'finished')."


def test_a_preset_moves_the_controls_before_it_computes(counter):
    """Else who moves a control meanwhile sends the old values of all others along."""
    shown = []
    counter.frames = lambda k, **_: (shown.append(counter._panel.values["k"]), iter([(k, 49)]))[1]
    press(counter, "try:nine")
    rest(counter)
    press(counter, "reset")
    rest(counter)
    assert shown == [9, 3]


def test_errors_are_told_in_the_widget_and_raised_under_test(counter, monkeypatch):
    with pytest.raises(ZeroDivisionError):
        move(counter, k=7)
    assert "ZeroDivisionError" in counter.error and "seven" in counter.error and not counter.busy
    monkeypatch.delenv("PYTEST_CURRENT_TEST")
    move(counter, k=1)
    assert counter.error == ""
    move(counter, k=7)
    assert "seven" in counter.error
    press(counter, "try:nine")
    rest(counter)
    assert counter.error == "" and counter.sentence.startswith("(9, 49")


def test_an_error_in_the_thread_is_told(counter, monkeypatch):
    monkeypatch.delenv("PYTEST_CURRENT_TEST")
    monkeypatch.setattr(counter, "finish", lambda frame, **_: frame[99])
    move(counter, k=4)
    rest(counter)
    assert "IndexError" in counter.error and not counter.busy


def test_close_ends_the_thread(counter):
    move(counter, k=4)
    thread = counter._thread
    counter.close()
    assert not thread.is_alive()
    press(counter, "play")  # a last click that was on its way
    assert not workers()


class Comm:
    def __init__(self, remembered=None):
        if remembered:
            self._reply_subshell_id = remembered


class ReadOnlyComm:
    _reply_subshell_id = property(lambda self: "main")


@pytest.mark.parametrize("comm", [None, Comm(), Comm("main"), ReadOnlyComm()])
def test_the_thread_is_left_to_the_browser_where_the_kernel_lets_us(comm):
    leave_thread_to_browser(comm)
    assert "_reply_subshell_id" not in getattr(comm, "__dict__", {})


def test_callbacks_on_any_thread_beside_a_drawing_cell(counter):
    counter.pace = 0.001
    failed = []

    def reader(seed):
        try:
            for k in (1, 4, 2, 5, 9, 8) * 3:
                counter._moved({"k": k, "marked": bool(seed % 2)})
                press(counter, ("play", "stop", "step", "rewind")[(k + seed) % 4])
        except Exception as error:
            failed.append(error)

    readers = [threading.Thread(target=reader, args=(seed,)) for seed in range(3)]
    for thread in readers:
        thread.start()
    while any(thread.is_alive() for thread in readers):
        Figure().add_subplot().set_title("a cell")
        counter.set(marked=True)
    for thread in readers:
        thread.join()
    rest(counter)
    assert not failed and not counter.error


# Superposition lab: the sentence against the reading of a model trained outside


@pytest.mark.parametrize(
    ("values", "status", "shape"),
    [
        ({}, ["superposed"] * 5, "pentagon"),
        ({"feature_probability": 1.0, "importance_decay": 0.5}, None, None),
        ({"feature_probability": 0.25, "importance_decay": 0.9}, None, "two digons and one dropped"),
        ({"n_features": 2}, ["recovered"] * 2, "two recovered"),
        ({"n_features": 3, "d_hidden": 1, "feature_probability": 0.3}, None, "one digon and one dropped"),
    ],
)
def test_the_sentence_is_true(lab, values, status, shape):
    lab.set(**values)
    names, printed = run_code(lab)
    model, v = names["model"], lab.values
    assert torch.equal(model.W.detach(), lab._run.frame.W)
    reading = read_gram(gram(model.W), model.b_final)
    assert lab.sentence.startswith(str(reading)) and printed == str(reading)
    assert status in (None, reading.status) and shape in (None, reading.shape)

    features = SparseFeatures(v["n_features"], v["feature_probability"])
    importance = v["importance_decay"] ** torch.arange(v["n_features"])
    loss = theory.expected_loss(model.W.detach(), model.b_final.detach(), features, importance).item()
    assert ("below 0.0001" if loss < 1e-4 else f"The exact loss is {loss:.3g}") in lab.sentence
    best = theory.optimum(features, v["d_hidden"], importance)[2].item()
    if best < 1e-6:
        assert lab.sentence.endswith("the best known loses nothing.") and loss < 1e-3
    else:
        assert lab.sentence.endswith(f"{100 * max(0, loss / best - 1):.1f} % above the best known.")


@pytest.mark.parametrize("seed", range(4))
def test_the_presets_show_three_shapes(seed):
    lab = SuperpositionLab(seed=seed)
    shapes = ["two recovered and three dropped", "two digons and one dropped", "pentagon"]
    for values, shape in zip(lab.presets.values(), shapes, strict=True):
        lab.set(**values)
        assert lab.reading.shape == shape
    lab.close()


def test_untrained_and_half_trained_models_are_called_so(lab):
    press(lab, "rewind")
    assert lab.sentence == "Not trained yet: W is random and b is zero."
    press(lab, "step")
    assert lab.sentence.startswith("In training: ")


def test_nothing_learnt_is_said(lab, monkeypatch):
    frame = lab._run.frame
    monkeypatch.setattr(lab._run, "frame", type(frame)(frame.run, frame.step, 0 * frame.W, frame.b))
    lab._draw()
    assert lab.sentence.startswith("Nothing is learnt. Features 0, 1, 2, 3 and 4 are dropped")


def test_the_lab_offers_a_value_that_is_asked_for():
    lab = SuperpositionLab(feature_probability=0.123, steps=10)
    assert lab.values["feature_probability"] == 0.123
    with pytest.raises(ValueError, match="sparsity S: got 1.2, expected a value from 1.0 to 0.01"):
        SuperpositionLab(feature_probability=1.2)
    lab.close()
