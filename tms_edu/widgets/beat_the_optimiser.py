"""Lay the columns of W by hand, and see whether training does better."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files

import torch
import traitlets
from anywidget import AnyWidget
from matplotlib.figure import Figure
from torch import Tensor

from tms_edu import SparseFeatures, ToyModel, gram, plots, read_gram, theory, train
from tms_edu.geometry import Reading
from tms_edu.training import STEPS, train_in_chunks
from tms_edu.widgets.base import NEXT_PICTURE, LivePicture, leave_thread_to_browser
from tms_edu.widgets.controls import Slider, sparsity_in_words
from tms_edu.widgets.easel import CSS_PIXELS
from tms_edu.widgets.parts import REACH, GramPart, PlanePart

PROBABILITIES = (1.0, 0.7, 0.5, 0.3, 0.2, 0.1, 0.05, 0.02)
BIASES = (None, *(round(-0.5 + 0.05 * k, 2) for k in range(21)))
# A fan: much is in the way of everything, and nothing is hidden behind anything else.
_ANGLES = torch.pi / 6 * torch.arange(6)
START = (0.8 * torch.stack([_ANGLES.cos(), _ANGLES.sin()])).round(decimals=2) + 0.0
NOTHING = 1e-4


@dataclass(frozen=True)
class Frame:
    """Hold W (2, n), b (n,), their exact loss, the trained model's, and the step of a training from W, or None."""

    W: Tensor
    b: Tensor
    loss: float
    trained: float
    step: int | None = None


