"""Carry the columns of W from random to orthonormal, and watch the best linear decoder become Wᵀ."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import torch
from jaxtyping import Float
from matplotlib.figure import Figure
from torch import Tensor
from torch.nn.functional import normalize

from tms_edu import gram
from tms_edu.widgets.base import LivePicture
from tms_edu.widgets.controls import Slider, sparsity_in_words
from tms_edu.widgets.parts import MatrixPart

WAY = tuple(k / 20 for k in range(21))
PROBABILITIES = (1.0, 0.7, 0.5, 0.3, 0.2, 0.1, 0.05, 0.02, 0.01)


def columns(
    n_features: int, d_hidden: int, t: float | Float[Tensor, "*instances"], seed: int = 0
) -> Float[Tensor, "*instances d_hidden n_features"]:
    """Turn random unit columns the share t of the way until they are orthonormal, or as near to it as n > m allows.

    W(t) has the directions of (1 - t)·W(0) + t·W(1), and every column has length 1. W(1) is found by two
    projections in turn: all singular values equal, all columns of length 1. With n > m that ends at WWᵀ = (n/m)·I,
    where Σ_ij (W_i·W_j)² is as small as it can be.

    Args:
        n_features: n, the columns.
        d_hidden: m, the dimensions.
        t: 0 to 1; with leading axes, one W each.
        seed: of the random columns.

    Returns:
        W, float64.

    >>> W = columns(3, 3, t=1.0)
    >>> (W.T @ W).round(decimals=3).abs()
    tensor([[1., 0., 0.],
            [0., 1., 0.],
            [0., 0., 1.]], dtype=torch.float64)
    """
    first, last = _ends(n_features, d_hidden, seed)
    t = torch.as_tensor(t, dtype=torch.float64)[..., None, None]
    return normalize((1 - t) * first + t * last, dim=-2)


@lru_cache(maxsize=256)
def _ends(n_features: int, d_hidden: int, seed: int) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    first = normalize(torch.randn(d_hidden, n_features, generator=generator, dtype=torch.float64), dim=0)
    last = first
    for _ in range(3000):
        U, S, Vt = torch.linalg.svd(last, full_matrices=False)
        last = normalize(U @ Vt, dim=0)
        if S[0] - S[-1] < 1e-7:
            break
    return first, last


def second_moments(n_features: int, feature_probability: float) -> Float[Tensor, "n_features n_features"]:
    """Average x xᵀ over sparse features: E[x_i²] = p/3, E[x_i x_j] = p²/4, float64.

    >>> second_moments(2, 1.0)
    tensor([[0.3333, 0.2500],
            [0.2500, 0.3333]], dtype=torch.float64)
    """
    p = feature_probability
    same = torch.eye(n_features, dtype=torch.float64)
    return same * p / 3 + (1 - same) * p**2 / 4


def best_decoder(
    W: Float[Tensor, "*instances d_hidden n_features"], C: Float[Tensor, "n_features n_features"]
) -> Float[Tensor, "*instances n_features d_hidden"]:
    """Find the V with the least E‖V W x - x‖², for second moments C = E[x xᵀ].

    V = C Wᵀ (W C Wᵀ)⁺, least squares; for independent columns this is the pseudo-inverse W⁺, whatever the data.

    >>> best_decoder(torch.tensor([[2.0, 0.0], [0.0, 1.0]]), torch.eye(2))
    tensor([[0.5000, 0.0000],
            [0.0000, 1.0000]])
    """
    return C @ W.mT @ torch.linalg.pinv(W @ C @ W.mT, hermitian=True)


def share_lost(
    decoder: Float[Tensor, "*instances n_features d_hidden"],
    W: Float[Tensor, "*instances d_hidden n_features"],
    C: Float[Tensor, "n_features n_features"],
) -> Float[Tensor, "*instances"]:
    """Measure E‖D W x - x‖² as a share of E‖x‖², what a decoder loses that always answers 0.

    >>> share_lost(torch.zeros(2, 1), torch.tensor([[1.0, 0.0]]), torch.eye(2))
    tensor(1.)
    """
    wrong = decoder @ W - torch.eye(W.shape[-1], dtype=W.dtype)
    return (wrong @ C * wrong).sum((-2, -1)) / C.trace()


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
        for k, (title, (rows, columns)) in enumerate(shapes.items()):
            ax = figure.add_axes((0.065 + 0.242 * k, 0.56, 0.2, 0.36))
            self._matrices.append(MatrixPart(ax, rows, columns, decimals=2 if columns < 4 else 1))
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
from tms_edu.widgets.random_to_orthonormal import columns, second_moments, share_lost
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
