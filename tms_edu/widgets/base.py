"""The base of every widget: controls, one picture, one sentence, kept true while the reader plays."""

import base64
import io
import os
import textwrap
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from importlib.resources import files
from typing import Any

import ipywidgets
import traitlets
from anywidget import AnyWidget
from matplotlib.artist import Artist
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

from tms_edu.widgets.controls import Slider

CSS_PIXELS, SCALE = 100, 1.5  # per inch on the page; picture pixels per page pixel
FIRST_PICTURE, NEXT_PICTURE = 0.03, 0.045  # seconds of computing before a picture is due
FOREVER = float("inf")

_drawing = threading.Lock()  # matplotlib keeps parsers and fonts that all figures share
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


class Easel:
    """Draw one figure again and again: what stays is drawn once, what moves on top of it each time.

    Args:
        size: width and height in inches of 100 page pixels.
    """

    def __init__(self, size: tuple[float, float]):
        self.figure = Figure(figsize=size, dpi=CSS_PIXELS * SCALE)
        self._canvas = FigureCanvasAgg(self.figure)
        self._moving: list[Artist] = []
        self._background = None

    def rebuild(self, build: Callable[[Figure], Iterable[Artist]]):
        """Clear the figure and let `build` fill it; `build` returns the artists that move."""
        self.figure.clear()
        self._moving = sorted(build(self.figure), key=Artist.get_zorder)
        for artist in self._moving:
            artist.set_animated(True)
        self.forget()

    def forget(self):
        """Draw what stays again before the next picture."""
        self._background = None

    def picture(self) -> Image.Image:
        """Draw what moves over what stays."""
        with _drawing:
            if self._background is None:
                self._canvas.draw()
                self._background = self._canvas.copy_from_bbox(self.figure.bbox)
            self._canvas.restore_region(self._background)
            for artist in self._moving:
                self.figure.draw_artist(artist)
            # A moving image covers half of its frame.
            for axes in {artist.axes for artist in self._moving if artist.axes and artist.axes.axison}:
                for spine in axes.spines.values():
                    axes.draw_artist(spine)
            return _pixels(self._canvas)