class BeatTheOptimiser(LivePicture):
    """Drag the columns of W; the Gram matrix, the best bias and the exact loss follow, beside those of a trained model.

    Args:
        n_features: n, 2 to 6; there are two hidden dimensions.
        feature_probability: 1 - S, how often a feature is on, 0.02 to 1.
        importance_decay: d, feature i weighs I = dⁱ in the loss, 0.7 to 1.
        bias: one bias for all outputs, -0.5 to 0.5. None: for each output the best there is for your W.
        steps: updates in a training that starts from your W.

    Attributes:
        W: (2, n), the columns on show.
        best: the lowest loss you have had by hand with these settings.

    Raises:
        ValueError: for a value out of these ranges.

    >>> game = BeatTheOptimiser(n_features=2)
    >>> game.arrange([[1, 0], [0, 1]])
    >>> f"{game.loss:.6f}"
    '0.000000'
    """

    title = "Beat the optimiser"
    size = (7.4, 4.9)
    rebuild_on = ("n_features",)
    actions = {"Let the optimiser go from here": "go", "Stop": "stop", "Back to mine": "back"}

    def __init__(
        self,
        n_features: int = 5,
        feature_probability: float = 0.05,
        importance_decay: float = 1.0,
        bias: float | None = None,
        steps: int = STEPS,
    ):
        self.steps = steps
        self.W, self.best, self._mine = START.clone(), float("inf"), START.clone()
        self._setting, self._training = None, False
        self._board = _Board()
        self._board.observe(lambda _: self._dragged(), names="moves")
        super().__init__(
            n_features=Slider("features n", range(2, 7), n_features),
            feature_probability=Slider("sparsity S", PROBABILITIES, feature_probability, sparsity_in_words),
            importance_decay=Slider("importance Iᵢ", (0.7, 0.8, 0.9, 1.0), importance_decay, "{:g}ⁱ".format),
            bias=Slider("bias b", BIASES, bias, lambda b: "best for W" if b is None else f"{b:+.2f}"),
        )
        # On the page the handles lie over the plane of the picture.
        self._box.children = [self._panel, self._board, self._stage]

    @property
    def loss(self) -> float:
        """Return the exact loss of W and b as they are on show."""
        return self._run.frame.loss

    @property
    def reading(self) -> Reading:
        """Read the Gram matrix on show."""
        return read_gram(gram(self._run.frame.W), self._run.frame.b)

    def arrange(self, W: Tensor | list):
        """Lay all columns at once, W (2, n).

        Raises:
            ValueError: if W does not fit, or a column lies outside of the plane that is shown.
        """
        W, n = torch.as_tensor(W, dtype=torch.float32), self.values["n_features"]
        if W.shape != (2, n):
            raise ValueError(
                f"W must have shape (2, {n}): two rows, a column for each feature; got {tuple(W.shape)}."
            )
        if not (W.abs() <= REACH).all():
            raise ValueError(f"entries of W must lie between -{REACH} and {REACH}; got {W.tolist()}.")
        with self._alone():
            self.W = W.clone()
            self._restart(self.values)

    def go(self):
        """Train from the columns on show, until the end or `stop`."""
        with self._alone():
            self._mine, self._training = self.W.clone(), True
            self._begin(0.0)
            self._training = False
            self._continue(NEXT_PICTURE, pause=0.001)

    def stop(self):
        """Halt the training; the columns stay where it left them."""
        with self._alone():
            self._draw()

    def back(self):
        """Put the columns back to where they were before the last training."""
        with self._alone():
            self.W = self._mine.clone()
            self._restart(self.values)

    def close(self):
        super().close()
        self._board.close()

    # What the base asks for

    def build(self, figure: Figure, n_features: int, **_):
        plane = figure.add_axes((0.085, 0.40, 0.39, 0.585))
        self._plane = PlanePart(plane, n_features)
        plane.apply_aspect()
        box = plane.get_position()
        width, height = (round(CSS_PIXELS * side) for side in self.size)
        # Where the plane is on the page, from the top left: left, top, side; and half the side in units of W.
        self._board.plane = [box.x0 * width, (1 - box.y1) * height, box.width * width, REACH, width, height]
        self._gram = GramPart(figure.add_axes((0.56, 0.38, 0.43, 0.60)), n_features)
        ax = figure.add_axes((0.175, 0.10, 0.67, 0.19))
        colors = ("black", "0.55", "#D55E00")
        self._bars = ax.barh(range(3), [0.0] * 3, height=0.66, color=colors)
        self._bars[1].set(hatch="//", facecolor="white", edgecolor="black")
        ax.set(xlim=(0, 1), ylim=(2.5, -0.5), xlabel="loss, as a share of the loss of answering 0")
        ax.set_xticks((0, 0.25, 0.5, 0.75, 1), ("0", "25 %", "50 %", "75 %", "100 %"))
        ax.set_yticks(range(3), ("now", "your best", "trained"))
        ax.spines[["top", "right"]].set_visible(False)
        beside = ax.get_yaxis_transform()
        self._numbers = [ax.text(1.02, k, "", transform=beside, va="center") for k in range(3)]
        return [*self._plane.moving, *self._gram.moving, *self._bars, *self._numbers]

    def frames(self, n_features, feature_probability, importance_decay, bias) -> Iterator[Frame]:
        # Up to the first frame this runs under the lock.
        W, training = self._columns(n_features), self._training
        features = SparseFeatures(n_features, feature_probability)
        importance = importance_decay ** torch.arange(n_features)
        trained = _trained_loss(n_features, feature_probability, importance_decay)
        b = best_bias(W, features) if bias is None else torch.full((n_features,), bias)
        if not training:
            yield Frame(W, b, theory.expected_loss(W, b, features, importance).item(), trained)
            return
        model = ToyModel(n_features, 2)
        with torch.no_grad():
            model.W.copy_(W)
            model.b_final.copy_(b)
        for run in train_in_chunks(model, features, importance=importance, steps=self.steps, chunk=10):
            W, b = model.W.detach().clone(), model.b_final.detach().clone()
            loss = theory.expected_loss(W, b, features, importance).item()
            yield Frame(W, b, loss, trained, len(run.steps))

    def show(self, frame: Frame, n_features, feature_probability, importance_decay, bias) -> str:
        self.W = frame.W.clone()
        self._board.columns = self.W.T.tolist()
        leave_thread_to_browser(self._board.comm)
        setting = (n_features, feature_probability, importance_decay)
        if setting != self._setting:
            self._setting, self.best = setting, float("inf")
        if frame.step is None:
            self.best = min(self.best, frame.loss)
        self._plane.show(frame.W)
        self._gram.show(gram(frame.W), frame.b)
        silent = feature_probability / 3 * sum(importance_decay**i for i in range(n_features))
        for bar, text, loss in zip(
            self._bars, self._numbers, (frame.loss, self.best, frame.trained), strict=True
        ):
            known = loss < float("inf")
            bar.set_width(min(loss / silent, 1.0) if known else 0.0)
            text.set_text(f"{loss:.5f}" if known else "")
        return self._sentence(frame)

    def code(self, n_features, feature_probability, importance_decay, bias) -> str:
        frame = self._run.frame
        W = [[round(value, 4) for value in row] for row in frame.W.tolist()]
        b = [round(value, 4) for value in frame.b.tolist()]
        return f"""import torch
from tms_edu import SparseFeatures, theory
W = torch.tensor({W})
b = torch.tensor({b})
importance = {importance_decay} ** torch.arange({n_features})
print(theory.expected_loss(W, b, SparseFeatures({n_features}, {feature_probability}), importance))"""

    # The reader's hand

    def _dragged(self):
        with self._errors_told(), self._alone():
            columns = self._board.mine
            with self._board.hold_sync():  # the answer and what it says of the columns in one message
                self._board.answered = self._board.moves
                if len(columns) == self.values["n_features"]:  # else meant for a picture that is gone
                    self.arrange(torch.tensor(columns, dtype=torch.float32).T)
            leave_thread_to_browser(self._board.comm)

    def _pressed(self, action: str):
        if action == "reset":
            with self._alone():
                self.W = START.clone()
        super()._pressed(action)

    def _columns(self, n: int) -> Tensor:
        return torch.cat([self.W, START[:, self.W.shape[1] :]], dim=1)[:, :n].clone()

    def _sentence(self, frame: Frame) -> str:
        shape = self.reading.shape
        if frame.step is not None and self.busy:
            return f"The optimiser goes on from your columns: {shape} so far."
        whose = "Your columns read"
        if frame.step is not None:
            whose = f"{'From your columns' if self.done else 'Stopped half-way,'} the optimiser reached"
        words = f"{whose}: {shape}. The exact loss is {frame.loss:.5f}"
        if max(frame.loss, frame.trained) < NOTHING:
            return f"{words}, next to nothing, as is the trained model's."
        if frame.trained < NOTHING:
            return f"{words}; the trained model's is next to nothing."
        percent = 100 * (frame.loss / frame.trained - 1)
        if abs(percent) < 0.05:
            return f"{words}, the same as the trained model's, {frame.trained:.5f}."
        if percent < 0:
            return f"{words}, {-percent:.1f} % below the trained model's {frame.trained:.5f}: it is beaten."
        if percent > 100:
            return f"{words}, {1 + percent / 100:.1f} times the trained model's {frame.trained:.5f}."
        return f"{words}, {percent:.1f} % above the trained model's {frame.trained:.5f}."


