"""Pictures: numbers in, `Axes` out. Nothing here trains, shows or changes matplotlib's settings."""

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from torch import Tensor

from tms_edu._validate import require
from tms_edu.wording import signed

BLUE, ORANGE = "#0072B2", "#D55E00"
GRAM_CMAP = LinearSegmentedColormap.from_list("blue_white_orange", [BLUE, "white", ORANGE])
# Okabe and Ito's palette (distinct for the colour-blind), with a marker each so that colour never stands alone.
FEATURE_COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#000000", "#8C6D31")
FEATURE_MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")
MOST_ANNOTATED = 8


def plot_gram(gram: Tensor, b: Tensor | None = None, *, ax: Axes | None = None) -> Axes:
    """Draw a Gram matrix, and the output bias as a column beside it.

    Blue is -1, white 0, orange +1, the same in every picture; up to 8 features the numbers are written in.

    Args:
        gram: WᵀW, (n, n).
        b: output bias, (n,).
        ax: where to draw; a new one if None.

    Returns:
        The axes: `images[0]` is the matrix, `images[1]` the bias column.

    Raises:
        ValueError: if `gram` is not square or `b` does not fit it.
    """
    G = _numbers("gram", gram, 2)
    n = len(G)
    require(G.shape == (n, n), f"A Gram matrix is square; got shape {G.shape}. Did you pass W? Use gram(W).")
    ax = ax or _new_axes(4.8, 4.0)
    _draw_matrix(ax, G, left=-0.5, width=float(n))
    right, step = n - 0.5, 1 if n <= 12 else 5
    ticks = {k: str(k) for k in range(0, n, step)}
    if b is not None:
        bias = _numbers("b", b, 1)
        require(bias.shape == (n,), f"b must have shape ({n},) beside this matrix; got {bias.shape}.")
        left, width = right + max(0.4, 0.04 * n), max(1.0, 0.06 * n)
        _draw_matrix(ax, bias[:, None], left, width)
        right, ticks = left + width, ticks | {left + width / 2: "b"}
    ax.set(xlim=(-0.5, right), xlabel="feature j", ylabel="feature i", yticks=range(0, n, step))
    ax.set_xticks(list(ticks), list(ticks.values()))
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)
    return ax


def _draw_matrix(ax: Axes, values: np.ndarray, left: float, width: float) -> None:
    rows, columns = values.shape
    ax.imshow(values, cmap=GRAM_CMAP, vmin=-1, vmax=1, extent=(left, left + width, rows - 0.5, -0.5))
    ax.add_patch(plt.Rectangle((left, -0.5), width, rows, fill=False, linewidth=0.8, clip_on=False))
    if rows > MOST_ANNOTATED:
        # Thin lines every five rows, to count by.
        ax.hlines(np.arange(4.5, rows - 1, 5), left, left + width, color="0.8", linewidth=0.5)
        if columns > 1:
            ax.vlines(np.arange(4.5, columns - 1, 5), -0.5, rows - 0.5, color="0.8", linewidth=0.5)
        return
    for (i, j), value in np.ndenumerate(values):
        color = "white" if abs(value) > 0.7 else "black"
        x = left + width * (j + 0.5) / columns
        ax.text(x, i, signed(value), ha="center", va="center", fontsize=9, color=color)


