"""Rotate the hidden space of a trained model: what the outputs notice, with and without a hidden ReLU."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import torch
from jaxtyping import Float
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, MaxNLocator, PercentFormatter
from torch import Tensor

from tms_edu import SparseFeatures, ToyModel, feature_norms, train
from tms_edu.model import HiddenReLU
from tms_edu.widgets.base import LivePicture
from tms_edu.widgets.controls import Choice, Slider, sparsity_in_words
from tms_edu.widgets.parts import REACH, GramPart, MatrixPart, PlanePart

ANGLES = tuple(5.0 * k for k in range(73))
PROBABILITIES = (0.5, 0.3, 0.2, 0.1, 0.05, 0.02)
NONE, ADDED, TRAINED = "none", "ReLU, put in later", "ReLU, trained with"
RUNS, ROWS = 8, 4_000
ANSWERS_ABOVE = 0.2  # of the largest weight that counts: below it a neuron hardly moves


def reconstruct(
    x: Float[Tensor, "..."], W: Float[Tensor, "..."], b: Float[Tensor, "..."], hidden_relu: bool
) -> Float[Tensor, "..."]:
    """Compute ReLU(Wᵀ h + b) with h = W x, or h = ReLU(W x).

    >>> W = torch.tensor([[1.0, -1.0]])
    >>> reconstruct(torch.tensor([[0.0, 1.0]]), W, torch.zeros(2), hidden_relu=False)
    tensor([[0., 1.]])
    >>> reconstruct(torch.tensor([[0.0, 1.0]]), W, torch.zeros(2), hidden_relu=True)
    tensor([[0., 0.]])
    """
    h = x @ W.mT
    return torch.relu((torch.relu(h) if hidden_relu else h) @ W + b)


def turned(W: Float[Tensor, "2 n_features"], degrees: float) -> Float[Tensor, "2 n_features"]:
    """Rotate the two hidden dimensions: R W.

    >>> turned(torch.eye(2), 90.0).round().abs()
    tensor([[0., 1.],
            [1., 0.]])
    """
    c, s = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    return torch.tensor([[c, -s], [s, c]], dtype=W.dtype) @ W


@lru_cache(maxsize=8)
def inputs(n_features: int) -> Float[Tensor, "n_features rows n_features"]:
    """Draw 4,000 inputs in which k features are on, for each k from 1 to n.

    >>> (inputs(3) > 0).sum(-1).float().mean(-1)
    tensor([1., 2., 3.])
    """
    generator = torch.Generator().manual_seed(0)
    u = torch.rand(n_features, ROWS, n_features, generator=generator)
    order = torch.rand(n_features, ROWS, n_features, generator=generator).argsort(dim=-1)
    return torch.where(order <= torch.arange(n_features)[:, None, None], u, 0.0)


def mean_loss(
    W: Float[Tensor, "2 n_features"],
    b: Float[Tensor, " n_features"],
    feature_probability: float,
    hidden_relu: bool,
) -> float:
    """Measure the mean of Σ_i (x_i - x'_i)² under sparse features.

    The number of features that are on is binomial: the mean for each number is measured, then weighted exactly.

    >>> mean_loss(torch.eye(2), torch.zeros(2), 0.5, hidden_relu=True)
    0.0
    """
    n, p = W.shape[1], feature_probability
    x = inputs(n)
    with_k_on = (x - reconstruct(x, W, b, hidden_relu)).square().sum(-1).mean(-1).tolist()
    means = [torch.relu(b).square().sum().item(), *with_k_on]
    return sum(math.comb(n, k) * p**k * (1 - p) ** (n - k) * mean for k, mean in enumerate(means))


@lru_cache(maxsize=64)
def trained(n_features: int, feature_probability: float, hidden_relu: bool) -> tuple[Tensor, Tensor]:
    """Train eight models in two hidden dimensions, and return W and b of the one with the least loss.

    Without a hidden ReLU every rotation of W is as good; it is returned with column 0 at 30°.
    """
    kind = HiddenReLU if hidden_relu else ToyModel
    models = kind(n_features, 2, instances=(RUNS,), generator=torch.Generator().manual_seed(0))
    train(models, SparseFeatures(n_features, feature_probability), progress=False)
    candidates = list(zip(models.W.detach(), models.b_final.detach(), strict=True))
    W, b = min(candidates, key=lambda Wb: mean_loss(*Wb, feature_probability, hidden_relu))
    if not hidden_relu:
        W = turned(W, 30 - math.degrees(math.atan2(W[1, 0], W[0, 0])))
    return W.contiguous(), b


@lru_cache(maxsize=64)
def _losses(n_features: int, feature_probability: float, hidden: str) -> list[float]:
    W, b = trained(n_features, feature_probability, hidden == TRAINED)
    return [mean_loss(turned(W, angle), b, feature_probability, hidden != NONE) for angle in ANGLES]


@dataclass(frozen=True)
class Frame:
    """Hold R W, b, what output i receives from feature j alone, the loss here and before, and how far outputs moved."""

    W: Tensor
    b: Tensor
    received: Tensor
    loss: float
    loss_before: float
    moved: float


class RotateTheBasis(LivePicture):
    """Rotate the hidden space of a trained model with n features in two dimensions.

    A neuron "answers to" a feature whose weight is at least a fifth of the largest one. Both signs count without a
    hidden ReLU, and only positive weights with one: what pushes a neuron below 0 does not come out of it.

    Args:
        angle: by how much, 0 to 360 degrees.
        hidden: the ReLU of the hidden layer: "none", "ReLU, put in later" or "ReLU, trained with".
        n_features: n, 2 to 5.
        feature_probability: 1 - S, how often a feature is on, 0.02 to 0.5.

    Raises:
        ValueError: for a value out of these ranges.

    >>> "WᵀW, every output and the loss, 0.000, stay" in RotateTheBasis(40.0, n_features=2).sentence
    True
    """

    title = "Rotate the basis"
    size = (7.4, 5.2)
    rebuild_on = ("n_features", "hidden", "feature_probability")
    presets = {
        "A neuron per feature": {"n_features": 2, "hidden": NONE, "angle": 330.0},
        "Pentagon": {"n_features": 5, "hidden": NONE, "angle": 60.0, "feature_probability": 0.05},
        "Pentagon, then ReLU": {"n_features": 5, "hidden": ADDED, "angle": 60.0, "feature_probability": 0.05},
        "Trained with ReLU": {"n_features": 2, "hidden": TRAINED, "angle": 0.0},
    }

    def __init__(
        self,
        angle: float = 0.0,
        hidden: str = NONE,
        n_features: int = 5,
        feature_probability: float = 0.05,
    ):
        super().__init__(
            angle=Slider("turn by θ", ANGLES, angle, "{:g}°".format),
            hidden=Choice("hidden layer", [NONE, ADDED, TRAINED], hidden),
            n_features=Slider("features n", range(2, 6), n_features),
            feature_probability=Slider("sparsity S", PROBABILITIES, feature_probability, sparsity_in_words),
        )

    def build(self, figure: Figure, n_features: int, hidden: str, feature_probability: float, **_):
        plane = figure.add_axes((0.075, 0.42, 0.37, 0.53))
        self._plane = PlanePart(plane, n_features)
        W, _ = trained(n_features, feature_probability, hidden == TRAINED)
        reach = max(REACH, 1.15 * feature_norms(W).max().item())
        plane.set(xlim=(-reach, reach), ylim=(-reach, reach), xlabel="neuron 1", ylabel="neuron 2")
        received = figure.add_axes((0.56, 0.46, 0.43, 0.46))
        self._received = GramPart(received, n_features)
        if reach > REACH:
            plane.xaxis.set_major_locator(MaxNLocator(4))
            plane.yaxis.set_major_locator(MaxNLocator(4))
        title = "WᵀW" if hidden == NONE else "Wᵀ ReLU(W eⱼ)"
        received.set_title(f"feature j to output i: {title}", fontsize=11)
        rows = figure.add_axes((0.105, 0.115, 0.34, 0.16))
        self._rows = MatrixPart(rows, 2, n_features)
        rows.set_yticks([0, 1], ["neuron 1", "neuron 2"])
        rows.set_xlabel("feature")
        rows.set_title("rows of W: what moves a neuron", fontsize=11)
        return [
            *self._plane.moving,
            *self._received.moving,
            *self._rows.moving,
            *self._build_loss(
                figure.add_axes((0.60, 0.115, 0.365, 0.19)),
                _losses(n_features, feature_probability, hidden),
                n_features * feature_probability / 3,
            ),
        ]

    def _build_loss(self, ax, losses: list[float], silent: float):
        ax.plot(ANGLES, [loss / silent for loss in losses], color="black", linewidth=1.5)
        self._silent = silent
        ax.set(xlim=(0, 360), ylim=(0, max(1, 1.15 * max(losses) / silent)), xlabel="turned by θ")
        ax.set_title("loss (100 % is answering 0)", fontsize=11)
        ax.set_xticks(range(0, 361, 90), [f"{angle}°" for angle in range(0, 361, 90)])
        ax.yaxis.set_major_locator(FixedLocator([0, 0.5, 1]) if ax.get_ylim()[1] < 2 else MaxNLocator(2))
        ax.yaxis.set_major_formatter(PercentFormatter(1, 0, " %"))
        ax.spines[["top", "right"]].set_visible(False)
        (self._here,) = ax.plot(
            [], [], marker="o", markersize=9, color="#D55E00", linestyle="", clip_on=False
        )
        return [self._here]

    def frames(self, angle, hidden, n_features, feature_probability) -> Iterator[Frame]:
        relu = hidden != NONE
        before, b = trained(n_features, feature_probability, hidden == TRAINED)
        W = turned(before, angle)
        h = torch.relu(W) if relu else W
        x = inputs(n_features)
        moved = (reconstruct(x, W, b, relu) - reconstruct(x, before, b, relu)).abs().max().item()
        losses = [mean_loss(V, b, feature_probability, relu) for V in (W, before)]
        yield Frame(W, b, W.T @ h, *losses, moved)

    def show(self, frame: Frame, angle, hidden, **_) -> str:
        self._plane.show(frame.W)
        self._received.show(frame.received, frame.b)
        self._rows.show(frame.W)
        self._here.set_data([angle], [frame.loss / self._silent])
        return _sentence(frame, angle, hidden != NONE)

    def code(self, angle, hidden, n_features, feature_probability) -> str:
        return f"""from tms_edu import gram
from tms_edu.widgets.rotate_the_basis import mean_loss, trained, turned
W, b = trained({n_features}, {feature_probability}, hidden_relu={hidden == TRAINED})
turned_W = turned(W, {angle})
print((gram(turned_W) - gram(W)).abs().max())
print(mean_loss(turned_W, b, {feature_probability}, hidden_relu={hidden != NONE}))"""


def _sentence(frame: Frame, angle: float, hidden_relu: bool) -> str:
    weights = torch.relu(frame.W) if hidden_relu else frame.W.abs()
    bar = ANSWERS_ABOVE * weights.max().item()
    neurons = "; ".join(f"neuron {k + 1} answers to {_heard(row, bar)}" for k, row in enumerate(weights))
    neurons = f" {neurons[0].upper()}{neurons[1:]}."
    if frame.moved < 1e-4:
        if angle % 360 == 0:
            return f"{'Once around' if angle else 'Not turned'}. The loss is {frame.loss:.3f}.{neurons}"
        return f"Turned by {angle:g}°, WᵀW, every output and the loss, {frame.loss:.3f}, stay.{neurons}"
    return (
        f"Turned by {angle:g}°, WᵀW stays, but not what comes out: an output moves by up to {frame.moved:.2f}, and the "
        f"loss, {frame.loss_before:.3f} before, is {frame.loss:.3f}.{neurons}"
    )


def _heard(weights: Tensor, bar: float) -> str:
    heard = [str(i) for i in (weights > bar).nonzero().flatten().tolist()]
    if len(heard) < 2:
        return f"feature {heard[0]} alone" if heard else "none"
    return f"features {', '.join(heard[:-1])} and {heard[-1]}"