class _Board(AnyWidget):
    _esm = files(__package__).joinpath("beat_the_optimiser.js").read_text("utf-8")
    _css = files(__package__).joinpath("beat_the_optimiser.css").read_text("utf-8")
    columns = traitlets.List().tag(sync=True)
    mine = traitlets.List().tag(sync=True, echo_update=False)
    moves = traitlets.Int().tag(sync=True, echo_update=False)
    answered = traitlets.Int().tag(sync=True)
    plane = traitlets.List().tag(sync=True)
    colors = traitlets.List(list(plots.FEATURE_COLORS)).tag(sync=True)


def best_bias(W: Tensor, features: SparseFeatures) -> Tensor:
    """Find the bias of lowest exact loss for a given W (2, n), to 1e-4.

    Each b_i enters one output only, so all are looked for side by side: on a grid of biases, then on ever finer ones.

    >>> best_bias(torch.zeros(2, 3), SparseFeatures(3, 0.2))   # nothing gets through: the mean of x, 0.1
    tensor([0.1000, 0.1000, 0.1000])
    """
    n, points = W.shape[1], 21
    low, high = -1.5 * torch.ones(n, dtype=torch.float64), torch.ones(n, dtype=torch.float64)
    share = torch.linspace(0, 1, points, dtype=torch.float64).unsqueeze(-1)
    W = W.expand(points, 2, n)
    for _ in range(4):
        b = (low + share * (high - low)).requires_grad_()
        (slope,) = torch.autograd.grad(theory.expected_loss(W, b, features).sum(), b)
        b = b.detach()
        # The loss along the grid, up to a constant, from its slope.
        steps = (slope[1:] + slope[:-1]) / 2 * (b[1:] - b[:-1])
        along = torch.cat([torch.zeros(1, n, dtype=torch.float64), steps.cumsum(0)])
        lowest = along.argmin(0)
        low = b.gather(0, (lowest - 1).clamp(min=0).unsqueeze(0))[0]
        high = b.gather(0, (lowest + 1).clamp(max=points - 1).unsqueeze(0))[0]
    return ((low + high) / 2).float()


@lru_cache(maxsize=256)
def _trained_loss(n: int, feature_probability: float, importance_decay: float) -> float:
    model = ToyModel(n, 2, generator=torch.Generator().manual_seed(0))
    features, importance = SparseFeatures(n, feature_probability), importance_decay ** torch.arange(n)
    train(model, features, importance=importance, progress=False)
    return theory.expected_loss(model.W.detach(), model.b_final.detach(), features, importance).item()
