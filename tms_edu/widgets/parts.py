"""Parts of pictures that several widgets share: drawn once by `plots`, then changed in place."""

import math
from collections.abc import Sequence

import torch
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.text import Text
from torch import Tensor

from tms_edu import plots
from tms_edu.wording import join, signed

MOST_NUMBERED = 6  # features up to which the numbers of a matrix fit into its cells
REACH = 1.6  # half the width of a plane: the longest column of a trained model, with its label


class GramPart:
    """A Gram matrix with the bias beside it, for n features."""

    def __init__(self, ax: Axes, n: int):
        plots.plot_gram(torch.zeros(n, n), torch.zeros(n), ax=ax)
        self._matrix, self._bias = ax.images
        for text in list(ax.texts) if n > MOST_NUMBERED else ():
            text.remove()
        self._numbers = list(ax.texts)

    def show(self, gram: Tensor, b: Tensor, numbers: bool = True):
        """Show WᵀW (n, n) and b (n,); without numbers where they would only flicker."""
        self._matrix.set_data(gram.numpy())
        self._bias.set_data(b[:, None].numpy())
        for text in self._numbers:
            text.set_visible(numbers)
        _write(self._numbers, [*gram.flatten().tolist(), *b.tolist()])


class PlanePart:
    """The n columns of a W of shape (2, n), as arrows in the plane, and the hidden points of a batch."""

    def __init__(self, ax: Axes, n: int):
        plots.plot_columns(torch.ones(2, n), ax=ax)
        ax.set(xlim=(-REACH, REACH), ylim=(-REACH, REACH), xticks=(-1, 0, 1), yticks=(-1, 0, 1))
        self._stems, self._tips, self._labels = ax.lines[::2], ax.lines[1::2], list(ax.texts)
        for label in self._labels:
            label.set_clip_on(True)
        (self._points,) = ax.plot([], [], linestyle="", marker=".", markersize=3, color="0.55", zorder=1)
        self._short = ax.text(0.02, 0.02, "", transform=ax.transAxes)

    def show(self, W: Tensor, points: Tensor | None = None):
        """Show W (2, n), and h of shape (batch, 2)."""
        left, right = self._short.axes.get_xlim()
        step = 0.05 * (right - left)
        short, placed = [], {}
        for i, (x, y) in enumerate(W.T.tolist()):
            self._stems[i].set_data([0, x], [0, y])
            self._tips[i].set_data([x], [y])
            length = math.hypot(x, y)
            outward = 1 + step / max(length, 0.05)
            place = (x * outward, y * outward)
            # Where two labels would cover each other, the first carries both numbers.
            near = next((k for k, other in placed.items() if math.dist(place, other) < step), None)
            self._labels[i].set(position=place, text=str(i), visible=length > 0.05 and near is None)
            if length <= 0.05:
                short.append(i)
            elif near is None:
                placed[i] = place
            else:
                self._labels[near].set_text(f"{self._labels[near].get_text()}, {i}")
        self._short.set_text(f"near zero: {join(short)}" if short else "")
        self._points.set_data(*([], []) if points is None else points.T.numpy())


class NormsPart:
    """The length of each of n columns as a bar, with a word on what became of the feature."""

    def __init__(self, ax: Axes, n: int):
        colors = [plots.FEATURE_COLORS[i % len(plots.FEATURE_COLORS)] for i in range(n)]
        self._bars = ax.barh(range(n), [0] * n, color=colors, height=0.6)
        self._words = [ax.text(0, i, "", va="center") for i in range(n)]
        ax.set(xlim=(0, 2.4), ylim=(n - 0.5, -0.5), xticks=(0, 0.5, 1, 1.5), yticks=range(n))
        ax.set(xlabel="length of its column, ‖W‖", ylabel="feature")

    def show(self, norms: list[float], words: list[str]):
        """Show n lengths and n words."""
        for bar, text, norm, word in zip(self._bars, self._words, norms, words, strict=True):
            bar.set_width(norm)
            text.set(x=min(norm, 1.6) + 0.06, text=word)


class MatrixPart:
    """A small matrix of any shape, in the colours of a Gram matrix, with its numbers written in."""

    def __init__(self, ax: Axes, rows: int, columns: int, decimals: int = 2, **labels):
        zeros = torch.zeros(rows, columns).numpy()
        self._image = ax.imshow(zeros, cmap=plots.GRAM_CMAP, vmin=-1, vmax=1, aspect="auto")
        self._decimals = decimals
        cells = [(i, j) for i in range(rows) for j in range(columns)]
        self._numbers = [ax.text(j, i, "", ha="center", va="center") for i, j in cells]
        ax.set(xticks=range(columns), yticks=range(rows), **labels)
        ax.tick_params(length=0)

    def show(self, matrix: Tensor):
        """Show a matrix (rows, columns); beyond -1 and 1 only the number tells."""
        self._image.set_data(matrix.numpy())
        _write(self._numbers, matrix.flatten().tolist(), self._decimals)


def _write(texts: Sequence[Text], values: Sequence[float], decimals: int = 2):
    for text, value in zip(texts, values, strict=bool(texts)):
        text.set(text=signed(value, decimals), color="white" if abs(value) > 0.7 else "black")


def gaps(ax: Axes, count: int, at: float) -> list[Line2D]:
    """Cross each of `count` horizontal bars by a white line at x, to be shown where a bar is cut."""
    slant = 0.02 * (ax.get_xlim()[1] - ax.get_xlim()[0])
    return [
        ax.plot([at - slant, at + slant], [k + 0.4, k - 0.4], color="white", linewidth=4)[0]
        for k in range(count)
    ]
