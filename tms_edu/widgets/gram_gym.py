"""Practise reading: Gram matrices of trained models, marked feature by feature."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from importlib.resources import files
from itertools import combinations, count

import torch
import traitlets
from anywidget import AnyWidget
from torch import Tensor

from tms_edu import SparseFeatures, ToyModel, gram, read_gram, train
from tms_edu.geometry import Reading
from tms_edu.widgets.base import LivePicture
from tms_edu.widgets.controls import Dropdown, Setting, Slider
from tms_edu.widgets.parts import GramPart
from tms_edu.wording import join, listed, signed

LEVELS = {"5→2": (5, 2), "6→3": (6, 3), "8→4": (8, 4), "12→6": (12, 6), "20→10": (20, 10)}
STATUSES = ("recovered", "superposed", "dropped")
LEVEL = Dropdown("level", list(LEVELS), "5→2", about="features and dimensions")
MARK = Dropdown("status", ("", *STATUSES), "")
RIGHT_TO_RISE = 3
# What lies between these is neither clearly there nor clearly not, and is not asked.
FAINT_DIAGONAL, FAINT_CROSSING = (0.12, 0.4), (0.06, 0.16)


@dataclass(frozen=True)
class Matrix:
    """Hold one trained model's Gram matrix (n, n) and bias (n,), and how to train it again."""

    level: str
    seed: int
    index: int
    G: Tensor
    b: Tensor
    reading: Reading = field(repr=False)


def matrices(level: str, seed: int) -> list[Matrix]:
    """Train eight models side by side, with random sparsity and importances, and keep those that can be read fairly.

    Args:
        level: one of "5→2", "6→3", "8→4", "12→6", "20→10": features and dimensions.
        seed: of the settings, of W before training, and of the data.

    Raises:
        ValueError: for another level.
    """
    n, d_hidden = LEVELS[LEVEL.own(level)]
    generator, k = torch.Generator().manual_seed(seed), 8
    probability = torch.tensor([0.05, 0.1, 0.2, 0.3, 0.4])[torch.randint(5, (k, 1), generator=generator)]
    decay = torch.tensor([0.8, 0.85, 0.9])[torch.randint(3, (k, 1), generator=generator)]
    importance = decay ** torch.rand(k, n, generator=generator).argsort(-1)
    model = ToyModel(n, d_hidden, instances=(k,), generator=generator)
    features = SparseFeatures(n, probability)
    train(model, features, importance=importance, steps=500, seed=seed, progress=False)
    G, b = gram(model.W.detach()), model.b_final.detach()
    return [Matrix(level, seed, i, G[i], b[i], read_gram(G[i], b[i])) for i in range(k) if is_fair(G[i])]


def is_fair(G: Tensor) -> bool:
    """Say whether every entry is clearly on one side of what decides, and not too many crossings have to be marked."""
    n, reading = len(G), read_gram(G)
    off = G.abs()[~torch.eye(n, dtype=torch.bool)]
    faint = _between(G.diagonal(), FAINT_DIAGONAL) | _between(off, FAINT_CROSSING)
    # A feature that only crosses dropped ones would be called superposed with nobody that is there.
    lonely = any(one.partners for one in reading.features if one.status == "dropped")
    return not faint and not lonely and int((off > FAINT_CROSSING[1]).sum()) <= 2 * max(10, n)


def _between(values: Tensor, limits: tuple[float, float]) -> bool:
    return bool(((values > limits[0]) & (values < limits[1])).any())


def endless(level: str, seed: int) -> Iterator[Matrix]:
    """Train one batch after the other, as the matrices of the last are used up."""
    for batch in count(seed):
        yield from matrices(level, batch)


