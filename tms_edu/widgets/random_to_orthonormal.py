"""Carry the columns of W from random to orthonormal, and watch the best linear decoder become Wᵀ."""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from matplotlib.figure import Figure
from torch import Tensor

from tms_edu import gram
from tms_edu.linear.decoders import best_decoder, columns, second_moments, share_lost
from tms_edu.widgets.base import LivePicture
from tms_edu.widgets.controls import Slider, sparsity_in_words
from tms_edu.widgets.parts import MatrixPart

WAY = tuple(k / 20 for k in range(21))
PROBABILITIES = (1.0, 0.7, 0.5, 0.3, 0.2, 0.1, 0.05, 0.02, 0.01)


@dataclass(frozen=True)
class Frame:
    """Hold W and the best decoder V at t; three curves along the whole way (3, way); their values at t."""

    W: Tensor
    V: Tensor
    curves: Tensor
    here: list[float]


class RandomToOrthonormal(LivePicture):
    """Compare Wᵀ with the best linear decoder while the columns of W turn from random to orthonormal.

    Args:
        t: how far on the way, 0 (random) to 1 (orthonormal).
        n_features: n, columns of W, 2 to 4.
        d_hidden: m, dimensions, 2 to 4. With n > m no W has orthonormal columns.
        feature_probability: 1 - S of the data that the decoder is best for, 0.01 to 1.
        seed: of the random columns, 0 to 9.

    Raises:
        ValueError: for a value out of these ranges.

    >>> print(RandomToOrthonormal(t=1.0).sentence)
    All columns stand at right angles: WᵀW = I, and the best linear decoder is Wᵀ itself. Nothing is lost.
    """

    title = "From random to orthonormal"
    size = (7.4, 4.7)
    rebuild_on = ("n_features", "d_hidden")
    presets = {
        "3 columns in 3 dimensions": {"n_features": 3, "d_hidden": 3, "t": 1.0},
        "3 columns in 2 dimensions": {"n_features": 3, "d_hidden": 2, "t": 1.0},
    }

    def __init__(
        self,
        t: float = 0.0,
        n_features: int = 3,
        d_hidden: int = 3,
        feature_probability: float = 0.05,
        seed: int = 0,
    ):
        super().__init__(
            t=Slider("orthonormal t", WAY, t, "{:.2f}".format),
            n_features=Slider("columns n", range(2, 5), n_features),
            d_hidden=Slider("dimensions m", range(2, 5), d_hidden),
            feature_probability=Slider("sparsity S", PROBABILITIES, feature_probability, sparsity_in_words),
            seed=Slider("seed", range(10), seed),
        )

    def build(self, figure: Figure, n_features: int, d_hidden: int, **_):
        n, m = n_features, d_hidden
        shapes = {"WᵀW": (n, n), "Wᵀ": (n, m), "best decoder V": (n, m), "V − Wᵀ": (n, m)}
        self._matrices = []
        for k, (title, (height, width)) in enumerate(shapes.items()):
            ax = figure.add_axes((0.065 + 0.242 * k, 0.56, 0.2, 0.36))
            self._matrices.append(MatrixPart(ax, height, width, decimals=2 if width < 4 else 1))
            ax.set(xlabel="hidden dimension" if k else "feature j", ylabel="" if k else "feature i")
            ax.set_title(title, fontsize=12)
            if k:
                ax.set_xticks(range(m), range(1, m + 1))
        ax = figure.add_axes((0.10, 0.12, 0.52, 0.30))
        ax.set(xlim=(0, 1), ylim=(0, 2.05), xlabel="how far from random (0) to orthonormal (1), t")
        ax.set_yticks([0, 0.5, 1, 1.5, 2], ["0 %", "50 %", "100 %", "150 %", "200 %"])
        ax.spines[["top", "right"]].set_visible(False)
        looks = {
            "‖V − Wᵀ‖, in % of ‖V‖": ("black", "-", "o"),
            "squared error of Wᵀ *": ("#D55E00", "--", "s"),
            "squared error of V *": ("#0072B2", ":", "^"),
        }
        self._curves, self._dots = [], []
        for label, (color, style, marker) in looks.items():
            self._curves += ax.plot([], [], color=color, linestyle=style, linewidth=2)
            self._dots += ax.plot(
                [], [], color=color, linestyle=style, marker=marker, markersize=9, label=label
            )
            self._dots[-1].set_clip_on(False)
        ax.legend(loc="center left", bbox_to_anchor=(1.03, 0.6), frameon=False, handlelength=2.5)
        ax.text(1.07, 0.02, "* 100 % is answering 0", transform=ax.transAxes)
        return [artist for part in self._matrices for artist in part.moving] + self._curves + self._dots

    def frames(self, t, n_features, d_hidden, feature_probability, seed) -> Iterator[Frame]:
        C = second_moments(n_features, feature_probability)
        way = columns(n_features, d_hidden, torch.tensor([*WAY, t]), seed)
        V = best_decoder(way, C)
        distance = (V - way.mT).norm(dim=(-2, -1)) / V.norm(dim=(-2, -1))
        curves = torch.stack([distance, share_lost(way.mT, way, C), share_lost(V, way, C)])
        yield Frame(way[-1], V[-1], curves[:, :-1], curves[:, -1].tolist())

    def show(self, frame: Frame, t, **_) -> str:
        W, V = frame.W, frame.V
        for part, matrix in zip(self._matrices, (gram(W), W.T, V, V - W.T), strict=True):
            part.show(matrix)
        for curve, dot, values, value in zip(self._curves, self._dots, frame.curves, frame.here, strict=True):
            curve.set_data(WAY, values)
            dot.set_data([t], [value])
        return _sentence(W, *frame.here)

    def code(self, t, n_features, d_hidden, feature_probability, seed) -> str:
        p = feature_probability
        return f"""import torch
from tms_edu.linear.decoders import columns, second_moments, share_lost
W = columns({n_features}, {d_hidden}, t={t}, seed={seed})
C = second_moments({n_features}, {p})  # E[x xᵀ]
V = C @ W.T @ torch.linalg.pinv(W @ C @ W.T, hermitian=True)  # least E‖V W x − x‖²
print((V - W.T).norm() / V.norm(), share_lost(W.T, W, C), share_lost(V, W, C))"""


def _sentence(W: Tensor, distance: float, lost_by_transpose: float, lost_by_best: float) -> str:
    m, n = W.shape
    cosine = (gram(W) - torch.eye(n)).abs().max().item()
    if cosine < 5e-4:
        return "All columns stand at right angles: WᵀW = I, and the best linear decoder is Wᵀ itself. Nothing is lost."
    crowded = f"{n} columns do not fit at right angles into {m} dimensions. " if n > m else ""
    return (
        f"{crowded}The largest |cos| between two columns is {cosine:.2f}, and Wᵀ differs from the best linear decoder V by "
        f"{100 * distance:.0f} % of V's length. Its squared error is {100 * lost_by_transpose:.0f} % of "
        f"that of answering 0, the error of V {100 * lost_by_best:.0f} %."
    )