class LivePicture:
    """Keep one picture and one sentence true to a set of controls.

    A widget is a subclass that fills in `build`, `frames`, `show` and `code`, each called with the values of the controls
    as keywords. A frame is whatever `show` needs. A widget that computes yields one frame; one that trains yields one
    after every few steps and sets `live`, which gives it Play, Stop, Step and Rewind.

    Moving a control, in the browser, starts the frames again: the first picture comes at once, the others from a thread.
    Whatever is under way is dropped, so the latest value wins. `set` does the same from code, and returns at the end.

    Args:
        controls: the controls by name, in the order in which they are shown.

    Attributes:
        title: what the widget is, for those who do not see it.
        size: of the picture, in inches of 100 page pixels.
        live: whether the frames are worth watching.
        rebuild_on: controls that change what `build` draws.
        display_only: controls that change the picture but not the frames.
        presets: values to try, by the label of their button.
        actions: further buttons: label and name of the method that it calls.
    """

    title = "Live picture"
    size: tuple[float, float] = (7.2, 4.5)
    live = False
    rebuild_on: tuple[str, ...] = ()
    display_only: tuple[str, ...] = ()
    presets: dict[str, dict[str, Any]] = {}
    actions: dict[str, str] = {}

    def __init__(self, **controls: Slider):
        self.controls = controls
        self.values = {name: control.value for name, control in controls.items()}
        self._start_values = dict(self.values)
        self._lock = threading.RLock()
        self._halt = threading.Event()
        self._thread: threading.Thread | None = None
        self._frames: Iterator = iter(())
        self._frame = None
        self._built_for = None
        self._easel = Easel(self.size)
        self._picture: Image.Image | None = None
        self._stage = _Stage(title=self.title, size=[*(round(CSS_PIXELS * side) for side in self.size), SCALE])
        self._panel = _Controls(title=self.title, spec=self._spec(), buttons=self._buttons(), values=dict(self.values))
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

    def show(self, frame: Any, **values) -> str:
        """Bring the artists up to date and return the sentence; `self.resting` tells whether more frames are coming."""
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
    def resting(self) -> bool:
        """Say whether nothing is under way."""
        return self._halt.is_set()

    def set(self, **values):
        """Set controls and wait for the last picture.

        Raises:
            ValueError: for a name that is no control, or a value that the control does not offer.
        """
        for name in values.keys() - self.controls.keys():
            raise ValueError(f"no control is called {name!r}; there are {', '.join(self.controls)}.")
        values = {name: self.controls[name].own(value) for name, value in values.items()}
        with self._lock_after_halt():
            self.values = self.values | values
            self._panel.values = dict(self.values)
            self._start(FOREVER)

    def close(self):
        """End what is under way and take the widget off the page."""
        with self._lock_after_halt():
            thread = self._thread
            self._frames = iter(())
        if thread and thread is not threading.current_thread():
            thread.join()
        for widget in (self._box, self._panel, self._stage):
            widget.close()

    def redraw_background(self):
        """Call from `show` after changing what does not move: limits, ticks, labels."""
        self._easel.forget()

    def __repr__(self) -> str:
        return self.sentence

    def _repr_mimebundle_(self, **_) -> tuple[dict, dict]:
        # The view is for a live page; the picture and the sentence are what stays in the file.
        with self._lock:
            still = base64.b64encode(_png(_captioned(self._picture, self.sentence), 9)).decode()
            bundle = {"image/png": still, "text/plain": self.sentence}
            if self._box.model_id:
                view = {"version_major": 2, "version_minor": 0, "model_id": self._box.model_id}
                bundle["application/vnd.jupyter.widget-view+json"] = view
            return bundle, {"image/png": {"alt": self.sentence}}

    # Callbacks. They may run on the main thread or any other, at the same time as a cell and as one another.

    def _moved(self, values: dict):
        with self._errors_told():
            values = {name: control.own(values[name]) for name, control in self.controls.items()}
            if values == self.values:  # set from here, not moved there
                return
            changed = {name for name in values if values[name] != self.values[name]}
            if changed <= set(self.display_only):
                with self._lock:
                    self.values = values
                    self._draw()
                return
            with self._lock_after_halt():
                self.values = values
                self._start(FIRST_PICTURE)

    def _pressed(self, action: str):
        with self._errors_told():
            kind, _, name = action.partition(":")
            if kind == "call":
                getattr(self, name)()
            elif kind == "try":
                self._panel.values = self.values | self.presets[name]
            elif kind == "reset":
                self._panel.values = self._start_values
            else:
                {"play": self._play, "stop": self._stop, "step": self._step, "rewind": self._rewind}[kind]()

    def _play(self):
        with self._lock_after_halt():
            if not self._advance(0):
                self._rewind()
            self._continue(seconds=0, pause=0.03)

    def _stop(self):
        with self._lock_after_halt():
            self._draw()

    def _step(self):
        with self._lock_after_halt():
            if not self._advance(0):
                self._rewind()
            self._draw()

    def _rewind(self):
        with self._lock_after_halt():
            self._frames = self.frames(**self.values)
            self._advance(0)
            self._draw()

    # Work

    def _start(self, seconds: float):
        self._frames = self.frames(**self.values)
        if self._advance(seconds):
            self._continue(NEXT_PICTURE, pause=0.001)
        else:
            self._draw()

    def _advance(self, seconds: float) -> bool:
        # Take frames until the time is up; say whether there may be more.
        due = time.monotonic() + seconds
        for self._frame in self._frames:
            if time.monotonic() >= due:
                return True
        return False

    def _continue(self, seconds: float, pause: float):
        self._halt = halt = threading.Event()
        self._draw()
        self._thread = threading.Thread(target=self._work, args=(halt, seconds, pause), daemon=True)
        self._thread.start()

    def _work(self, halt: threading.Event, seconds: float, pause: float):
        with self._errors_told():
            # The pause leaves the lock to whoever waits for it.
            while not halt.wait(pause):
                with self._lock:
                    if halt.is_set():
                        return
                    if not self._advance(seconds):
                        halt.set()
                    self._draw()

    def _draw(self):
        needed_for = [self.values[name] for name in self.rebuild_on]
        if needed_for != self._built_for:
            self._easel.rebuild(lambda figure: self.build(figure, **self.values))
            self._built_for = needed_for
        sentence = self.show(self._frame, **self.values)
        self._picture = self._easel.picture()
        with self._stage.hold_sync():  # picture and words in one message
            self._stage.picture = _png(self._picture, 1)
            self._stage.sentence = sentence
            self._stage.code = self.code(**self.values)
            self._stage.error = ""
            self._stage.busy = not self.resting

    @contextmanager
    def _lock_after_halt(self):
        # Halting first makes whoever works let go of the lock; halting again catches what was started in between.
        self._halt.set()
        with self._lock:
            self._halt.set()
            yield

    @contextmanager
    def _errors_told(self):
        # The one place where errors of callbacks end: a notebook shows nothing of them.
        try:
            yield
        except Exception as error:
            with self._lock_after_halt():
                told = f"This does not work ({type(error).__name__}): {error} Move a control, or press Reset."
                self._stage.error = told
                self._stage.busy = False
            if "PYTEST_CURRENT_TEST" in os.environ:
                raise

    # What the browser is told about controls and buttons

    def _spec(self) -> list[dict]:
        return [control.spec(name) for name, control in self.controls.items()]

    def _buttons(self) -> list:
        training = [["Play", "play"], ["Stop", "stop"], ["Step", "step"], ["Rewind", "rewind"]] if self.live else []
        calls = [[label, f"call:{method}"] for label, method in self.actions.items()]
        tries = [[label, f"try:{label}"] for label in self.presets]
        rows = {"Training": training, "": calls, "Try": [*tries, ["Reset", "reset"]] if self.controls else tries}
        return [[name, buttons] for name, buttons in rows.items() if buttons]


def _pixels(canvas: FigureCanvasAgg) -> Image.Image:
    return Image.frombuffer("RGBA", canvas.get_width_height(), canvas.buffer_rgba()).convert("RGB")


def _png(picture: Image.Image, level: int) -> bytes:
    data = io.BytesIO()
    picture.save(data, "PNG", compress_level=level)
    return data.getvalue()


def _captioned(picture: Image.Image, sentence: str) -> Image.Image:
    # A stored notebook shows only the picture, so there the sentence is part of it.
    width, height = picture.size
    lines = textwrap.wrap(sentence, round(width / SCALE / 8))
    strip = Figure(figsize=(width / CSS_PIXELS / SCALE, 0.24 * len(lines) + 0.1), dpi=CSS_PIXELS * SCALE)
    canvas = FigureCanvasAgg(strip)
    strip.text(0.02, 1, "\n".join(lines), fontsize=11, va="top", linespacing=1.3)
    with _drawing:
        canvas.draw()
    words = _pixels(canvas)
    whole = Image.new("RGB", (width, height + words.height), "white")
    whole.paste(picture, (0, 0))
    whole.paste(words, (0, height))
    return whole


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
