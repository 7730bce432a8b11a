"""Columns and linear decoders, against decoders found another way."""

import itertools

import pytest
import torch

from tms_edu import SparseFeatures
from tms_edu.linear.decoders import best_decoder, columns, second_moments, share_lost

SIZES = list(itertools.product((2, 3, 4), (2, 3, 4)))


@pytest.mark.parametrize(("n", "m"), SIZES)
def test_at_the_end_the_columns_are_orthonormal_or_as_near_as_they_can_be(n, m):
    for seed in range(10):
        W = columns(n, m, 1.0, seed)
        assert torch.allclose(W.norm(dim=0), torch.ones(n, dtype=torch.float64))
        # Σ_ij (W_i·W_j)² ≥ n²/m, with equality just where WWᵀ = (n/m)·I.
        assert torch.allclose(W @ W.T, n / m * torch.eye(m, dtype=torch.float64), atol=1e-6) or n < m
        assert (W.T @ W).square().sum().item() == pytest.approx(max(n, n * n / m), abs=1e-6)


@pytest.mark.parametrize(("n", "m"), [size for size in SIZES if size[0] <= size[1]])
def test_the_best_decoder_comes_closer_to_the_transpose_at_every_step(n, m):
    C = second_moments(n, 0.3)
    for seed in range(10):
        W = columns(n, m, torch.linspace(0, 1, 21), seed)
        V = best_decoder(W, C)
        assert torch.allclose(V, torch.linalg.pinv(W), atol=1e-6)
        distance = (V - W.mT).norm(dim=(-2, -1)) / V.norm(dim=(-2, -1))
        assert (distance.diff() < 1e-9).all() and distance[-1] < 1e-6


def test_no_other_decoder_loses_less():
    W, C = columns(4, 2, 0.3), second_moments(4, 0.5)
    V = best_decoder(W, C)
    other = V + 0.1 * torch.randn(200, 4, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    assert (share_lost(other, W.expand(200, 2, 4), C) > share_lost(V, W, C)).all()


@pytest.mark.parametrize("p", [1.0, 0.3, 0.05])
def test_second_moments_are_those_of_the_data(p):
    x = SparseFeatures(3, p).sample(400_000, generator=torch.Generator().manual_seed(0)).double()
    assert torch.allclose(x.T @ x / len(x), second_moments(3, p), rtol=0, atol=5e-3 * p)
