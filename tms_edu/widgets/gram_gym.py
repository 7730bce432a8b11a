"""Practise reading: Gram matrices of trained models, marked feature by feature."""

import atexit
import threading
import weakref
from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib.resources import files

import torch
import traitlets
from anywidget import AnyWidget
from matplotlib.figure import Figure
from torch import Tensor

from tms_edu import SparseFeatures, ToyModel, gram, read_gram
from tms_edu.geometry import Reading
from tms_edu.training import train_in_chunks
from tms_edu.widgets.base import LivePicture, leave_thread_to_browser
from tms_edu.widgets.controls import Choice
from tms_edu.widgets.parts import GramPart

LEVELS = {"5→2": (5, 2), "6→3": (6, 3), "8→4": (8, 4), "12→6": (12, 6), "20→10": (20, 10)}
STATUSES = ("recovered", "superposed", "dropped")
RIGHT_TO_RISE = 3
ENOUGH = 3  # matrices of a level in stock
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


def matrices(level: str, seed: int, halt: threading.Event | None = None) -> list[Matrix]:
    """Train eight models side by side, with random sparsity and importances, and keep those that can be read fairly.

    Args:
        level: one of "5→2", "6→3", "8→4", "12→6", "20→10": features and dimensions.
        seed: of the settings, of W before training, and of the data.
        halt: ends the training early; nothing is returned then.
    """
    n, d_hidden = LEVELS[level]
    generator, k = torch.Generator().manual_seed(seed), 8
    probability = torch.tensor([0.05, 0.1, 0.2, 0.3, 0.4])[torch.randint(5, (k, 1), generator=generator)]
    decay = torch.tensor([0.8, 0.85, 0.9])[torch.randint(3, (k, 1), generator=generator)]
    ranks = torch.rand(k, n, generator=generator).argsort(-1)
    model = ToyModel(n, d_hidden, instances=(k,), generator=generator)
    features = SparseFeatures(n, probability)
    for _ in train_in_chunks(model, features, importance=decay**ranks, steps=500, seed=seed):
        if halt is not None and halt.is_set():
            return []
    G, b = gram(model.W.detach()), model.b_final.detach()
    fair = [i for i in range(k) if is_fair(G[i])]
    return [Matrix(level, seed, i, G[i], b[i], read_gram(G[i], b[i])) for i in fair]


def is_fair(G: Tensor) -> bool:
    """Say whether every entry is clearly on one side of what decides, and not too many crossings have to be marked."""
    n = len(G)
    off = G.abs()[~torch.eye(n, dtype=torch.bool)]
    faint = _between(G.diagonal(), FAINT_DIAGONAL) | _between(off, FAINT_CROSSING)
    reading = read_gram(G)
    dropped = set(reading.indices("dropped"))
    # A feature that only crosses dropped ones would be called superposed with nobody that is there.
    lonely = any(
        feature.partners and dropped & {feature.index, *feature.partners} for feature in reading.features
    )
    return not faint and not lonely and int((off > FAINT_CROSSING[1]).sum()) <= 2 * max(10, n)


def _between(values: Tensor, limits: tuple[float, float]) -> bool:
    return bool(((values > limits[0]) & (values < limits[1])).any())


_OPEN = weakref.WeakSet()


@atexit.register
def _close_all():
    # A thread that is still inside torch when the interpreter ends aborts the process.
    for stock in list(_OPEN):
        stock.close()


class _Stock:
    """Matrices of every level; while one is being read, others are trained ahead."""

    def __init__(self, seed: int):
        self._matrices: dict[str, list[Matrix]] = {level: [] for level in LEVELS}
        self._seeds = {level: iter(range(seed, 10**9)) for level in LEVELS}
        self._lock = threading.Lock()
        self._halt = threading.Event()
        self._thread: threading.Thread | None = None
        _OPEN.add(self)

    def take(self, level: str) -> Matrix:
        while True:
            with self._lock:
                if self._matrices[level]:
                    return self._matrices[level].pop(0)
            self._train(level)

    def put_back(self, matrix: Matrix):
        with self._lock:
            self._matrices[matrix.level].insert(0, matrix)

    def train_ahead(self, level: str):
        """See to it that this level and the next do not run out."""
        if self._halt.is_set() or (self._thread and self._thread.is_alive()):
            return
        names = list(LEVELS)
        levels = [name for name in names[names.index(level) :][:2] if len(self._matrices[name]) < ENOUGH]
        self._thread = threading.Thread(
            target=self._work, args=(levels,), name="Gram gym at work", daemon=True
        )
        self._thread.start()

    def _work(self, levels: list[str]):
        for level in levels:
            self._train(level)

    def _train(self, level: str):
        with self._lock:
            seed = next(self._seeds[level])
        found = matrices(level, seed, self._halt)
        with self._lock:
            self._matrices[level] += found

    def close(self):
        self._halt.set()
        if self._thread:
            self._thread.join()


