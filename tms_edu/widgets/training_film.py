"""Scrub through the snapshots of a recorded training run; nothing is trained again."""

from functools import cache

import torch
from matplotlib.figure import Figure
from torch import Tensor

from tms_edu import SparseFeatures, ToyModel, gram, read_gram, train
from tms_edu.geometry import Reading
from tms_edu.training import Snapshot, TrainingRun
from tms_edu.widgets.base import LivePicture
from tms_edu.widgets.controls import Slider
from tms_edu.widgets.parts import GramPart, NormsPart, PlanePart

MOST_FEATURES, MOST_WORDS = 20, 12
STEPS, SNAPSHOTS = 400, 101


class TrainingFilm(LivePicture):
    """Scrub through a recorded run: the columns of W (their lengths, if m is not 2), the Gram matrix, the loss so far.

    Args:
        run: of one ToyModel with 2 to 20 features, recorded with `train(..., snapshots=50)`, say. None: five features in
            two dimensions, on one time in twenty.
        step: where to open the film; the nearest snapshot is taken. None: the last one.

    Attributes:
        changes: the steps at which a feature is read as recovered, superposed or dropped for the first time since it was
            read otherwise, or is in other company.
        settled: the step from which on the reading has the shape it has at the end.

    Raises:
        ValueError: if the run has fewer than two snapshots, has instances, or is too wide.

    >>> film = TrainingFilm()
    >>> film.reading.shape, film.settled < 200
    ('pentagon', True)
    """

    title = "Training film"
    size = (7.4, 4.9)
    actions = {
        "First": "first",
        "Previous change": "previous_change",
        "Next change": "next_change",
        "Last": "last",
    }

    def __init__(self, run: TrainingRun | None = None, step: int | None = None):
        self._own, self.run = run is not None, run or _recorded()
        _require_film(self.run)
        self._snapshots = {snapshot.step: snapshot for snapshot in self.run.snapshots}
        steps = list(self._snapshots)
        self._readings = {
            step: read_gram(gram(snapshot.W.float()), snapshot.b_final.float())
            for step, snapshot in self._snapshots.items()
        }
        pairs = list(zip(steps, steps[1:], strict=False))
        self.changes = [
            after
            for before, after in pairs
            if _fates(self._readings[before]) != _fates(self._readings[after])
        ]
        shapes = [self._readings[step].shape for step in steps]
        self.settled = steps[max((k + 1 for k in range(len(steps)) if shapes[k] != shapes[-1]), default=0)]
        # One point a snapshot: the mean over the batches since the one before.
        self._losses = {after: self.run.loss[before:after].mean().item() for before, after in pairs}
        nearest = steps[-1] if step is None else min(steps, key=lambda known: abs(known - step))
        super().__init__(step=Slider("training step", steps, nearest))

    @property
    def reading(self) -> Reading:
        """Read the Gram matrix on show."""
        return self._readings[self.values["step"]]

    def first(self):
        """Go to the first snapshot."""
        self._go(next(iter(self._snapshots)))

    def last(self):
        """Go to the last snapshot."""
        self._go(list(self._snapshots)[-1])

    def next_change(self):
        """Go on to the next change in the reading, or to the end."""
        last = list(self._snapshots)[-1]
        self._go(next((step for step in self.changes if step > self.values["step"]), last))

    def previous_change(self):
        """Go back to the change before this step, or to the start."""
        earlier = [step for step in self.changes if step < self.values["step"]]
        self._go(earlier[-1] if earlier else next(iter(self._snapshots)))

    def _go(self, step: int):
        self.set(step=step)

    def build(self, figure: Figure, **_):
        d_hidden, n = self.run.snapshots[0].W.shape
        part = PlanePart if d_hidden == 2 else NormsPart
        self._left = part(figure.add_axes((0.085, 0.40, 0.39, 0.585)), n)
        self._gram = GramPart(figure.add_axes((0.56, 0.38, 0.43, 0.60)), n)
        ax = figure.add_axes((0.105, 0.105, 0.865, 0.17))
        low, high = min(self._losses.values()) / 1.5, 1.5 * max(self._losses.values())
        ax.set(xlim=(0, self.run.snapshots[-1].step), ylim=(low, high), yscale="log")
        ax.set(xlabel="training step (dotted: the reading of a feature changes)", ylabel="loss")
        ticks = [digit * 10.0**power for power in range(-8, 4) for digit in (1, 3)]
        ax.set_yticks([tick for tick in ticks if low <= tick <= high])
        ax.set_yticklabels([f"{tick:g}" for tick in ax.get_yticks()])
        ax.minorticks_off()
        ax.spines[["top", "right"]].set_visible(False)
        for step in self.changes:
            ax.axvline(step, color="0.6", linestyle=":", linewidth=1)
        (self._loss,) = ax.plot([], [], color="black", linewidth=1.5)
        (self._now,) = ax.plot([], [], color="#D55E00", marker="o", clip_on=False)
        return [*self._left.moving, *self._gram.moving, self._loss, self._now]

    def frames(self, step: int):
        yield self._snapshots[step]

    def show(self, frame: Snapshot, step: int) -> str:
        W, b = frame.W.float(), frame.b_final.float()
        reading = self._readings[step]
        self._gram.show(gram(W), b)
        if W.shape[0] == 2:
            self._left.show(W)
        else:
            words = reading.status if W.shape[1] <= MOST_WORDS else [""] * W.shape[1]
            self._left.show([feature.norm for feature in reading.features], words)
        so_far = [known for known in self._losses if known <= step]
        self._loss.set_data(so_far, [self._losses[known] for known in so_far])
        last = so_far[-1:] or list(self._losses)[:1]
        self._now.set_data([step], [self._losses[last[0]]])
        return f"Step {step} of {self.run.total_steps}: {reading.shape}. {self._story(step)}"

    def _story(self, step: int) -> str:
        """Say what changed at this step, or when it last did, and what the loss was."""
        steps = list(self._snapshots)
        if step == steps[0]:
            return "No update has been made yet."
        loss = f" The batches since step {steps[steps.index(step) - 1]} lost {self._losses[step]:.3g} on average, give or take chance."
        if step in self.changes:
            return _change(self._readings[steps[steps.index(step) - 1]], self._readings[step]) + loss
        before = [change for change in self.changes if change < step]
        since = f"Since step {before[-1] if before else steps[0]} every feature reads as it does now"
        if step < self.settled:
            return f"{since}.{loss}"
        return f"{since}, and since step {self.settled} so does the whole shape.{loss}"

    def code(self, step: int) -> str:
        record = "# run: the recording that this film was given\n"
        if not self._own:
            record = f"""import torch
from tms_edu import SparseFeatures, ToyModel, gram, read_gram, train
model = ToyModel(5, 2, generator=torch.Generator().manual_seed(0))
run = train(model, SparseFeatures(5, 0.05), steps={STEPS}, snapshots={SNAPSHOTS}, progress=False)
"""
        index = list(self._snapshots).index(step)
        return f"{record}step, W, b = run.snapshots[{index}]\nprint(step, read_gram(gram(W), b))"


