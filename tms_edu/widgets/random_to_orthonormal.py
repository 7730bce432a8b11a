"""Carry the columns of W from random to orthonormal, and watch the best linear decoder become Wᵀ."""

from typing import NamedTuple

import torch
from torch import Tensor

from tms_edu import gram
from tms_edu.linear.decoders import best_decoder, columns, second_moments, share_lost
from tms_edu.plots import BLUE, ORANGE
from tms_edu.widgets.base import LivePicture
from tms_edu.widgets.controls import Slider, sparsity_in_words
from tms_edu.widgets.parts import MatrixPart

WAY = tuple(k / 20 for k in range(21))
PROBABILITIES = (1.0, 0.7, 0.5, 0.3, 0.2, 0.1, 0.05, 0.02, 0.01)
CURVES = {
    "‖WᵀW − I‖": ("black", "-"),
    "‖V − Wᵀ‖": (BLUE, "--"),
    "error of Wᵀ": (ORANGE, "-"),
    "error of V": (BLUE, "--"),
}


class OnTheWay(NamedTuple):
    """Hold W, the best decoder V, and ‖WᵀW - I‖, ‖V - Wᵀ‖ and the squared errors of Wᵀ and V in % of answering 0."""

    W: Tensor
    V: Tensor
    numbers: Tensor  # (4,), or (4, way)


def _on_the_way(t: float | Tensor, v) -> OnTheWay:
    W = columns(v.n_features, v.d_hidden, t, v.seed)
    C = second_moments(v.n_features, v.feature_probability)
    V = best_decoder(W, C)
    distances = [D.norm(dim=(-2, -1)) for D in (gram(W) - torch.eye(v.n_features), V - W.mT)]
    errors = [100 * share_lost(decoder, W, C) for decoder in (W.mT, V)]
    return OnTheWay(W, V, torch.stack(distances + errors))


class RandomToOrthonormal(LivePicture):
    """Compare Wᵀ with the best linear decoder V while the columns of W turn from random to orthonormal.

    With n > m no W has orthonormal columns.

    >>> print(RandomToOrthonormal(t=1.0).sentence)
    All columns stand at right angles: WᵀW = I, and the best linear decoder is Wᵀ itself. Nothing is lost.
    """

    t = Slider("orthonormal t", WAY, 0.0, "{:.2f}".format, "how far on the way from random to orthonormal")
    n_features = Slider("columns n", range(2, 5), 3)
    d_hidden = Slider("dimensions m", range(2, 5), 3)
    feature_probability = Slider(
        "sparsity S", PROBABILITIES, 0.05, sparsity_in_words, "1 - S of the data that V is best for"
    )
    seed = Slider("seed", range(10), 0, about="of the random columns")

    title = "From random to orthonormal"
    size = (7.4, 4.7)
    places = {
        "matrices": [(0.065 + 0.242 * k, 0.56, 0.2, 0.36) for k in range(4)],
        "distances": (0.075, 0.115, 0.385, 0.285),
        "errors": (0.595, 0.115, 0.385, 0.285),
    }
    rebuild_on = ("n_features", "d_hidden", "feature_probability", "seed")
    presets = {
        "3 columns in 3 dimensions": {"n_features": 3, "d_hidden": 3, "t": 1.0},
        "3 columns in 2 dimensions": {"n_features": 3, "d_hidden": 2, "t": 1.0},
    }
    recipe = """import torch
from tms_edu.linear.decoders import columns, second_moments, share_lost
W = columns({n_features}, {d_hidden}, t={t}, seed={seed})
C = second_moments({n_features}, {feature_probability})  # E[x xᵀ]
V = C @ W.T @ torch.linalg.pinv(W @ C @ W.T, hermitian=True)  # least E‖V W x − x‖²
print((W.T @ W - torch.eye({n_features})).norm(), (V - W.T).norm(), share_lost(W.T, W, C), share_lost(V, W, C))"""

    def draw(self, axes, v):
        n, m = v.n_features, v.d_hidden
        shapes = {"WᵀW": (n, n), "Wᵀ": (n, m), "best decoder V": (n, m), "V − Wᵀ": (n, m)}
        self._matrices = []
        for ax, (name, (height, width)) in zip(axes.matrices, shapes.items(), strict=True):
            self._matrices.append(MatrixPart(ax, height, width, decimals=2 if width < 4 else 1))
            ax.set_title(name, fontsize=12)
            if name == "WᵀW":
                ax.set(xlabel="feature j", ylabel="feature i")
            else:
                ax.set(xlabel="hidden dimension", xticklabels=range(1, m + 1))
        numbers = _on_the_way(torch.tensor(WAY), v).numbers
        panels, self._dots = [axes.distances] * 2 + [axes.errors] * 2, []
        for ax, (name, (color, style)), values in zip(panels, CURVES.items(), numbers, strict=True):
            ax.plot(WAY, values, color=color, linestyle=style, linewidth=2, label=name)
            size = 10 if style == "-" else 6  # where two meet, both are seen
            self._dots += ax.plot([], [], color=color, markersize=size, clip_on=False)
        # Where columns nearly coincide, V is so long that all else would lie on the ground.
        axes.distances.set(ylim=(0, max(1.5 * numbers[0].max().item(), 0.1)), ylabel="distance")
        axes.errors.set(ylim=(0, max(1.15 * numbers[2:].max().item(), 5)), ylabel="% of answering 0")
        for ax in (axes.distances, axes.errors):
            ax.set(xlim=(0, 1), xlabel="random (0) to orthonormal (1), t")
            ax.locator_params(axis="y", nbins=4)
            ax.legend(loc="lower left", bbox_to_anchor=(-0.05, 0.96), ncol=2, frameon=False, handlelength=2)

    def compute(self, v) -> OnTheWay:
        return _on_the_way(v.t, v)

    def say(self, frame: OnTheWay, v) -> str:
        W, V, numbers = frame
        for part, matrix in zip(self._matrices, (gram(W), W.T, V, V - W.T), strict=True):
            part.show(matrix)
        for dot, value in zip(self._dots, numbers.tolist(), strict=True):
            top = dot.axes.get_ylim()[1]
            # A triangle at the upper edge: the value is further up.
            dot.set(data=([v.t], [min(value, top)]), marker="^" if value > top else "o")
        return _sentence(W, *numbers.tolist())


def _sentence(W: Tensor, off: float, far: float, lost_by_transpose: float, lost_by_best: float) -> str:
    m, n = W.shape
    cosine = (gram(W) - torch.eye(n)).abs().max()
    if cosine < 5e-4:
        return "All columns stand at right angles: WᵀW = I, and the best linear decoder is Wᵀ itself. Nothing is lost."
    crowded = f"{n} columns do not fit at right angles into {m} dimensions. " if n > m else ""
    return (
        f"{crowded}The largest |cos| between two columns is {cosine:.2f}, and ‖WᵀW − I‖ is {off:.2f}. Wᵀ differs from the "
        f"best linear decoder V by ‖V − Wᵀ‖ = {far:.2f}. Its squared error is {lost_by_transpose:.0f} % of that of "
        f"answering 0, the error of V {lost_by_best:.0f} %."
    )
