"""Rotate the hidden space of a trained model: what the outputs notice, with and without a hidden ReLU."""

from functools import lru_cache
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor
from torch.func import functional_call

from tms_edu import SparseFeatures, ToyModel, feature_norms, theory, train
from tms_edu.model import HiddenReLU
from tms_edu.plots import ORANGE
from tms_edu.widgets.base import LivePicture
from tms_edu.widgets.controls import Dropdown, Slider, sparsity_in_words
from tms_edu.widgets.parts import REACH, GramPart, MatrixPart, PlanePart
from tms_edu.wording import listed

ANGLES = tuple(5.0 * k for k in range(73))
PROBABILITIES = (0.5, 0.3, 0.2, 0.1, 0.05, 0.02)
NONE, ADDED, TRAINED = "none", "ReLU, put in later", "ReLU, trained with"
RUNS, ROWS = 8, 10_000
ANSWERS_FROM = 0.2  # of the largest weight, up or down: below it a neuron hardly moves


def outputs(
    x: Float[Tensor, "rows n_features"],
    W: Float[Tensor, "*instances 2 n_features"],
    b: Float[Tensor, "... n_features"],
    hidden: str,
) -> Float[Tensor, "*instances rows n_features"]:
    """Compute x' of the toy model with these W and b, or of the one with a hidden ReLU."""
    kind = ToyModel if hidden == NONE else HiddenReLU
    # A generator of its own, or the reader's would be drawn from.
    model = kind(W.shape[-1], 2, instances=W.shape[:-2], generator=torch.Generator())
    return functional_call(model, {"W": W, "b_final": b.expand(*W.shape[:-2], -1)}, x)


def turned(
    W: Float[Tensor, "2 n_features"], degrees: float | Float[Tensor, "*angles"]
) -> Float[Tensor, "*angles 2 n_features"]:
    """Rotate the two hidden dimensions: R W, for one angle or several.

    >>> turned(torch.eye(2), 90.0).round().abs()
    tensor([[0., 1.],
            [1., 0.]])
    """
    turn = torch.as_tensor(degrees, dtype=W.dtype).deg2rad()
    R = torch.stack([turn.cos(), -turn.sin(), turn.sin(), turn.cos()], dim=-1)
    return R.unflatten(-1, (2, 2)) @ W


@lru_cache(maxsize=32)
def inputs(n_features: int, feature_probability: float) -> Float[Tensor, "rows n_features"]:
    """Draw 10,000 inputs in which at least one feature is on."""
    features = SparseFeatures(n_features, feature_probability)
    return features.sample_active(ROWS, generator=torch.Generator().manual_seed(0))


def share_lost(
    W: Float[Tensor, "*instances 2 n_features"],
    b: Float[Tensor, "... n_features"],
    feature_probability: float,
    hidden: str,
) -> Float[Tensor, "*instances"]:
    """Measure the mean of Σ_i (x_i - x'_i)² under sparse features, as a share of what answering 0 loses.

    Exact without a hidden ReLU, over 10,000 inputs with one.

    >>> share_lost(torch.eye(2), torch.zeros(2), 0.5, ADDED), share_lost(-torch.eye(2), torch.zeros(2), 0.5, ADDED)
    (tensor(0.), tensor(1.))
    """
    n = W.shape[-1]
    if hidden == NONE:
        exact = theory.expected_loss(W, b.expand(*W.shape[:-2], n), SparseFeatures(n, feature_probability))
        return exact / (n * feature_probability / 3)
    x, nothing_on = inputs(n, feature_probability), (1 - feature_probability) ** n
    wrong = (x - outputs(x, W, b, hidden)).square().sum(-1).mean(-1)
    lost = (1 - nothing_on) * wrong + nothing_on * torch.relu(b).square().sum(-1)
    return lost / ((1 - nothing_on) * x.square().sum(-1).mean())


@lru_cache(maxsize=64)
def trained(n_features: int, feature_probability: float, hidden: str) -> tuple[Tensor, Tensor]:
    """Train eight models in two hidden dimensions, and return W and b of the one with the least loss.

    Trained without a hidden ReLU, W is as good after any rotation or reflection; it is returned with column 0 along the
    first axis and column 1 on the upper side.
    """
    hidden = hidden if hidden == TRAINED else NONE
    kind = HiddenReLU if hidden == TRAINED else ToyModel
    models = kind(n_features, 2, instances=(RUNS,), generator=torch.Generator().manual_seed(0))
    train(models, SparseFeatures(n_features, feature_probability), progress=False)
    W, b = models.W.detach(), models.b_final.detach()
    best = share_lost(W, b, feature_probability, hidden).argmin()
    if hidden == TRAINED:
        return W[best], b[best]
    R = torch.linalg.qr(W[best]).R
    return torch.ones(2, 1).copysign(R.diagonal()[:, None]) * R, b[best]


@lru_cache(maxsize=64)
def _all_around(n_features: int, feature_probability: float, hidden: str) -> list[float]:
    W, b = trained(n_features, feature_probability, hidden)
    return share_lost(turned(W, torch.tensor(ANGLES)), b, feature_probability, hidden).tolist()


class Turned(NamedTuple):
    """Hold R W, b, the share lost here and before the turn, and how far outputs moved."""

    W: Tensor
    b: Tensor
    loss: float
    loss_before: float
    moved: float