@cache
def _recorded() -> TrainingRun:
    model = ToyModel(5, 2, generator=torch.Generator().manual_seed(0))
    return train(model, SparseFeatures(5, 0.05), steps=STEPS, snapshots=SNAPSHOTS, progress=False)


def _require_film(run: TrainingRun):
    if len(run.snapshots) < 2:
        raise ValueError(
            f"run has {len(run.snapshots)} snapshots, and a film needs two or more. Record it with "
            "train(..., snapshots=50)."
        )
    W: Tensor = run.snapshots[0].W
    if W.ndim != 2:
        raise ValueError(
            f"run must be of one model, W of shape (d_hidden, n_features); got {tuple(W.shape)}. Train one instance."
        )
    if not 2 <= W.shape[1] <= MOST_FEATURES:
        raise ValueError(f"run must have 2 to {MOST_FEATURES} features; got {W.shape[1]}.")


def _fates(reading: Reading) -> list[tuple]:
    """List for each feature its status and whom it is grouped with."""
    groups = {member: group.members for group in reading.groups for member in group.members}
    return [(status, groups.get(i, ())) for i, status in enumerate(reading.status)]


def _change(before: Reading, after: Reading) -> str:
    moves: dict[str, list[int]] = {}
    for i, (old, new) in enumerate(zip(before.status, after.status, strict=True)):
        if old != new:
            moves.setdefault(f"from {old} to {new}", []).append(i)
    if moves:
        told = [f"{_features(indices)} went {way}" for way, indices in moves.items()]
        return f"Just now {'; '.join(told)}."
    pairs = zip(_fates(before), _fates(after), strict=True)
    return f"Just now {_features([i for i, (old, new) in enumerate(pairs) if old != new])} changed company."


def _features(indices: list[int]) -> str:
    names = ", ".join(map(str, indices[:-1])) + " and " * (len(indices) > 1) + str(indices[-1])
    return f"feature{'s' * (len(indices) > 1)} {names}"
