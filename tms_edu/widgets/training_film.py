"""Scrub through the snapshots of a recorded training run; nothing is trained again."""

from functools import cache
from itertools import pairwise, takewhile

import torch

from tms_edu import SparseFeatures, ToyModel, gram, read_gram, train
from tms_edu.geometry import Reading
from tms_edu.plots import ORANGE
from tms_edu.training import Snapshot, TrainingRun
from tms_edu.widgets.base import LivePicture
from tms_edu.widgets.controls import Slider, quoted
from tms_edu.widgets.parts import GramPart, NormsPart, PlanePart
from tms_edu.wording import listed

MOST_FEATURES, MOST_WORDS = 20, 12
FEWEST_LATE = 10  # stops after the shape has settled, where there are as many snapshots
STEPS, SNAPSHOTS = 400, 101
RECORD = f"""import torch
from tms_edu import SparseFeatures, ToyModel, gram, read_gram, train
model = ToyModel(5, 2, generator=torch.Generator().manual_seed(0))
run = train(model, SparseFeatures(5, 0.05), steps={STEPS}, snapshots={SNAPSHOTS}, progress=False)
"""
GIVEN = "# run: the recording that this film was given\n"


class TrainingFilm(LivePicture):
    """Scrub through a recorded run: the columns of W (their lengths, if m is not 2), the Gram matrix, the loss so far.

    The slider stops at every snapshot until the shape has settled, and at about as many after it, evenly spread, so that
    half of its length is for what happens first. It stops at every change, too.

    Args:
        run: of one ToyModel with 2 to 20 features, recorded with `train(..., snapshots=50)`, say. None: five features in
            two dimensions, on one time in twenty.
        step: where to open the film, from 0 to the run's last step; the nearest snapshot is taken. None: the last.

    Attributes:
        changes: the steps at which a feature is read as recovered, superposed or dropped for the first time since it was
            read otherwise, or is in other company.
        settled: the step from which on the reading has the shape it has at the end.

    Raises:
        ValueError: if the run has fewer than two snapshots, has instances, or is too wide, or has no such step.

    >>> film = TrainingFilm()
    >>> film.reading.shape, film.settled < 200
    ('pentagon', True)
    """

    title = "Training film"
    size = (7.4, 4.9)
    places = {
        "left": (0.085, 0.40, 0.39, 0.585),
        "gram": (0.56, 0.38, 0.43, 0.60),
        "loss": (0.105, 0.105, 0.865, 0.17),
    }
    actions = {
        "First": "first",
        "Previous change": "previous_change",
        "Next change": "next_change",
        "Last": "last",
    }

    def __init__(self, run: TrainingRun | None = None, step: int | None = None):
        self._record, self.run = (GIVEN, run) if run is not None else (RECORD, _recorded())
        _require_film(self.run)
        self._shots = {at: Snapshot(at, W.float().cpu(), b.float().cpu()) for at, W, b in self.run.snapshots}
        self._readings = {at: read_gram(gram(W), b) for at, W, b in self._shots.values()}
        pairs, losses = list(pairwise(self._shots)), self.run.loss
        # One point a snapshot: the mean over the batches since the one before.
        self._losses = {after: losses[before:after].mean().item() for before, after in pairs}
        self.changes = [after for before, after in pairs if self._fates(before) != self._fates(after)]
        steps, shape = list(self._shots), self._readings[max(self._shots)].shape
        self.settled = [*takewhile(lambda at: self._readings[at].shape == shape, steps[::-1])][-1]
        wished = Slider("training step", steps, steps[-1] if step is None else step).value
        opened = min(steps, key=lambda at: abs(at - wished))
        stops = sorted({opened, *self.changes, *_stops(steps, self.settled)})
        super().__init__(step=Slider("training step", stops, opened))

    @property
    def reading(self) -> Reading:
        """Read the Gram matrix on show."""
        return self._readings[self.frame.step]

    def first(self):
        """Go to the first snapshot."""
        self.set(step=min(self._shots))

    def last(self):
        """Go to the last snapshot."""
        self.set(step=max(self._shots))

    def next_change(self):
        """Go on to the next change in the reading, or to the end."""
        self.set(step=min((at for at in self.changes if at > self.frame.step), default=max(self._shots)))

    def previous_change(self):
        """Go back to the change before this step, or to the start."""
        self.set(step=max((at for at in self.changes if at < self.frame.step), default=min(self._shots)))

    def draw(self, axes, v):
        d_hidden, n = self.frame.W.shape
        self._left = (PlanePart if d_hidden == 2 else NormsPart)(axes.left, n)
        self._gram, ax = GramPart(axes.gram, n), axes.loss
        low, high = max(min(self._losses.values()), 1e-8) / 1.5, 1.5 * max(*self._losses.values(), 1e-8)
        ticks = [k * 10.0**power for power in range(-8, 4) for k in (1, 3) if low <= k * 10.0**power <= high]
        ax.set(
            xlim=(0, max(self._shots)),
            ylim=(low, high),
            yscale="log",
            ylabel="loss",
            xlabel="training step (dotted: the reading of a feature changes)",
        )
        ax.set_yticks(ticks, [f"{tick:g}" for tick in ticks])
        ax.minorticks_off()
        ax.vlines(self.changes, low, high, color="0.6", linestyle=":", linewidth=1)
        (self._loss,) = ax.plot([], [], color="black", linewidth=1.5)
        (self._now,) = ax.plot([], [], color=ORANGE, marker="o", clip_on=False)

    def compute(self, v) -> Snapshot:
        return self._shots[v.step]

    def say(self, frame: Snapshot, v) -> str:
        reading, d_hidden = self._readings[v.step], len(frame.W)
        words = reading.status if len(reading.features) <= MOST_WORDS else [""] * len(reading.features)
        self._left.show(*[frame.W] if d_hidden == 2 else [[one.norm for one in reading.features], words])
        self._gram.show(gram(frame.W), frame.b_final)
        losses = {at: loss for at, loss in self._losses.items() if at <= v.step}
        self._loss.set_data(list(losses), list(losses.values()))
        self._now.set_data([v.step], [self._losses[max(v.step, min(self._losses))]])
        return f"Step {v.step} of {self.run.total_steps}: {reading.shape}. {self._story(v.step)}"

    def _story(self, step: int) -> str:
        """Say what changed at this step, or when it last did, and what the loss was."""
        if step not in self._losses:
            return "No update has been made yet."
        before = max(at for at in self._shots if at < step)
        last = max((at for at in self.changes if at < step), default=0)
        shape = f", and since step {self.settled} so does the whole shape" if step >= self.settled else ""
        since = f"Since step {last} every feature reads as it does now{shape}."
        news = self._change(before, step) if step in self.changes else since
        return f"{news} The batches since step {before} lost {self._losses[step]:.3g} on average, give or take chance."

    def _change(self, before: int, after: int) -> str:
        """Say whose status changed, or, if nobody's did, whose company."""
        fates = list(zip(self._fates(before), self._fates(after), strict=True))
        moved = {i: f"went from {old} to {new}" for i, ((old, _), (new, _)) in enumerate(fates) if old != new}
        moved = moved or {i: "changed company" for i, (old, new) in enumerate(fates) if old != new}
        ways = {way: [i for i in moved if moved[i] == way] for way in moved.values()}
        return "Just now " + "; ".join(f"{listed('feature', who)} {way}" for way, who in ways.items()) + "."

    def _fates(self, step: int) -> list[tuple[str, tuple[int, ...]]]:
        """List for each feature its status and whom it is grouped with."""
        groups = {member: group.members for group in self._readings[step].groups for member in group.members}
        return [(one.status, groups.get(one.index, ())) for one in self._readings[step].features]

    def code(self, v) -> str:
        return f"{self._record}step, W, b = run.snapshots[{[*self._shots].index(v.step)}]\nprint(step, read_gram(gram(W), b))"


@cache
def _recorded() -> TrainingRun:
    model = ToyModel(5, 2, generator=torch.Generator().manual_seed(0))
    return train(model, SparseFeatures(5, 0.05), steps=STEPS, snapshots=SNAPSHOTS, progress=False)


def _require_film(run: TrainingRun):
    shapes = [tuple(snapshot.W.shape) for snapshot in getattr(run, "snapshots", ())]
    if len(shapes) < 2:
        raise ValueError(
            f"{quoted(run)} has {len(shapes)} snapshots, and a film needs two or more. Give it what "
            "train(..., snapshots=50) returns."
        )
    if len(shapes[0]) != 2 or not 2 <= shapes[0][1] <= MOST_FEATURES:
        raise ValueError(
            f"run must be of one model with 2 to {MOST_FEATURES} features; got {shapes[0][-1]} in a W of shape {shapes[0]}. "
            "Train one instance."
        )


def _stops(steps: list[int], settled: int) -> list[int]:
    early, late = [at for at in steps if at <= settled], [at for at in steps if at > settled]
    return early + late[:: -max(1, len(late) // max(len(early), FEWEST_LATE))]
