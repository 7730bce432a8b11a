"""Train a toy model while you watch, for any sparsity, size and importance."""

from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

import torch
from torch import Tensor

from tms_edu import SparseFeatures, ToyModel, gram, read_gram, theory
from tms_edu.geometry import Reading
from tms_edu.plots import ORANGE
from tms_edu.training import STEPS, TrainingRun, train_in_chunks
from tms_edu.widgets.base import LivePicture
from tms_edu.widgets.controls import Setting, Slider, Switch, sparsity_in_words
from tms_edu.widgets.parts import GramPart, NormsPart, PlanePart

PROBABILITIES = (1.0, 0.7, 0.5, 0.4, 0.3, 0.25, 0.2, 0.15, 0.1, 0.07, 0.05, 0.03, 0.02, 0.01)
MOST_FOR_OPTIMUM = 6
CHUNK = 10


class Training(NamedTuple):
    """Hold W and b after `step` updates, and at the end the exact loss beside the best known."""

    run: TrainingRun
    step: int
    W: Tensor
    b: Tensor
    loss: float | None = None
    best: float | None = None


class SuperpositionLab(LivePicture):
    """Train x' = ReLU(WᵀW x + b) while you watch; every control starts it afresh.

    >>> SuperpositionLab(n_features=2, d_hidden=2, feature_probability=0.1).reading.status
    ['recovered', 'recovered']
    """

    n_features = Slider("features n", range(2, 11), 5)
    d_hidden = Slider("dimensions m", range(1, 6), 2)
    feature_probability = Slider(
        "sparsity S", PROBABILITIES, 0.05, sparsity_in_words, "1 - S, how often a feature is on"
    )
    importance_decay = Slider(
        "importance Iᵢ",
        (0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 1.0),
        1.0,
        "{:g}ⁱ".format,
        "d, feature i weighs I = dⁱ in the loss",
    )
    seed = Slider("seed", range(10), 0, about="of W before training, and of the data")
    points = Switch("hidden points (m = 2)", about="whether to show the hidden points of a batch")
    steps = Setting("steps", range(1, 100_001), STEPS, about="updates in a whole training")

    title, size, live = "Superposition lab", (7.4, 4.9), True
    places = {
        "left": (0.085, 0.40, 0.39, 0.585),
        "gram": (0.56, 0.38, 0.43, 0.60),
        "loss": (0.105, 0.105, 0.865, 0.155),
    }
    rebuild_on, display_only = ("n_features", "d_hidden"), ("points",)
    presets = {
        label: {"n_features": 5, "d_hidden": 2, "feature_probability": p, "importance_decay": 0.9}
        for label, p in {"Always on": 1.0, "On 1 time in 4": 0.25, "On 1 time in 20": 0.05}.items()
    }

    @property
    def reading(self) -> Reading:
        """Read the Gram matrix on show."""
        return read_gram(gram(self.frame.W), self.frame.b)

    def draw(self, axes, v):
        self._left = (PlanePart if v.d_hidden == 2 else NormsPart)(axes.left, v.n_features)
        self._gram = GramPart(axes.gram, v.n_features)
        axes.loss.set(xlim=(0, v.steps), ylim=(2e-3, 3), yscale="log", xlabel="training step", ylabel="loss")
        axes.loss.set_yticks([1, 0.1, 0.01], ["100 %", "10 %", "1 %"])
        axes.loss.minorticks_off()
        (self._loss,) = axes.loss.plot([], [], color="black", linewidth=1.5)
        (self._best,) = axes.loss.plot([], [], color=ORANGE, linestyle="--", linewidth=1.5)
        self._words = axes.loss.text(1, 1.02, "", ha="right", va="bottom", transform=axes.loss.transAxes)

    def frames(self, v) -> Iterator[Training]:
        model = ToyModel(v.n_features, v.d_hidden, generator=torch.Generator().manual_seed(v.seed))
        features, importance = _task(v)
        for run in train_in_chunks(
            model, features, importance=importance, steps=v.steps, seed=v.seed, chunk=CHUNK
        ):
            yield Training(run, len(run.steps), model.W.detach().clone(), model.b_final.detach().clone())

    def finish(self, frame: Training, v) -> Training:
        loss = theory.expected_loss(frame.W, frame.b, *_task(v)).item()
        best = _best_loss(v.n_features, v.d_hidden, v.feature_probability, v.importance_decay)
        return frame._replace(loss=loss, best=best)

    def say(self, frame: Training, v) -> str:
        reading = self.reading
        self._gram.show(gram(frame.W), frame.b, numbers=self.done or not self.busy)
        if v.d_hidden == 2:
            self._left.show(frame.W, _hidden_points(frame.W, v.feature_probability) if v.points else None)
        else:
            self._left.show([feature.norm for feature in reading.features], reading.status)
        # The unit of the loss is what a model loses that answers 0, so one axis serves all settings.
        silent = v.feature_probability / 3 * sum(v.importance_decay**i for i in range(v.n_features))
        losses = frame.run.loss[: frame.step // CHUNK * CHUNK].reshape(-1, CHUNK).mean(-1) / silent
        self._loss.set_data([CHUNK * (k + 0.5) for k in range(len(losses))], losses.tolist())
        self._best.set_data([0, v.steps], [frame.best / silent] * 2 if frame.best else [None, None])
        words = f"step {frame.step} of {v.steps}; 100 % is the loss of answering 0"
        self._words.set_text(f"{words}   dashed: best known" if frame.best else words)
        return _sentence(frame, reading)

    def code(self, v) -> str:
        steps = "" if v.steps == STEPS else f", steps={v.steps}"
        return f"""import torch
from tms_edu import SparseFeatures, ToyModel, gram, read_gram, train
model = ToyModel({v.n_features}, {v.d_hidden}, generator=torch.Generator().manual_seed({v.seed}))
train(model, SparseFeatures({v.n_features}, {v.feature_probability}), \
importance={v.importance_decay} ** torch.arange({v.n_features}), seed={v.seed}{steps})
print(read_gram(gram(model.W), model.b_final))"""


def _task(v) -> tuple[SparseFeatures, Tensor]:
    return SparseFeatures(v.n_features, v.feature_probability), v.importance_decay ** torch.arange(
        v.n_features
    )


def _hidden_points(W: Tensor, feature_probability: float) -> Tensor:
    features = SparseFeatures(W.shape[1], feature_probability)
    return features.sample_active(400, generator=torch.Generator().manual_seed(0)) @ W.T


@lru_cache(maxsize=256)
def _best_loss(
    n_features: int, d_hidden: int, feature_probability: float, importance_decay: float
) -> float | None:
    if n_features > MOST_FOR_OPTIMUM:
        return None
    if d_hidden >= n_features:
        return 0.0  # W = I, b = 0
    importance = importance_decay ** torch.arange(n_features)
    return theory.optimum(SparseFeatures(n_features, feature_probability), d_hidden, importance)[2].item()


def _sentence(frame: Training, reading: Reading) -> str:
    if frame.step == 0:
        return "Not trained yet: W is random and b is zero."
    if frame.step < frame.run.total_steps:
        return f"In training: {reading.shape} so far."
    learnt = reading.groups or reading.indices("recovered")
    return f"{'' if learnt else 'Nothing is learnt. '}{reading}{_loss_in_words(frame.loss, frame.best)}"


def _loss_in_words(loss: float | None, best: float | None) -> str:
    if loss is None:
        return ""
    words = f" The exact loss is {loss:.3g}" if loss >= 1e-4 else " The exact loss is below 0.0001"
    if best is None:
        return f"{words}."
    if best < 1e-6:
        return f"{words}; the best known loses nothing."
    if loss > 2 * best:
        return f"{words}, {loss / best:.1f} times the best known."
    return f"{words}, {100 * max(0, loss / best - 1):.1f} % above the best known."
