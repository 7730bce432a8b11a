"""The base of every widget: controls, one picture, one sentence, kept true while the reader plays."""

import base64
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import partial
from importlib.resources import files
from queue import SimpleQueue
from types import SimpleNamespace
from typing import Any

import ipywidgets
import traitlets
from anywidget import AnyWidget
from matplotlib.figure import Figure

from tms_edu.widgets.controls import Slider, documented, quoted, signature
from tms_edu.widgets.easel import CSS_PIXELS, SCALE, Easel, captioned, png

FIRST_PICTURE, NEXT_PICTURE = 0.03, 0.045  # seconds of computing before a picture is due
FOREVER = float("inf")

_open_in_cell: dict[str, tuple[str, list]] = {}


class _Controls(AnyWidget):
    _esm = files(__package__).joinpath("controls.js").read_text("utf-8")
    _css = files(__package__).joinpath("style.css").read_text("utf-8")
    title = traitlets.Unicode().tag(sync=True)
    spec = traitlets.List().tag(sync=True)
    buttons = traitlets.List().tag(sync=True)
    values = traitlets.Dict().tag(sync=True, echo_update=False)


class _Stage(AnyWidget):
    _esm = files(__package__).joinpath("stage.js").read_text("utf-8")
    title = traitlets.Unicode().tag(sync=True)
    size = traitlets.List().tag(sync=True)
    picture = traitlets.Bytes().tag(sync=True)
    sentence = traitlets.Unicode().tag(sync=True)
    code = traitlets.Unicode().tag(sync=True)
    error = traitlets.Unicode().tag(sync=True)
    busy = traitlets.Bool().tag(sync=True)


class _Run:
    """Frames under way, taken until they end or are halted."""

    def __init__(self, frames: Iterator, v: SimpleNamespace):
        self._frames = frames
        self._taking = threading.Lock()
        self.v = v
        self.frame: Any = None
        self.done = False
        self.halt = threading.Event()

    def take(self, seconds: float):
        """Take frames until the time is up, at least one."""
        with self._taking:
            due = time.monotonic() + seconds
            for frame in self._frames:
                self.frame = frame
                if time.monotonic() >= due or self.halt.is_set():
                    return
            self.done = True


