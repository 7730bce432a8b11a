"""From random to orthonormal: the sentence against decoders found another way."""

import itertools
import re

import numpy as np
import pytest
import torch

from tms_edu import SparseFeatures
from tms_edu.widgets import RandomToOrthonormal
from tms_edu.widgets.random_to_orthonormal import best_decoder, columns, second_moments, share_lost

SIZES = list(itertools.product((2, 3, 4), (2, 3, 4)))


def least_squares(W, C):
    # min ‖V W L - L‖ with C = L Lᵀ is the same problem, solved row by row.
    L = np.linalg.cholesky(C)
    return np.linalg.lstsq((W @ L).T, L.T, rcond=None)[0].T


@pytest.mark.parametrize(("n", "m"), SIZES)
@pytest.mark.parametrize(
    "values", [{"t": 0.0}, {"t": 0.4, "feature_probability": 1.0}, {"t": 0.9, "seed": 3}]
)
def test_the_sentence_is_true(n, m, values):
    widget = RandomToOrthonormal(n_features=n, d_hidden=m, **values)
    W, p = (
        columns(n, m, widget.values["t"], widget.values["seed"]).numpy(),
        widget.values["feature_probability"],
    )
    L = np.linalg.cholesky(second_moments(n, p).numpy())
    V = least_squares(W, second_moments(n, p).numpy())
    errors = [100 * (np.linalg.norm(D @ W @ L - L) / np.linalg.norm(L)) ** 2 for D in (W.T, V)]
    distance = 100 * np.linalg.norm(V - W.T) / np.linalg.norm(V)
    cosine = np.abs(W.T @ W - np.eye(n)).max()

    numbers = [float(number) for number in re.findall(r"\d+\.?\d*", widget.sentence)]
    crowded = [n, m] if n > m else []
    assert numbers == pytest.approx([*crowded, cosine, distance, errors[0], 0, errors[1]], abs=0.51)
    assert numbers[len(crowded)] == pytest.approx(cosine, abs=0.0051)
    widget.close()


@pytest.mark.parametrize(("n", "m"), SIZES)
def test_at_the_end_the_columns_are_orthonormal_or_as_near_as_they_can_be(n, m):
    widget = RandomToOrthonormal(t=1.0, n_features=n, d_hidden=m)
    assert ("Nothing is lost" in widget.sentence) == (n <= m)
    widget.close()
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
