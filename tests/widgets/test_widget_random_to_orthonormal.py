"""From random to orthonormal: the sentence against decoders found another way."""

import itertools
import re

import numpy as np
import pytest

from tms_edu.linear.decoders import columns, second_moments
from tms_edu.widgets import RandomToOrthonormal

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
def test_nothing_is_lost_at_the_end_just_where_the_columns_fit(n, m):
    widget = RandomToOrthonormal(t=1.0, n_features=n, d_hidden=m)
    assert ("Nothing is lost" in widget.sentence) == (n <= m)
    widget.close()