class RotateTheBasis(LivePicture):
    """Rotate the hidden space of a trained model with n features in two dimensions.

    A neuron "answers to" a feature if its weight, up or down, is at least a fifth of the largest weight in W. The loss
    is a share of what answering 0 loses.

    >>> "WᵀW, every output and the loss, 0.0 % of answering 0, stay" in RotateTheBasis(40.0).sentence
    True
    """

    angle = Slider("turn by θ", ANGLES, 0.0, "{:g}°".format, "by how many degrees")
    hidden = Dropdown("hidden layer", (NONE, ADDED, TRAINED), NONE, about="the ReLU of the hidden layer")
    n_features = Slider("features n", range(2, 6), 2)
    feature_probability = Slider(
        "sparsity S", PROBABILITIES, 0.05, sparsity_in_words, "1 - S, how often a feature is on"
    )

    title = "Rotate the basis"
    size = (7.4, 5.2)
    places = {
        "plane": (0.075, 0.42, 0.37, 0.53),
        "received": (0.56, 0.46, 0.43, 0.46),
        "rows": (0.105, 0.115, 0.34, 0.16),
        "loss": (0.60, 0.115, 0.365, 0.19),
    }
    rebuild_on = ("n_features", "hidden", "feature_probability")
    presets = {
        "A neuron per feature": {"n_features": 2, "hidden": NONE, "angle": 0.0},
        "The same, then ReLU": {"n_features": 2, "hidden": ADDED, "angle": 180.0},
        "Pentagon": {"n_features": 5, "hidden": NONE, "angle": 60.0, "feature_probability": 0.05},
        "Pentagon, then ReLU": {"n_features": 5, "hidden": ADDED, "angle": 60.0, "feature_probability": 0.05},
        "Trained with ReLU": {"n_features": 2, "hidden": TRAINED, "angle": 0.0},
    }
    recipe = """from tms_edu import gram
from tms_edu.widgets.rotate_the_basis import share_lost, trained, turned
W, b = trained({n_features}, {feature_probability}, hidden="{hidden}")
turned_W = turned(W, {angle})
print((gram(turned_W) - gram(W)).abs().max())
print(share_lost(turned_W, b, {feature_probability}, hidden="{hidden}"))"""

    def draw(self, axes, v):
        setting = (v.n_features, v.feature_probability, v.hidden)
        reach = max(REACH, 1.15 * feature_norms(trained(*setting)[0]).max().item())
        ticks = (-int(reach), 0, int(reach))
        self._plane = PlanePart(axes.plane, v.n_features)
        axes.plane.set(xlim=(-reach, reach), ylim=(-reach, reach), xlabel="neuron 1", ylabel="neuron 2")
        axes.plane.set(xticks=ticks, yticks=ticks)
        self._received = GramPart(axes.received, v.n_features)
        received = "WᵀW" if v.hidden == NONE else "Wᵀ ReLU(W eⱼ)"
        axes.received.set_title(f"feature j to output i: {received}", fontsize=11)
        self._rows = MatrixPart(axes.rows, 2, v.n_features, xlabel="feature")
        axes.rows.set_yticks([0, 1], ["neuron 1", "neuron 2"])
        axes.rows.set_title("rows of W: what moves a neuron", fontsize=11)

        ax, losses = axes.loss, _all_around(*setting)
        ax.plot(ANGLES, losses, color="black", linewidth=1.5)
        ax.set(xlim=(0, 360), ylim=(0, max(1, 1.15 * max(losses))), xlabel="turned by θ")
        ax.set_xticks(range(0, 361, 90), [f"{angle}°" for angle in range(0, 361, 90)])
        ax.set_yticks([0, 0.5, 1], ["0 %", "50 %", "100 %"])
        ax.set_title("loss (100 % is answering 0)", fontsize=11)
        (self._here,) = ax.plot([], [], marker="o", markersize=9, color=ORANGE, linestyle="", clip_on=False)

    def compute(self, v) -> Turned:
        before, b = trained(v.n_features, v.feature_probability, v.hidden)
        both = turned(before, torch.tensor([v.angle, 0.0]))
        losses = share_lost(both, b, v.feature_probability, v.hidden).tolist()
        here, start = outputs(inputs(v.n_features, v.feature_probability), both, b, v.hidden)
        return Turned(both[0], b, *losses, (here - start).abs().max().item())

    def say(self, frame: Turned, v) -> str:
        self._plane.show(frame.W)
        h = frame.W if v.hidden == NONE else torch.relu(frame.W)
        self._received.show(frame.W.T @ h, frame.b)
        self._rows.show(frame.W)
        self._here.set_data([v.angle], [frame.loss])
        answers = frame.W.abs() >= ANSWERS_FROM * frame.W.abs().max()
        first, second = (_heard(row.nonzero().flatten().tolist()) for row in answers)
        return f"{_what_came_out(frame, v.angle)} Neuron 1 answers to {first}; neuron 2 answers to {second}."


def _what_came_out(frame: Turned, angle: float) -> str:
    before, loss = (f"{100 * share:.1f} % of answering 0" for share in (frame.loss_before, frame.loss))
    if angle % 360 == 0:
        return f"{'Once around' if angle else 'Not turned'}. The loss is {loss}."
    if frame.moved < 1e-4:
        return f"Turned by {angle:g}°, WᵀW, every output and the loss, {loss}, stay."
    return (
        f"Turned by {angle:g}°, the columns keep their lengths and angles, but behind the ReLU something else comes out: "
        f"an output moves by up to {frame.moved:.2f}, and the loss, {before} before, is {loss}."
    )


def _heard(features: list[int]) -> str:
    alone = " alone" if len(features) == 1 else ""
    return f"{listed('feature', features)}{alone}" if features else "none"