class _Board(AnyWidget):
    _esm = files(__package__).joinpath("gram_gym.js").read_text("utf-8")
    _css = files(__package__).joinpath("gram_gym.css").read_text("utf-8")
    gram = traitlets.List().tag(sync=True)
    bias = traitlets.List().tag(sync=True)
    marks = traitlets.Dict().tag(sync=True)
    verdict = traitlets.Dict().tag(sync=True)
    turn = traitlets.Int().tag(sync=True)


class GramGym(LivePicture):
    """Mark each feature of a trained model recovered, superposed (with whom) or dropped, and be told what you missed.

    The truth is `read_gram`. Only matrices are asked in which every entry is clearly on one side of its thresholds. Three
    right in a row lead to the next level; a wrong answer ends the streak. Further models are trained in the background.

    Args:
        level: "5→2", "6→3", "8→4", "12→6" or "20→10", features and dimensions.
        seed: of the models to come.

    Attributes:
        streak: right answers in a row.

    Raises:
        ValueError: for an unknown level.

    >>> gym = GramGym("6→3")
    >>> for feature in gym.matrix.reading.features:
    ...     gym.mark(feature.index, feature.status, feature.partners)
    >>> gym.answer()
    []
    >>> gym.close()
    """

    title = "Gram gym"
    size = (7.4, 4.4)
    rebuild_on = ("level",)

    def __init__(self, level: str = "5→2", seed: int = 0):
        self.streak, self.best, self._turn = 0, 0, 0
        self._stock, self._board = _Stock(seed), _Board()
        self._matrix: Matrix | None = None
        self._status: list[str] = []
        self._pairs: set[tuple[int, int]] = set()
        self._mistakes: list[str] | None = None
        self._asked = False
        super().__init__(level=Choice("level", list(LEVELS), level))
        self._stage.add_class("tms-words-only")  # on the page the board takes the picture's place
        self._box.children = [self._panel, self._board, self._stage]
        self._board.on_msg(lambda _, content, __: self._told(content))

    # What a reader's code may use

    @property
    def matrix(self) -> Matrix:
        """Return the matrix on show: `.G`, `.b` and `.reading`."""
        return self._run.frame

    def mark(self, feature: int, status: str, partners: Sequence[int] | dict = ()):
        """Mark a feature, and its crossings with `partners`.

        Raises:
            ValueError: for an unknown feature or status, or partners of a feature that is not superposed.
        """
        n = len(self.matrix.G)
        for index in (feature, *partners):
            if index not in range(n):
                raise ValueError(f"there is no feature {index}; they are 0 to {n - 1}.")
        if status not in STATUSES:
            raise ValueError(f"got status {status!r}, expected one of {STATUSES}.")
        if feature in partners or (partners and status != "superposed"):
            raise ValueError(f"a {status} feature {feature} cannot have the partners {list(partners)}.")
        with self._alone():
            self._pairs = {pair for pair in self._pairs if feature not in pair}
            self._pairs |= {(min(feature, j), max(feature, j)) for j in partners}
            for index in (feature, *partners):
                self._status[index] = status
            self._draw()

    def answer(self) -> list[str]:
        """Compare the marks with `read_gram`; return a sentence for every mistake. A second call changes nothing.

        As long as features are not marked nothing is judged, and the one sentence says which.
        """
        with self._alone():
            self._asked = True
            if "" in self._status:
                self._draw()
                return [self._unmarked()]
            if self._mistakes is None:
                told = [self._mistake(i) for i in range(len(self._status))]
                self._mistakes = [mistake for mistake in told if mistake]
                self.streak = 0 if self._mistakes else self.streak + 1
                self.best = max(self.best, self.streak)
                self._draw()
            return self._mistakes

    def next(self):
        """Take another matrix, of the next level after three right answers in a row."""
        names = list(LEVELS)
        rise = self._mistakes == [] and self.streak % RIGHT_TO_RISE == 0
        level = names[min(names.index(self.values["level"]) + rise, len(names) - 1)]
        self.set(level=level)

    def close(self):
        self._stock.close()
        super().close()
        self._board.close()

    # What the base asks for

    def build(self, figure: Figure, level: str):
        n = LEVELS[level][0]
        self._gram = GramPart(figure.add_axes((0.07, 0.12, 0.56, 0.86)), n)
        axes = figure.axes[0]
        place = axes.get_yaxis_transform()
        self._words = [axes.text(1.02, i, "", transform=place, va="center") for i in range(n)]
        return [*self._gram.moving, *self._words]

    def frames(self, level: str):
        matrix = self._stock.take(level)
        self._stock.train_ahead(level)
        yield matrix

    def show(self, frame: Matrix, level: str) -> str:
        if frame is not self._matrix:
            if self._matrix and self._mistakes is None:
                self._stock.put_back(self._matrix)
                self.streak = 0 if any(self._status) else self.streak
            self._matrix, self._mistakes = frame, None
            self._turn, self._asked = self._turn + 1, False
            self._status, self._pairs = [""] * len(frame.G), set()
        self._gram.show(frame.G, frame.b)
        for i, text in enumerate(self._words):
            right = not self._mistake(i)
            told = "" if self._mistakes is None else "✓ " if right else "✗ "
            text.set_text(f"{told}{self._status[i]}")
        return self._sentence()

    def code(self, level: str) -> str:
        matrix = self.matrix
        answer = "" if self._mistakes is None else "print(matrix.reading)\n"
        return f"""from tms_edu import plots
from tms_edu.widgets.gram_gym import matrices
matrix = next(m for m in matrices({level!r}, seed={matrix.seed}) if m.index == {matrix.index})
{answer}plots.plot_gram(matrix.G, matrix.b)"""

    def _draw(self, busy: bool = False):
        super()._draw(busy)
        verdict = {}
        if self._mistakes is not None:
            right = [not self._mistake(i) for i in range(len(self._status))]
            truth = self._true_pairs()
            verdict = {
                "right": right,
                "mistakes": self._mistakes,
                "missed": sorted(truth - self._pairs),
                "extra": sorted(self._pairs - truth),
            }
        with self._board.hold_sync():
            self._board.turn = self._turn
            self._board.gram = self._matrix.G.tolist()
            self._board.bias = self._matrix.b.tolist()
            self._board.marks = {"status": list(self._status), "pairs": sorted(self._pairs)}
            self._board.verdict = verdict
        leave_thread_to_browser(self._board.comm)

    # What the board tells

    def _told(self, content: dict):
        with self._errors_told():
            if content["turn"] != self._turn:
                return  # meant for a matrix that is gone
            if content["action"] == "next":
                return self.next()
            if self._mistakes is None:
                with self._alone():
                    self._status = [mark if mark in STATUSES else "" for mark in content["status"]]
                    self._pairs = {(min(pair), max(pair)) for pair in content["pairs"]}
            if content["action"] == "answer":
                self.answer()

    # Words

    def _true_pairs(self) -> set[tuple[int, int]]:
        return {
            (i, j)
            for i, feature in enumerate(self._matrix.reading.features)
            for j in feature.partners
            if i < j and feature.status == "superposed"
        }

    def _sentence(self) -> str:
        n, d_hidden = LEVELS[self._matrix.level]
        if self._mistakes is None:
            task = f"A trained model of {n} features in {d_hidden} dimensions."
            if self._asked and "" in self._status:
                return f"{task} {self._unmarked()}"
            return f"{task} Which features are recovered, which superposed and with whom, and which dropped?"
        if not self._mistakes:
            more = RIGHT_TO_RISE - self.streak % RIGHT_TO_RISE
            last = self._matrix.level == list(LEVELS)[-1]
            ahead = (
                ""
                if last
                else f" {more} more to the next level."
                if more < RIGHT_TO_RISE
                else " Next: one level up."
            )
            return (
                f"All {n} right. {self._matrix.reading} {self.streak} in a row, at best {self.best}.{ahead}"
            )
        wrong = sum(bool(self._mistake(i)) for i in range(n))
        streak = f" The streak begins anew; the best was {self.best}." if self.best else ""
        return f"{n - wrong} of {n} features right. {self._mistakes[0]}{streak}"

    def _unmarked(self) -> str:
        names = [str(i) for i, status in enumerate(self._status) if not status]
        return f"Not marked yet: feature{'s' if len(names) > 1 else ''} {_listed(names)}."

    def _mistake(self, i: int) -> str:
        """Name what is wrong with the mark of feature i, and why; empty if it is right."""
        feature, given = self._matrix.reading.features[i], self._status[i]
        entry, partners = self._matrix.G[i, i].item(), feature.partners
        marked = {j for pair in self._pairs if i in pair for j in pair} - {i}
        missed = [f"{j} ({partners[j]:+.2f})" for j in sorted(partners.keys() - marked)]
        extra = [f"{j} ({self._matrix.G[i, j].item():+.2f})" for j in sorted(marked - partners.keys())]
        if given == feature.status and not missed and not extra:
            return ""
        was = f"you marked it {given}"
        if feature.status == "dropped" and given != "dropped":
            return f"Feature {i} is dropped, {was}: its diagonal entry is {entry:+.2f}, too small for a column of any use."
        if given == "dropped":
            return f"Feature {i} is not dropped: its diagonal entry is {entry:+.2f}. It is {feature.status}{_with(missed)}."
        if feature.status == "recovered":
            return f"Feature {i} is recovered, {was}: nothing in its row but the diagonal reaches 0.1{_no_crossing(extra)}."
        if given != "superposed":
            return f"Feature {i} is superposed, {was}: its row has a crossing with {_listed(missed)}."
        told = [("you missed its crossing with", missed), ("there is no crossing with", extra)]
        words = " and ".join(f"{what} {_listed(items)}" for what, items in told if items)
        return f"Feature {i} is superposed, but {words}."


def _listed(items: list[str]) -> str:
    return " and ".join(filter(None, [", ".join(items[:-1]), items[-1]]))


def _with(items: list[str]) -> str:
    return f", with {_listed(items)}" if items else ""


def _no_crossing(items: list[str]) -> str:
    return f"; there is no crossing with {_listed(items)}" if items else ""