@dataclass
class Attempt:
    """Hold a matrix with the reader's marks: open, until an answer is asked for and no mark is missing.

    Attributes:
        status: a word for each feature, "" where it has none yet.
        pairs: the crossings that are marked, (i, j) with i < j.
        asked: whether an answer is asked for; another mark takes that back.
    """

    matrix: Matrix
    status: list[str]
    pairs: set[tuple[int, int]] = field(default_factory=set)
    asked: bool = False

    @property
    def answered(self) -> bool:
        """Say whether the marks are judged, and stay."""
        return self.asked and "" not in self.status

    @property
    def unmarked(self) -> str:
        """Say which features have no mark; empty if all have one."""
        left = [i for i, mark in enumerate(self.status) if not mark]
        return f"Not marked yet: {listed('feature', left)}." if left else ""

    @property
    def true_pairs(self) -> set[tuple[int, int]]:
        """Return the crossings that there are."""
        return {(one.index, j) for one in self.matrix.reading.features for j in one.partners if one.index < j}

    @property
    def mistakes(self) -> dict[int, str]:
        """Name what is wrong, and why, for each feature that is not marked as it should be; none before the answer."""
        told = {i: self._mistake(i) for i in range(len(self.status))} if self.answered else {}
        return {i: mistake for i, mistake in told.items() if mistake}

    def take(self, status: Iterable, pairs: Iterable):
        """Put these marks in place of those that were.

        Raises:
            ValueError: if there is not one for every feature, if a crossing is not of two superposed features, or once the
                matrix is answered.
        """
        marks, crossings = [MARK.own(mark) for mark in status], {tuple(sorted(pair)) for pair in pairs}
        superposed = [i for i, mark in enumerate(marks) if mark == "superposed"]
        fit = len(marks) == len(self.status) and crossings <= {*combinations(superposed, 2)}
        if self.answered or not fit:
            raise ValueError(
                "marks are a word for each feature and crossings of superposed ones, until the answer."
            )
        self.status, self.pairs, self.asked = marks, crossings, False

    def _mistake(self, i: int) -> str:
        one, given, G = self.matrix.reading.features[i], self.status[i], self.matrix.G
        marked = {j for pair in self.pairs if i in pair for j in pair if j != i}
        missed, extra = (
            join(f"{j} ({signed(G[i, j])})" for j in sorted(crossings))
            for crossings in (one.partners.keys() - marked, marked - one.partners.keys())
        )
        wrong = (("you missed its crossing with", missed), ("there is no crossing with", extra))
        but = join(f"{what} {which}" for what, which in wrong if which)
        is_so, entry = f"Feature {i} is {one.status}", f"its diagonal entry is {signed(G[i, i])}"
        unlike, company = f"{is_so}, you marked it {given}", f", with {missed}" if missed else ""
        table = (
            (given == one.status and not but, ""),
            (one.status == "dropped", f"{unlike}: {entry}, too small for a column of any use."),
            (given == "dropped", f"Feature {i} is not dropped: {entry}. It is {one.status}{company}."),
            (one.status == "recovered" and not extra, f"{unlike}: nothing in its row but the diagonal reaches 0.1."),
            (one.status == "recovered", f"{unlike}: nothing in its row but the diagonal reaches 0.1; {but}."),
            (given == "recovered", f"{unlike}: its row has a crossing with {missed}."),
            (True, f"{is_so}, but {but}."),
        )  # fmt: skip
        return next(sentence for fits, sentence in table if fits)


class _Board(AnyWidget):
    _esm = files(__package__).joinpath("gram_gym.js").read_text("utf-8")
    _css = files(__package__).joinpath("gram_gym.css").read_text("utf-8")
    state = traitlets.Dict().tag(sync=True)


