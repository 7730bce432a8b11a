"""Columns on the way from random to orthonormal, and the linear decoder that loses least."""

from functools import lru_cache

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import normalize


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
