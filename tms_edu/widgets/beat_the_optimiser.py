"""Lay the columns of W by hand, and see whether training does better."""

from functools import cached_property, lru_cache
from importlib.resources import files
from typing import NamedTuple

import torch
import traitlets
from anywidget import AnyWidget
from torch import Tensor

from tms_edu import SparseFeatures, ToyModel, gram, plots, read_gram, theory, train
from tms_edu._validate import require_numbers
from tms_edu.training import STEPS, train_in_chunks
from tms_edu.widgets.base import NEXT_PICTURE, LivePicture
from tms_edu.widgets.controls import Setting, Slider, quoted, sparsity_in_words
from tms_edu.widgets.parts import REACH, GramPart, PlanePart, gaps
from tms_edu.wording import plain

# A fan: much is in the way of everything, and nothing is hidden behind anything else.
START = (0.8 * theory.polygon(12)[:, :6]).round(decimals=2) + 0.0
NOTHING = 1e-4
LONGEST = 1.1  # times the loss of answering 0; bars beyond it are cut


class Arrangement(NamedTuple):
    """Hold W (2, n), b (n,), their exact loss, the trained model's, and the step of a training from W, or None."""

    W: Tensor
    b: Tensor
    loss: float
    trained: float
    step: int | None = None


class _Handles(AnyWidget):
    # Both sides count the reader's moves in `turn`, so that an answer to an earlier move does not undo a later one.
    _esm = files(__package__).joinpath("beat_the_optimiser.js").read_text("utf-8")
    _css = files(__package__).joinpath("beat_the_optimiser.css").read_text("utf-8")
    plane = traitlets.Dict().tag(sync=True)
    laid = traitlets.Dict({"turn": 0, "columns": []}).tag(sync=True)
    moved = traitlets.Dict({"turn": 0, "columns": []}).tag(sync=True, echo_update=False)