class GramGym(LivePicture):
    """Mark each feature of a trained model recovered, superposed (with whom) or dropped, and be told what you missed.

    The truth is `read_gram`. Only matrices are asked in which every entry is clearly on one side of its thresholds. Three
    right in a row lead to the next level; a wrong answer ends the streak.

    Args:
        level: "5→2", "6→3", "8→4", "12→6" or "20→10", features and dimensions.
        seed: of the models to come, 0 to 999.

    Attributes:
        streak: right answers in a row.
        best: the longest streak so far.

    Raises:
        ValueError: for another level or seed.

    >>> gym = GramGym("6→3")
    >>> for feature in gym.matrix.reading.features:
    ...     gym.mark(feature.index, feature.status, feature.partners)
    >>> gym.answer()
    []
    >>> gym.close()
    """

    level, seed = LEVEL, Setting("seed", range(1000), 0)
    title = "Gram gym"
    size = (7.4, 4.4)
    places = {"gram": (0.07, 0.12, 0.56, 0.86)}
    rebuild_on = ("level",)

    def __init__(self, level: str = "5→2", seed: int = 0):
        self.streak, self.best, self._turn, self._attempt = 0, 0, 0, None
        self._batches, self._left = {}, {}  # by level: the matrices to come, and one that was left unanswered
        self.board = _Board()
        self.board.on_msg(lambda _, content, __: self._told(content))
        super().__init__(level, seed)

    # What a reader's code may use

    @property
    def matrix(self) -> Matrix:
        """Return the matrix on show: `.G`, `.b` and `.reading`."""
        return self.frame

    def mark(self, feature: int, status: str, partners: Iterable[int] = ()):
        """Mark a feature, and its crossings with `partners`, which are marked like it.

        Raises:
            ValueError: for an unknown feature or status, for partners of a feature that is not superposed, and once the
                matrix is answered.
        """
        with self._alone():
            attempt, known = self._attempt, Slider("feature", range(len(self.matrix.G)), 0)
            others = [*partners] if isinstance(partners, Iterable) else [partners]
            feature, *others = map(known.own, [feature, *others])
            marks = [status if i in (feature, *others) else mark for i, mark in enumerate(attempt.status)]
            kept = {pair for pair in attempt.pairs if feature not in pair}
            attempt.take(marks, kept | {(feature, j) for j in others})
            self._draw()

    def answer(self) -> list[str]:
        """Compare the marks with `read_gram`; return a sentence for every mistake. A second call changes nothing.

        As long as features are not marked nothing is judged, and the one sentence says which.
        """
        with self._alone():
            attempt, judged_before = self._attempt, self._attempt.answered
            attempt.asked = True
            if attempt.answered and not judged_before:
                self.streak = 0 if attempt.mistakes else self.streak + 1
                self.best = max(self.best, self.streak)
            self._draw()
            return list(attempt.mistakes.values()) if attempt.answered else [attempt.unmarked]

    def next(self):
        """Take another matrix, of the next level after three right answers in a row."""
        names, right = list(LEVELS), self._attempt.answered and not self._attempt.mistakes
        rise = right and self.streak % RIGHT_TO_RISE == 0
        self.set(level=names[min(names.index(self.values["level"]) + rise, len(names) - 1)])

    # What the base asks for

    def draw(self, axes, v):
        n = LEVELS[v.level][0]
        self._gram, place = GramPart(axes.gram, n), axes.gram.get_yaxis_transform()
        self._words = [axes.gram.text(1.02, i, "", transform=place, va="center") for i in range(n)]

    def compute(self, v) -> Matrix:
        batches = self._batches.setdefault(v.level, endless(v.level, v.seed))
        return self._left.pop(v.level, None) or next(batches)

    def receive(self, frame: Matrix, v):
        left = self._attempt
        if left and not left.answered:
            self._left[left.matrix.level] = left.matrix
            self.streak = 0 if any(left.status) else self.streak
        self._attempt, self._turn = Attempt(frame, [""] * len(frame.G)), self._turn + 1

    def say(self, frame: Matrix, v) -> str:
        marks, wrong = self._attempt.status, self._attempt.mistakes
        self._gram.show(frame.G, frame.b)
        for i, (text, mark) in enumerate(zip(self._words, marks, strict=True)):
            told = ("✗ " if i in wrong else "✓ ") if self._attempt.answered else ""
            text.set_text(f"{told}{mark}")
        return self._result(list(wrong)) if self._attempt.answered else self._task()

    def tell_board(self, v):
        attempt, matrix = self._attempt, self.matrix
        verdict = {
            "mistakes": attempt.mistakes,
            "missed": sorted(attempt.true_pairs - attempt.pairs),
            "extra": sorted(attempt.pairs - attempt.true_pairs),
        }
        self.board.state = {
            "turn": self._turn,
            "gram": matrix.G.tolist(),
            "bias": matrix.b.tolist(),
            "status": attempt.status,
            "pairs": sorted(attempt.pairs),
            "verdict": verdict if attempt.answered else None,
        }

    def code(self, v) -> str:
        answer = "print(matrix.reading)\n" if self._attempt.answered else ""
        return f"""from tms_edu import plots
from tms_edu.widgets.gram_gym import matrices
matrix = next(m for m in matrices({v.level!r}, seed={self.matrix.seed}) if m.index == {self.matrix.index})
{answer}plots.plot_gram(matrix.G, matrix.b)"""

    # What the board tells

    def _told(self, content: dict):
        with self._errors_told(), self._alone():
            if content.get("turn") == self._turn:  # else it was meant for a matrix that is gone
                if not self._attempt.answered:
                    self._attempt.take(content.get("status", ()), content.get("pairs", ()))
                if content.get("action") == "answer":
                    self.answer()
                elif content.get("action") == "next":
                    self.next()

    # Words

    def _task(self) -> str:
        n, d_hidden = LEVELS[self.matrix.level]
        question = "Which features are recovered, which superposed and with whom, and which dropped?"
        asks = self._attempt.unmarked if self._attempt.asked else question
        return f"A trained model of {n} features in {d_hidden} dimensions. {asks}"

    def _result(self, wrong: list[int]) -> str:
        n, more = len(self._attempt.status), RIGHT_TO_RISE - self.streak % RIGHT_TO_RISE
        if wrong:
            streak = f" The streak begins anew; the best was {self.best}." if self.best else ""
            return f"{n - len(wrong)} of {n} features right; wrong: {join(wrong)}.{streak}"
        ahead = f" {more} more to the next level." if more < RIGHT_TO_RISE else " Next: one level up."
        streak = f"{self.streak} in a row, at best {self.best}.{ahead * (self.matrix.level != [*LEVELS][-1])}"
        return f"All {n} right. {self.matrix.reading} {streak}"
