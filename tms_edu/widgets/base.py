"""The base of every widget: controls, one picture, one sentence, kept true while the reader plays."""

import base64
import os
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from importlib.resources import files
from queue import SimpleQueue
from typing import Any

import ipywidgets
import traitlets
from anywidget import AnyWidget
from matplotlib.artist import Artist
from matplotlib.figure import Figure
from PIL import Image

from tms_edu.widgets.controls import Slider
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

    def __init__(self, frames: Iterator, values: dict):
        self._frames = frames
        self._taking = threading.Lock()
        self.values = values
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

    A widget is a subclass that fills in `build`, `frames`, `show` and `code`, each called with the values of
    the controls as keywords. A frame is whatever `show` needs, and does not change once it is yielded. Who
    computes yields one frame; who trains yields one every few steps and sets `live`, which gives the reader
    Play, Stop, Step and Rewind.

    Moving a control starts the frames again: the first picture comes at once, the others from a thread.
    Whatever is under way is dropped, so the latest value wins. `set` does the same from code, and returns at
    the end.

    Args:
        controls: the controls by name, in the order in which they are shown.

    Attributes:
        title: what the widget is, for those who do not see it.
        size: of the picture, in inches of 100 page pixels.
        live: whether the frames are worth watching.
        live_name: what they show, at the head of the row with Play and Stop.
        rebuild_on: controls that change what `build` draws.
        display_only: controls that change the picture but not the frames.
        presets: values to try, by the label of their button.
        actions: further buttons: label and name of the method that it calls.
        busy: whether more pictures follow by themselves.
    """

    title = "Live picture"
    size: tuple[float, float] = (7.2, 4.5)
    live, live_name = False, "Training"
    rebuild_on: tuple[str, ...] = ()
    display_only: tuple[str, ...] = ()
    presets: dict[str, dict[str, Any]] = {}
    actions: dict[str, str] = {}

    def __init__(self, **controls: Slider):
        self.controls = controls
        self.values = {name: control.value for name, control in controls.items()}
        self._start_values = dict(self.values)
        self._lock = threading.RLock()
        self._run = _Run(iter(()), self.values)
        self._tasks: SimpleQueue = SimpleQueue()
        self._thread: threading.Thread | None = None
        self._built_for = None
        self.busy = self._closed = False
        self._easel = Easel(self.size)
        self._picture: Image.Image | None = None
        width, height = (round(CSS_PIXELS * side) for side in self.size)
        self._stage = _Stage(title=self.title, size=[width, height, SCALE])
        spec = [control.spec(name) for name, control in controls.items()]
        self._panel = _Controls(title=self.title, spec=spec, buttons=self._buttons(), values=self.values)
        self._box = ipywidgets.VBox([self._panel, self._stage])
        self._panel.observe(lambda change: self._moved(change["new"]), names="values")
        self._panel.on_msg(lambda _, content, __: self._pressed(content["action"]))
        _close_earlier_runs_of_this_cell(self)
        self.set(**self.values)

    # What a widget fills in

    def build(self, figure: Figure, **values) -> Iterable[Artist]:
        """Fill an empty figure; return the artists that `show` will change."""
        raise NotImplementedError

    def frames(self, **values) -> Iterator:
        """Yield what `show` needs: once, or again and again while something grows."""
        raise NotImplementedError

    def finish(self, frame: Any, **values) -> Any:
        """Add to the last frame what takes too long to wait for; the default adds nothing."""
        return frame

    def show(self, frame: Any, **values) -> str:
        """Bring the artists up to date and return the sentence; `self.done` tells if it is the last frame."""
        raise NotImplementedError

    def code(self, **values) -> str:
        """Write the code that reproduces the picture's numbers outside the widget."""
        raise NotImplementedError

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
    def done(self) -> bool:
        """Say whether the frames have come to their end."""
        return self._run.done

    def set(self, **values):
        """Set controls and wait for the last picture.

        Raises:
            ValueError: for a name that is no control, or a value that the control does not offer.
        """
        for name in values.keys() - self.controls.keys():
            raise ValueError(f"no control is called {name!r}; there are {', '.join(self.controls)}.")
        values = {name: self.controls[name].own(value) for name, value in values.items()}
        with self._alone():
            self.values = self.values | values
            self._show_values()
            self._begin_and_end()

    def close(self):
        """End what is under way and take the widget off the page."""
        with self._alone():
            self._closed = True
            self._tasks.put(None)
            for widget in (self._box, self._panel, self._stage):
                widget.close()
        if self._thread:
            self._thread.join()

    def redraw_background(self):
        """Call from `show` after changing what does not move: limits, ticks, labels."""
        self._easel.forget()

    def __repr__(self) -> str:
        return self.sentence

    def _repr_mimebundle_(self, **_) -> tuple[dict, dict]:
        # The view is for a live page; the picture and the sentence are what stays in the file.
        with self._lock:
            still = base64.b64encode(png(captioned(self._picture, self.sentence), 9)).decode()
            bundle = {"image/png": still, "text/plain": self.sentence}
            if self._box.model_id:
                view = {"version_major": 2, "version_minor": 0, "model_id": self._box.model_id}
                bundle["application/vnd.jupyter.widget-view+json"] = view
            return bundle, {"image/png": {"alt": self.sentence}}

    # Callbacks. They may run on the main thread or any other, at the same time as a cell and as one another.

    def _moved(self, values: dict):
        with self._errors_told():
            values = {name: control.own(values[name]) for name, control in self.controls.items()}
            changed = {name for name in values if values[name] != self.values[name]}
            if not changed <= set(self.display_only):
                self._restart(values)
            elif changed:  # else it was not the reader who moved them
                with self._lock:
                    self.values = values
                    self._draw(self.busy)

    def _pressed(self, action: str):
        with self._errors_told():
            kind, _, name = action.partition(":")
            if kind == "call":
                getattr(self, name)()
            elif kind in ("try", "reset"):
                with self._alone():
                    # The controls first: who moves one next sends the values of the others along.
                    self.values = self.values | self.presets[name] if name else dict(self._start_values)
                    self._show_values()
                    self._restart(self.values)
            else:
                with self._alone():
                    {"play": self._play, "stop": self._stop, "step": self._step, "rewind": self._rewind}[
                        kind
                    ]()

    def _stop(self):
        self._draw()

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

    def _restart(self, values: dict):
        with self._alone():
            self.values = values
            if self.live:
                self._begin(FIRST_PICTURE)
                self._continue(NEXT_PICTURE, pause=0.001)
            else:
                self._begin_and_end()

    def _begin(self, seconds: float):
        self._run = _Run(self.frames(**self.values), self.values)
        self._run.take(seconds)

    def _begin_and_end(self):
        self._begin(FOREVER)
        self._run.frame = self.finish(self._run.frame, **self.values)
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
                run.frame = self.finish(run.frame, **run.values)
                self._draw_unless(halt, busy=False)

    def _draw_unless(self, halt: threading.Event, busy: bool):
        with self._lock:
            if not halt.is_set():
                self._draw(busy)

    def _draw(self, busy: bool = False):
        needed_for = [self.values[name] for name in self.rebuild_on]
        if needed_for != self._built_for:
            self._easel.rebuild(lambda figure: self.build(figure, **self.values))
            self._built_for = needed_for
        self.busy = busy
        sentence = self.show(self._run.frame, **self.values)
        self._picture = self._easel.picture()
        with self._stage.hold_sync():  # picture and words in one message
            self._stage.picture = png(self._picture, 1)
            self._stage.sentence = sentence
            self._stage.code = self.code(**self.values)
            self._stage.error = ""
            self._stage.busy = busy

    def _show_values(self):
        self._panel.values = self.values
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
            if "PYTEST_CURRENT_TEST" in os.environ:
                raise

    def _buttons(self) -> list:
        training = [[name, name.lower()] for name in ("Play", "Stop", "Step", "Rewind") if self.live]
        actions = [[label, f"call:{method}"] for label, method in self.actions.items()]
        presets = [[label, f"try:{label}"] for label in self.presets]
        (presets or actions).append(["Reset", "reset"])
        rows = [[self.live_name, training], ["", actions], ["Try", presets]]
        return [row for row in rows if row[1]]


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
    if earlier_run != run:
        for earlier in widgets:
            earlier.close()
        widgets = []
    _open_in_cell[cell] = (run, [*widgets, widget])