class BeatTheOptimiser(LivePicture):
    """Drag the columns of W; the Gram matrix, the best bias and the exact loss follow, beside those of a trained model.

    Attributes:
        W: (2, n), the columns on show.
        best: the lowest loss you have had by hand with these settings.

    >>> game = BeatTheOptimiser(n_features=2)
    >>> game.arrange([[1, 0], [0, 1]])
    >>> f"{game.frame.loss:.6f}"
    '0.000000'
    """

    n_features = Slider("features n", range(2, 7), 5, about="n; there are two hidden dimensions")
    feature_probability = Slider(
        "sparsity S",
        (1.0, 0.7, 0.5, 0.3, 0.2, 0.1, 0.05, 0.02),
        0.05,
        sparsity_in_words,
        "1 - S, how often a feature is on",
    )
    importance_decay = Slider(
        "importance Iᵢ",
        (0.7, 0.8, 0.9, 1.0),
        1.0,
        "{:g}ⁱ".format,
        "d, feature i weighs I = dⁱ in the loss",
    )
    bias = Slider(
        "bias b",
        (None, *(round(-0.5 + 0.05 * k, 2) for k in range(21))),
        None,
        lambda b: "best for W" if b is None else plain(b, "+.2f"),
        "one for all outputs, in steps of 0.05; with None each output has the best there is for your W",
    )
    steps = Setting("steps", range(1, 100_001), STEPS, about="updates in a training that starts from your W")

    title = "Beat the optimiser"
    size = (7.4, 4.9)
    places = {
        "plane": (0.0863, 0.40, 0.3874, 0.585),  # a square, over which the handles lie
        "gram": (0.56, 0.38, 0.43, 0.60),
        "loss": (0.175, 0.10, 0.67, 0.19),
    }
    rebuild_on = ("n_features",)
    actions = {"Let the optimiser go from here": "go", "Stop": "stop", "Back to mine": "back"}
    recipe = """import torch
from tms_edu import SparseFeatures, theory
W = torch.tensor({W})
b = torch.tensor({b})
importance = {importance_decay} ** torch.arange({n_features})
print(theory.expected_loss(W, b, SparseFeatures({n_features}, {feature_probability}), importance))"""

    # The state of the game. Besides what is on show: the columns to go back to, the settings for which `best` counts, whether
    # the next frames are those of a training, and which of the reader's moves was the last to be answered.
    W, best = START, float("inf")
    _mine, _settings_of_best, _going, _turn = START, None, False, 0

    @cached_property
    def board(self) -> _Handles:
        """Return the handles, which lie over the tips of the columns in the picture."""
        handles = _Handles(plane={"place": self.places["plane"], "size": self.size, "reach": REACH})
        handles.observe(lambda _: self._dragged(), names="moved")
        return handles

    # What the reader does

    def arrange(self, W: Tensor | list):
        """Lay all columns at once, W (2, n).

        Raises:
            ValueError: if W does not fit, or a column lies outside of the plane that is shown.
        """
        W, n = require_numbers("W", W).detach().cpu().clone(), self.values["n_features"]
        if W.shape != (2, n) or not (W.abs() <= REACH).all():
            raise ValueError(
                f"W must have shape (2, {n}), two rows and a column for each feature, and its entries must lie between -{REACH} "
                f"and {REACH}; got shape {tuple(W.shape)}, and beyond the limits {quoted(W[~(W.abs() <= REACH)].tolist())}."
            )
        self._lay(W)

    def go(self):
        """Train from the columns on show, until the end or `stop`."""
        with self._alone():
            self._mine, self._going = self.W, True
            self._begin(0.0)
            self._going = False
            self._continue(NEXT_PICTURE, pause=0.001)

    def stop(self):
        """Halt the training; the columns stay where it left them."""
        with self._alone():
            self._draw()

    def back(self):
        """Put the columns back to where they were before the last training."""
        self._lay(self._mine)

    def put_back(self):
        self.W = START

    def _lay(self, W: Tensor):
        with self._alone():
            self.W = W
            self._restart(self.values)

    def _dragged(self):
        with self._errors_told(), self._alone():
            self._turn, columns = self.board.moved["turn"], self.board.moved["columns"]
            if len(columns) == self.values["n_features"]:
                self.arrange(list(zip(*columns, strict=True)))
            else:  # meant for a picture that is gone
                self._draw()

    # What follows from it

    def draw(self, axes, v):
        self._plane = PlanePart(axes.plane, v.n_features)
        self._gram = GramPart(axes.gram, v.n_features)
        ax, beside = axes.loss, axes.loss.get_yaxis_transform()
        look = {"hatch": ("", "//", ""), "edgecolor": ("none", "black", "none")}
        self._bars = ax.barh(range(3), [0] * 3, height=0.66, color=("black", "white", plots.ORANGE), **look)
        ax.set(xlim=(0, LONGEST), ylim=(2.5, -0.5), xlabel="loss, as a share of the loss of answering 0")
        ax.set_xticks((0, 0.25, 0.5, 0.75, 1), ("0", "25 %", "50 %", "75 %", "100 %"))
        ax.set_yticks(range(3), ("now", "your best", "trained"))
        self._gaps = gaps(ax, 3, LONGEST - 0.05)
        self._losses = [ax.text(1.02, k, "", transform=beside, va="center") for k in range(3)]

    def frames(self, v):
        # Up to the first frame this runs under the lock.
        task = (
            SparseFeatures(v.n_features, v.feature_probability),
            v.importance_decay ** torch.arange(v.n_features),
        )
        trained = _trained_loss(v.n_features, v.feature_probability, v.importance_decay)
        W = torch.cat([self.W, START[:, self.W.shape[1] :]], dim=1)[:, : v.n_features]
        b = theory.best_bias(W, task[0]) if v.bias is None else torch.full((v.n_features,), v.bias)
        model = ToyModel(v.n_features, 2, generator=torch.Generator())
        model.load_state_dict({"W": W, "b_final": b})
        training = train_in_chunks(model, task[0], importance=task[1], steps=v.steps, chunk=10)
        for run in training if self._going else [None]:
            W, b = model.W.detach().clone(), model.b_final.detach().clone()
            loss = theory.expected_loss(W, b, *task).item()
            yield Arrangement(W, b, loss, trained, len(run.steps) if run else None)

    def receive(self, frame: Arrangement, v):
        self.W = frame.W
        if frame.step is None:
            settings = v.n_features, v.feature_probability, v.importance_decay
            best = self.best if settings == self._settings_of_best else float("inf")
            self.best, self._settings_of_best = min(best, frame.loss), settings

    def say(self, frame: Arrangement, v) -> str:
        self._plane.show(frame.W)
        self._gram.show(gram(frame.W), frame.b)
        silent = v.feature_probability / 3 * sum(v.importance_decay**i for i in range(v.n_features))
        rows = zip(self._bars, self._losses, self._gaps, (frame.loss, self.best, frame.trained), strict=True)
        for bar, text, gap, loss in rows:
            bar.set_width(min(loss / silent, LONGEST))
            text.set_text(f"{loss:.5f}")
            gap.set_visible(loss > LONGEST * silent)
        shape = read_gram(gram(frame.W), frame.b).shape
        if self.busy:
            return f"The optimiser goes on from your columns: {shape} so far."
        reached = f"{'From your columns' if self.done else 'Stopped half-way,'} the optimiser reached"
        whose = "Your columns read" if frame.step is None else reached
        return f"{whose}: {shape}. The exact loss is {frame.loss:.5f}{_compared(frame.loss, frame.trained)}."

    def tell_board(self, v):
        self.board.laid = {"turn": self._turn, "columns": self.W.mT.tolist()}

    def code(self, v) -> str:
        # Rounded as doubles: a float32, rounded, still shows all its digits.
        W, b = (values.double().round(decimals=4).tolist() for values in (self.frame.W, self.frame.b))
        return self.recipe.format(W=W, b=b, **vars(v))


@lru_cache(maxsize=256)
def _trained_loss(n: int, feature_probability: float, importance_decay: float) -> float:
    model = ToyModel(n, 2, generator=torch.Generator().manual_seed(0))
    task = SparseFeatures(n, feature_probability), importance_decay ** torch.arange(n)
    train(model, task[0], importance=task[1], progress=False)
    return theory.expected_loss(model.W.detach(), model.b_final.detach(), *task).item()


def _compared(loss: float, trained: float) -> str:
    if trained < NOTHING:
        other = "; the trained model's is next to nothing"
        return ", next to nothing, as is the trained model's" if loss < NOTHING else other
    percent = 100 * (loss / trained - 1)
    if abs(percent) < 0.05:
        return f", the same as the trained model's, {trained:.5f}"
    share = f"{abs(percent):.1f} % {'above' if percent > 0 else 'below'}"
    more = f"{loss / trained:.1f} times" if percent > 100 else share
    return f", {more} the trained model's {trained:.5f}{': it is beaten' if percent < 0 else ''}"