class LivePicture:
    """Keep one picture and one sentence true to a set of controls.

    A widget is a subclass that declares its controls as class attributes and its axes in `places`, and fills in `draw`,
    `compute`, `say` and `recipe`; signature and `Args:` follow from the controls. Every hook gets `v`, which holds the
    values of the controls and settings by name. A frame is whatever `say` needs, and does not change once it is made.

    Who trains fills in `frames` in place of `compute`, yields a frame every few steps and sets `live`, which gives the
    reader Play, Stop, Step and Rewind. Who keeps a state of its own, a game, changes it in `receive` and `put_back`, and
    may set a `board` to play on before the base's `__init__`. Controls that depend on what is given are made in an
    `__init__` of the widget's own, and passed on by name.

    Moving a control starts the frames again: the first picture comes at once, the others from a thread.
    Whatever is under way is dropped, so the latest value wins. `set` does the same from code, and returns at
    the end.

    Attributes:
        title: what the widget is, for those who do not see it.
        size: of the picture, in inches of 100 page pixels.
        places: left, bottom, width and height of each axes, as shares of the picture; a list makes a list of axes.
        recipe: the code that reproduces the picture's numbers outside the widget, with the values in braces.
        live: whether the frames are worth watching.
        live_name: what they show, at the head of the row with Play and Stop.
        rebuild_on: controls that change what `draw` draws.
        display_only: controls that change the picture but not the frames.
        presets: values to try, by the label of their button.
        actions: further buttons: label and name of the method that it calls.
        board: a part of the page between controls and picture.
        reraise: whether errors of callbacks are also raised, as tests want it.
        controls: the controls by name, in the order in which they are shown.
        settings: the values that are set once.
        values: the values of the controls.
        busy: whether more pictures follow by themselves.
    """

    title = "Live picture"
    size: tuple[float, float] = (7.2, 4.5)
    places: dict[str, Any] = {}
    recipe = ""
    live, live_name = False, "Training"
    rebuild_on: tuple[str, ...] = ()
    display_only: tuple[str, ...] = ()
    presets: dict[str, dict[str, Any]] = {}
    actions: dict[str, str] = {}
    board: AnyWidget | None = None
    reraise = False
    declared: dict[str, Slider] = {}

    def __init_subclass__(cls):
        cls.declared = cls.declared | {n: item for n, item in vars(cls).items() if isinstance(item, Slider)}
        if "__init__" not in vars(cls):
            cls.__signature__ = signature(cls.declared)
            cls.__doc__ = documented(cls.__doc__ or "", cls.declared)

    def __init__(self, *args, **values):
        declared = self.declared | {
            name: given for name, given in values.items() if isinstance(given, Slider)
        }
        for name, given in signature(declared).bind(*args, **values).arguments.items():
            if given is not declared[name]:
                declared[name] = replace(declared[name], value=given)
        self.controls = {name: c for name, c in declared.items() if c.kind != "setting"}
        self.settings = {name: c.value for name, c in declared.items() if c.kind == "setting"}
        self.values = {name: control.value for name, control in self.controls.items()}
        self._start_values = self.values
        self._lock = threading.RLock()
        self._run = _Run(iter(()), self._v())
        self._tasks: SimpleQueue = SimpleQueue()
        self._thread: threading.Thread | None = None
        self._built_for = self._newest = None
        self.busy = self._closed = False
        self._easel = Easel(self.size)
        self._lay_out()
        _close_earlier_runs_of_this_cell(self)
        self.set()

    def _lay_out(self):
        rows = [(name, row) for name, row in self._buttons() if row]
        self._deeds = {action: deed for _, row in rows for _, action, deed in row}
        buttons = [[name, [button[:2] for button in row]] for name, row in rows]
        spec = [control.spec(name) for name, control in self.controls.items()]
        self._panel = _Controls(title=self.title, spec=spec, buttons=buttons, values=self.values)
        self._panel.observe(lambda change: self._moved(change["new"]), names="values")
        self._panel.on_msg(lambda _, content, __: self._pressed(content.get("action")))
        size = [*(round(CSS_PIXELS * side) for side in self.size), SCALE]
        self._stage = _Stage(title=self.title, size=size)
        if not self.live:
            self._stage.add_class("tms-waits")
        self._box = ipywidgets.VBox([part for part in (self._panel, self.board, self._stage) if part])

    # What a widget fills in

    def draw(self, axes: SimpleNamespace, v: SimpleNamespace):
        """Draw what there is to see into the empty axes of `places`, by name.

        Ticks, labels, titles and legends stay until the next `draw`; all else in the axes is drawn anew for each picture.
        """

    def compute(self, v: SimpleNamespace) -> Any:
        """Return what `say` needs; runs beside callbacks, so it reads `v` and changes nothing."""

    def frames(self, v: SimpleNamespace) -> Iterator:
        """Yield what `say` needs, again and again while something grows; the default computes once."""
        yield self.compute(v)

    def finish(self, frame: Any, v: SimpleNamespace) -> Any:
        """Add to the last frame what takes too long to wait for; the default adds nothing."""
        return frame

    def say(self, frame: Any, v: SimpleNamespace) -> str:
        """Bring the artists up to date and return the sentence, without changing anything else."""
        raise NotImplementedError

    def code(self, v: SimpleNamespace) -> str:
        """Write the code that reproduces the picture's numbers outside the widget."""
        return self.recipe.format(**vars(v))

    def receive(self, frame: Any, v: SimpleNamespace):
        """Take in a frame before it is shown for the first time: here a game changes its state."""

    def put_back(self):
        """Give a game the state it began with, before Reset moves the controls back."""

    def tell_board(self, v: SimpleNamespace):
        """Bring the board up to date, after the picture."""

    # What a reader's code may use

    @property
    def sentence(self) -> str:
        """Say what the picture shows."""
        return self._stage.sentence

    @property
    def error(self) -> str:
        """Say what went wrong in the last callback; empty if nothing did."""
        return self._stage.error

    @property
    def frame(self) -> Any:
        """Return what is on show, as `compute` or `frames` made it."""
        return self._run.frame

    @property
    def done(self) -> bool:
        """Say whether the frames have come to their end."""
        return self._run.done

    def set(self, **values):
        """Set controls and wait for the last picture.

        Raises:
            ValueError: for a name that is no control, or a value that the control does not offer.
        """
        values = self._checked(values)
        with self._alone():
            self._show_values(self.values | values)
            self._begin_and_end()

    def _checked(self, values: dict) -> dict:
        for name in values.keys() - self.controls.keys():
            raise ValueError(f"no control is called {quoted(name)}; there are {', '.join(self.controls)}.")
        return {name: self.controls[name].own(value) for name, value in values.items()}

    def close(self):
        """End what is under way and take the widget off the page."""
        with self._alone():
            self._closed = True
            self._tasks.put(None)
            for widget in (self._box, *self._box.children):
                widget.close()
        if self._thread:
            self._thread.join()

    def __repr__(self) -> str:
        return self.sentence

    def _repr_mimebundle_(self, **_) -> tuple[dict, dict]:
        # The view is for a live page; the picture and the sentence are what stays in the file.
        with self._lock:
            still = base64.b64encode(png(captioned(self._picture, self.sentence), 9)).decode()
            bundle = {"image/png": still, "text/plain": self.sentence}
            if not self._closed:
                view = {"version_major": 2, "version_minor": 0, "model_id": self._box.model_id}
                bundle["application/vnd.jupyter.widget-view+json"] = view
            return bundle, {"image/png": {"alt": self.sentence}}

    # Callbacks. They may run on the main thread or any other, at the same time as a cell and as one another.

    def _moved(self, values: dict):
        with self._errors_told():
            values = self.values | self._checked(values)
            changed = {name for name in values if values[name] != self.values[name]}
            if not changed <= set(self.display_only):
                self._restart(values)
            elif changed:  # else it was not the reader who moved them
                with self._lock:
                    self.values = values
                    self._draw(self.busy)

    def _pressed(self, action: Any):
        with self._errors_told(), self._alone():
            if action not in list(self._deeds):
                raise ValueError(f"there is no button {quoted(action)}.")
            self._deeds[action]()

    def _buttons(self) -> list[tuple[str, list[tuple[str, str, Callable]]]]:
        # Label, message and deed of each button, in rows. What is not here cannot be called by the page.
        deeds = {"Play": self._play, "Stop": self._draw, "Step": self._step, "Rewind": self._rewind}
        training = [(name, name.lower(), deed) for name, deed in deeds.items() if self.live]
        actions = [(label, f"call:{name}", getattr(self, name)) for label, name in self.actions.items()]
        presets = [
            (label, f"try:{label}", partial(self._put, preset)) for label, preset in self.presets.items()
        ]
        (presets or actions).append(("Reset", "reset", self._reset))
        return [(self.live_name, training), ("", actions), ("Try", presets)]

    def _put(self, values: dict):
        # The controls first: who moves one next sends the values of the others along.
        self._show_values(self.values | values)
        self._restart(self.values)

    def _reset(self):
        self.put_back()
        self._put(self._start_values)

    def _play(self):
        if self._run.done:
            self._begin(0.0)
        self._continue(0.0, pause=0.03)

    def _step(self):
        if self._run.done:
            self._begin(0.0)
        self._run.take(0.0)
        self._draw()

    def _rewind(self):
        self._begin(0.0)
        self._draw()

    # Work

    def _v(self) -> SimpleNamespace:
        return SimpleNamespace(**self.settings, **self.values)

    def _restart(self, values: dict):
        with self._alone():
            self.values = values
            if self.live:
                self._begin(FIRST_PICTURE)
                self._continue(NEXT_PICTURE, pause=0.001)
            else:
                self._stage.busy = True
                self._begin_and_end()

    def _begin(self, seconds: float):
        v = self._v()
        self._run = _Run(self.frames(v), v)
        self._run.take(seconds)

    def _begin_and_end(self):
        self._begin(FOREVER)
        self._run.frame = self.finish(self._run.frame, self._run.v)
        self._draw()

    def _continue(self, seconds: float, pause: float):
        if self._closed:  # the reader's last click may arrive after the cell was run again
            return
        self._run.halt = threading.Event()
        self._draw(busy=True)
        self._tasks.put((self._run, self._run.halt, seconds, pause))
        if not (self._thread and self._thread.is_alive()):
            self._thread = threading.Thread(target=self._work_off, name=f"{self.title} at work", daemon=True)
            self._thread.start()

    def _work_off(self):
        # One thread for the widget's whole life: a new one for each move would take new memory each time.
        for task in iter(self._tasks.get, None):
            self._work(*task)

    def _work(self, run: _Run, halt: threading.Event, seconds: float, pause: float):
        # Computes without the lock, so that callbacks need not wait, and pauses so that they get it.
        with self._errors_told(halt):
            drawing = 0.0
            while not run.done and not halt.wait(pause):
                # On a slow machine too, drawing gets no more than a third of the time.
                run.take(max(seconds, 2 * drawing) if seconds else 0.0)
                began = time.monotonic()
                self._draw_unless(halt, busy=True)
                drawing = time.monotonic() - began
            if not halt.is_set():
                run.frame = self.finish(run.frame, run.v)
                self._draw_unless(halt, busy=False)

    def _draw_unless(self, halt: threading.Event, busy: bool):
        with self._lock:
            if not halt.is_set():
                self._draw(busy)

    def _draw(self, busy: bool = False):
        v, frame = self._v(), self._run.frame
        needed_for = [self.values[name] for name in self.rebuild_on]
        if needed_for != self._built_for:
            self._easel.rebuild(lambda figure: self._fill(figure, v))
            self._built_for = needed_for
        if frame is not self._newest:
            self._newest = frame
            self.receive(frame, v)
        self.busy = busy
        sentence = self.say(frame, v)
        self._picture = self._easel.picture()
        with self._stage.hold_sync():  # picture and words in one message
            self._stage.picture = png(self._picture, 1)
            self._stage.sentence = sentence
            self._stage.code = self.code(v)
            self._stage.error = ""
            self._stage.busy = busy
        if self.board:
            self.tell_board(v)
            leave_thread_to_browser(self.board.comm)

    def _fill(self, figure: Figure, v: SimpleNamespace):
        axes = {
            name: [figure.add_axes(one) for one in place]
            if isinstance(place, list)
            else figure.add_axes(place)
            for name, place in self.places.items()
        }
        self.draw(SimpleNamespace(**axes), v)
        for ax in figure.axes:
            if not ax.images:
                ax.spines[["top", "right"]].set_visible(False)

    def _show_values(self, values: dict):
        self.values = self._panel.values = values
        leave_thread_to_browser(self._panel.comm)

    @contextmanager
    def _alone(self):
        # Halting first makes the thread let go; halting again catches what was started in between.
        self._run.halt.set()
        with self._lock:
            self._run.halt.set()
            yield

    @contextmanager
    def _errors_told(self, halt: threading.Event | None = None):
        # The one place where errors of callbacks end: a notebook shows nothing of them.
        try:
            yield
        except Exception as error:
            if halt and halt.is_set():
                return
            with self._alone(), self._stage.hold_sync():
                told = f"This does not work ({type(error).__name__}): {error} Move a control, or press Reset."
                self._stage.error = told
                self.busy = self._stage.busy = False
            if self.reraise:
                raise


def leave_thread_to_browser(comm: Any):
    """Call after a cell may have sent on the comm of a widget that listens, so that it is heard while a cell runs."""
    # ipykernel 7 answers a comm on the thread that last spoke on it, a cell's for instance, and has no public way to
    # say otherwise. Where it does not remember this, or not here, the browser's choice holds anyway.
    with suppress(AttributeError):
        del comm._reply_subshell_id


def _close_earlier_runs_of_this_cell(widget: LivePicture):
    # ipywidgets keeps every widget alive until it is closed, also when its cell has been run again.
    from IPython import get_ipython

    shell = get_ipython()
    message = shell.get_parent() if hasattr(shell, "get_parent") else {}
    cell = message.get("metadata", {}).get("cellId") or message.get("content", {}).get("code")
    if not cell:
        return
    run = message["header"]["msg_id"]
    earlier_run, widgets = _open_in_cell.get(cell, (run, []))
    for earlier in widgets if earlier_run != run else ():
        earlier.close()
    _open_in_cell[cell] = (run, [*(widgets if earlier_run == run else ()), widget])
