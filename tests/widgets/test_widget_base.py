"""The base of every widget, on one that does as it is told."""

import inspect
import io
import sys
import threading
import time

import numpy as np
import pytest
import torch
from matplotlib.figure import Figure
from PIL import Image

from hand import move, press, rest, workers
from tms_edu import widgets
from tms_edu.widgets.base import LivePicture, leave_thread_to_browser
from tms_edu.widgets.controls import Dropdown, Setting, Slider, Switch
from tms_edu.widgets.easel import Easel, captioned


class Counter(LivePicture):
    """Count while you watch."""

    k = Slider("k", range(10), 3, about="what is counted")
    marked = Switch("marked")
    frames_in_all = Setting("frames", range(1, 1000), 50)
    title, live, display_only, presets = "Counter", True, ("marked",), {"nine": {"k": 9}}
    places, actions = {"line": (0, 0, 1, 1)}, {"Hop": "hop"}
    pace, taken, hops = 0.01, 0, 0

    def hop(self):
        self.hops += 1

    def draw(self, axes, v):
        (self._line,) = axes.line.plot([], [])

    def frames(self, v):
        for i in range(v.frames_in_all):
            time.sleep(self.pace)
            self.taken += 1
            yield v.k, i

    def finish(self, frame, v):
        return *frame, "finished"

    def say(self, frame, v):
        if v.k == 7:
            raise ZeroDivisionError("seven")
        self._line.set_data([0, frame[1] / v.frames_in_all], [0, 1])
        return f"{frame}{' marked' if v.marked else ''}."


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
    assert (
        counter.taken < 50 * counter.settings["frames_in_all"] / 2
    )  # most of what was overtaken was dropped
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
    counter.frames = lambda v: (shown.append(counter._panel.values["k"]), iter([(v.k, 49)]))[1]
    press(counter, "try:nine")
    rest(counter)
    press(counter, "reset")
    rest(counter)
    assert shown == [9, 3]


def test_errors_are_told_in_the_widget_and_raised_under_test(counter, monkeypatch):
    with pytest.raises(ZeroDivisionError):
        move(counter, k=7)
    assert "ZeroDivisionError" in counter.error and "seven" in counter.error and not counter.busy
    monkeypatch.setattr(counter, "reraise", False)
    move(counter, k=1)
    assert counter.error == ""
    move(counter, k=7)
    assert "seven" in counter.error
    press(counter, "try:nine")
    rest(counter)
    assert counter.error == "" and counter.sentence.startswith("(9, 49")


def test_an_error_in_the_thread_is_told(counter, monkeypatch):
    monkeypatch.setattr(counter, "reraise", False)
    monkeypatch.setattr(counter, "finish", lambda frame, v: frame[99])
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


def test_a_cell_may_draw_while_widgets_draw():
    """Matplotlib's parser of formulas is shared: two drawings at once end in errors, or in a picture without its axes."""

    def formulas(figure):
        ax = figure.add_axes((0.1, 0.1, 0.8, 0.8), yscale="log")
        for k in range(10):
            ax.text(k / 10, 0.5, f"$10^{{{k}}}$", transform=ax.transAxes)

    def of_a_cell():
        figure = Figure(figsize=(3, 2))
        figure.add_subplot(yscale="log", ylim=(1e-3, 1e3)).set_title("$x^2$")
        figure.savefig(stored := io.BytesIO(), format="png", bbox_inches="tight")
        return stored.getvalue()

    def of_a_widget():
        while not over.is_set():
            try:
                easel.rebuild(formulas)
                pictures.add(easel.picture().tobytes())
            except Exception as error:
                pictures.add(repr(error))

    easel, pictures, over = Easel((3.0, 2.0)), set(), threading.Event()
    thread, alone = threading.Thread(target=of_a_widget), of_a_cell()
    every = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    thread.start()
    try:
        beside = [of_a_cell() for _ in range(8)]
    finally:
        over.set()
        thread.join()
        sys.setswitchinterval(every)
    assert beside == [alone] * 8 and len(pictures) == 1


def test_a_widget_says_that_it_is_busy_while_it_computes():
    class Slow(LivePicture):
        k, places, seen = Slider("k", range(3), 0), {"line": (0, 0, 1, 1)}, ()

        def compute(self, v):
            self.seen = (*self.seen, self._stage.busy)

        def say(self, frame, v):
            if v.k == 2:
                raise ZeroDivisionError
            return f"k = {v.k}."

    slow = Slow()
    move(slow, k=1)
    assert slow.seen == (False, True) and slow.sentence == "k = 1." and not slow._stage.busy
    with pytest.raises(ZeroDivisionError):
        move(slow, k=2)
    assert not slow._stage.busy
    slow.close()


@pytest.mark.parametrize("sentence", ["A short one.", "0 % of 0.000, " * 30, "W" * 400])
def test_no_line_of_a_caption_is_cut_off(sentence):
    width = 740
    picture = Image.new("RGB", (round(width * 1.5), 10), "white")
    words = captioned(picture, sentence).convert("L").point(lambda shade: 255 * (shade < 250))
    left, top, right, bottom = words.getbbox()
    assert 10 <= left < right <= words.width - 10 and 10 < top < bottom <= words.height


# What is declared