def plot_columns(W: Tensor, *, ax: Axes | None = None) -> Axes:
    """Draw the columns of W as arrows in the plane, one colour and marker per feature, with the unit circle.

    Args:
        W: (2, n).
        ax: where to draw; a new one if None.

    Raises:
        ValueError: if W has not exactly two rows.
    """
    columns = _numbers("W", W, 2)
    require(
        columns.shape[0] == 2,
        f"Columns can be drawn in the plane for W of shape (2, n_features); got {columns.shape}.",
    )
    ax = ax or _new_axes(4.0, 4.0)
    ax.add_patch(plt.Circle((0, 0), 1, fill=False, color="0.75", linestyle="--", linewidth=1))
    for i, (x, y) in enumerate(columns.T):
        color, marker = FEATURE_COLORS[i % len(FEATURE_COLORS)], FEATURE_MARKERS[i % len(FEATURE_MARKERS)]
        ax.plot([0, x], [0, y], color=color, linewidth=2)
        ax.plot([x], [y], color=color, marker=marker, markersize=8, linestyle="")
        length = np.hypot(x, y)
        if length > 0.05:
            outward = (length + 0.16) / length
            ax.text(x * outward, y * outward, f"{i}", ha="center", va="center", fontsize=11, color="black")
    short = [str(i) for i, column in enumerate(columns.T) if np.hypot(*column) <= 0.05]
    if short:
        ax.text(0.02, 0.02, f"near zero: {', '.join(short)}", transform=ax.transAxes, fontsize=10)
    limit = max(1.4, 0.3 + np.abs(columns).max(initial=0))
    ax.set(
        xlim=(-limit, limit), ylim=(-limit, limit), xlabel="hidden dimension 1", ylabel="hidden dimension 2"
    )
    ax.set_aspect("equal")
    ax.spines[["top", "right"]].set_visible(False)
    return ax


def plot_inputs(x: Tensor, *, ax: Axes | None = None) -> Axes:
    """Draw a batch of inputs, one column each: white is 0, off, and the darker a cell, the larger the value.

    Args:
        x: (batch, n), values in [0, 1].
        ax: where to draw; a new one if None.

    Returns:
        The axes; `images[0]` holds x with one row per feature.

    Raises:
        ValueError: if x has not exactly two axes, or holds no finite numbers.
    """
    values = _numbers("x", x, 2)
    ax = ax or _new_axes(7.0, 2.0)
    ax.imshow(values.T, cmap="Greys", vmin=0, vmax=1, aspect="auto")
    edges = [np.arange(size + 1) - 0.5 for size in values.shape]
    ax.set_xticks(edges[0], minor=True)
    ax.set_yticks(edges[1], minor=True)
    ax.grid(which="minor", color="0.85", linewidth=0.6)
    ax.tick_params(which="both", length=0)
    ax.set_yticks(range(values.shape[1]))
    ax.set(xlabel="input", ylabel="feature i")
    return ax


def plot_loss(steps: Sequence[int], loss: Tensor, *, ax: Axes | None = None) -> Axes:
    """Draw the loss of each training step on a logarithmic axis, a line per instance.

    Args:
        steps: number of updates made, (logged,).
        loss: (logged,) or (logged, *instances).
        ax: where to draw; a new one if None.

    Raises:
        ValueError: if the lengths differ.
    """
    values = _numbers("loss", loss, None)
    require(
        values.ndim != 0 and len(values) == len(steps),
        f"loss must have one row per logged step, {len(steps)}; got shape {values.shape}.",
    )
    ax = ax or _new_axes(5.0, 3.2)
    lines = values.reshape(len(values), -1)
    color = BLUE if values.ndim == 1 else None
    faint = ax.plot(steps, lines, color=color, linewidth=0.8, alpha=0.3)
    # A batch is a small sample; the mean over the steps around each one shows where the loss really is.
    width = max(1, len(values) // 40)
    around = np.lib.stride_tricks.sliding_window_view(
        np.pad(lines, ((width // 2, width - 1 - width // 2), (0, 0)), "edge"), width, 0
    )
    for line, mean in zip(faint, around.mean(-1).T, strict=True):
        ax.plot(steps, mean, color=line.get_color(), linewidth=1.8)
    ax.set_yscale("log")
    ax.set(xlabel="training step", ylabel="loss of the batch")
    ax.spines[["top", "right"]].set_visible(False)
    return ax


def _new_axes(width: float, height: float) -> Axes:
    return plt.subplots(figsize=(width, height), layout="constrained")[1]


def _numbers(name: str, values: Tensor, axes: int | None) -> np.ndarray:
    array = values.detach().cpu().numpy() if isinstance(values, torch.Tensor) else np.asarray(values)
    require(array.dtype.kind in "fiu", f"{name} must hold numbers; got {array.dtype}.")
    require(
        axes is None or array.ndim == axes,
        f"{name} must have {axes} ax{'i' if axes == 1 else 'e'}s; got shape {array.shape}. Pick one instance?",
    )
    require(np.isfinite(array).all(), f"{name} must be finite; got NaN or infinity.")
    return array.astype(float)