def test_signature_and_docstring_follow_from_the_controls():
    assert str(inspect.signature(Counter)) == "(k=3, marked=False, frames_in_all=50)"
    assert inspect.getdoc(Counter) == (
        "Count while you watch.\n\nArgs:\n    k: what is counted, a value from 0 to 9.\n    marked: marked, one of [False, True].\n"
        "    frames_in_all: frames, a value from 1 to 999.\n\nRaises:\n    ValueError: for a value that is not offered."
    )


@pytest.mark.parametrize("widget", [getattr(widgets, name) for name in widgets.__all__])
def test_every_argument_is_documented(widget):
    arguments = inspect.getdoc(widget).partition("\nArgs:")[2]
    for name, parameter in inspect.signature(widget).parameters.items():
        assert f"\n    {name}: " in arguments and parameter.default is not parameter.empty


def test_controls_made_for_what_is_given_join_those_that_are_declared(counter):
    class Longer(Counter):
        def __init__(self, most):
            super().__init__(k=Slider("k", range(most), 2), frames_in_all=1)

    longer = Longer(30)
    longer.set(k=29)
    assert list(longer.controls) == ["k", "marked"] and longer.sentence.startswith("(29,")
    with pytest.raises(ValueError, match="from 0 to 9"):
        counter.set(k=29)
    longer.close()


def test_a_setting_is_not_on_the_page(counter):
    assert "frames_in_all" not in counter._panel.values
    with pytest.raises(ValueError, match="no control is called 'frames_in_all'; there are k, marked"):
        counter.set(frames_in_all=3)


WRONG = [
    "abc",
    "x" * 100_000,
    [1],
    {},
    None,
    True,
    2.5,
    -1,
    10**9,
    10**5000,
    float("nan"),
    object(),
    Counter,
    b"3",
]
WRONG += [np.arange(3), torch.arange(3)]


@pytest.mark.parametrize("value", WRONG, ids=lambda value: type(value).__name__)
@pytest.mark.parametrize("name", ["k", "frames_in_all"])
def test_a_wrong_value_is_refused_in_a_short_sentence(name, value):
    with pytest.raises(ValueError, match=r"^(k|frames): got .+, expected a value from \d to \d+\.$") as told:
        Counter(**{name: value})
    assert len(str(told.value)) < 120


@pytest.mark.parametrize("value", [4, 4.0, np.int64(4), np.float32(4)])
def test_a_number_of_any_kind_is_the_option_it_equals(value):
    counter = Counter(k=value, frames_in_all=1)
    assert type(counter.values["k"]) is int and counter.values["k"] == 4
    counter.close()


@pytest.mark.parametrize(
    ("options", "value"), [((1.0, 0.5, 0.1), np.float32(0.3)), (range(0, 9, 3), np.int64(4))]
)
def test_a_number_between_two_options_becomes_one(options, value):
    slider = Slider("s", options, value)
    assert slider.value in slider.options and type(slider.value) in (int, float)
    assert list(slider.options) == sorted(slider.options, reverse=options[0] > options[-1])
    assert len(slider.options) == len(options) + 1


@pytest.mark.parametrize(
    "control", [Slider("b", (None, 0.0, 0.5), None), Dropdown("d", ("a", "b"), "a"), Switch("s")]
)
@pytest.mark.parametrize("value", [0.25, 1.5, "c", 1, ["a"]])
def test_an_offer_is_named(control, value):
    with pytest.raises(ValueError, match="expected (a value from 0.0 to 0.5 or None|one of )"):
        control.own(value)


# What the page may do


@pytest.mark.parametrize(
    "action", ["call:close", "call:_draw", "call:taken", "call:", "try:ten", "", None, ["reset"]]
)
def test_the_page_calls_only_what_is_declared(counter, action):
    with pytest.raises((ValueError, TypeError)):
        press(counter, action)
    assert counter.error and not counter._closed and counter.hops == 0
    press(counter, "call:hop")
    assert counter.hops == 1


def test_a_message_of_strange_values_is_answered_in_a_sentence(counter):
    for values, told in (({"j": 1}, "no control is called 'j'"), ({"k": "x" * 100_000}, "k: got 'xxx")):
        with pytest.raises(ValueError, match=told):
            counter._panel.values = values
        assert told in counter.error and len(counter.error) < 200
    counter._panel.values = {"k": 5}  # the others stay
    rest(counter)
    assert counter.values == {"k": 5, "marked": False} and not counter.error


def test_a_closed_widget_still_has_its_picture(counter):
    before, _ = counter._repr_mimebundle_()
    counter.close()
    after, _ = counter._repr_mimebundle_()
    assert after == {kind: before[kind] for kind in ("image/png", "text/plain")}


def test_saying_it_again_changes_nothing(counter):
    before = counter.sentence, counter._stage.picture, counter.values, counter.frame
    counter.say(counter.frame, counter._v())
    counter._draw()
    assert (counter.sentence, counter._stage.picture, counter.values, counter.frame) == before


def test_a_game_takes_each_frame_in_once_and_is_put_back_before_reset(counter, monkeypatch):
    told = []
    monkeypatch.setattr(counter, "receive", lambda frame, v: told.append((v.k, frame)))
    monkeypatch.setattr(counter, "put_back", lambda: told.append("back"))
    counter.set(k=2)
    counter.set(k=2)
    counter._draw()
    assert len(told) == 2 and {k for k, _ in told} == {2}
    press(counter, "reset")
    rest(counter)
    assert told[2] == "back" and told[-1] == (3, (3, 49, "finished"))
