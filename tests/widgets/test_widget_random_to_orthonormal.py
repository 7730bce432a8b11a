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
    distances = [np.linalg.norm(W.T @ W - np.eye(n)), np.linalg.norm(V - W.T)]
    cosine = np.abs(W.T @ W - np.eye(n)).max()

    numbers = [float(number) for number in re.findall(r"\d+\.?\d*", widget.sentence)]
    crowded = [n, m] if n > m else []
    assert numbers == pytest.approx([*crowded, cosine, *distances, errors[0], 0, errors[1]], abs=0.51)
    assert numbers[len(crowded) :][:3] == pytest.approx([cosine, *distances], abs=0.0051)
    widget.close()


@pytest.mark.parametrize(("n", "m"), SIZES)
def test_nothing_is_lost_at_the_end_just_where_the_columns_fit(n, m):
    widget = RandomToOrthonormal(t=1.0, n_features=n, d_hidden=m)
    assert ("Nothing is lost" in widget.sentence) == (n <= m)
    widget.close()


@pytest.mark.parametrize(("n", "m"), SIZES)
def test_off_orthonormal_stays_above_the_root_of_what_is_too_many(n, m):
    for t in (0.0, 0.5, 1.0):
        widget = RandomToOrthonormal(t=t, n_features=n, d_hidden=m)
        off = widget.frame.numbers[0].item()
        assert off >= max(0, n - m) ** 0.5 - 1e-6
        assert n > m or off < 1e-3 or t < 1
        widget.close()


@pytest.mark.parametrize(("n", "m"), SIZES)
@pytest.mark.parametrize("feature_probability", [1.0, 0.01])
def test_no_two_curves_hide_each_other_and_each_panel_is_used(n, m, feature_probability):
    for seed in range(10):
        widget = RandomToOrthonormal(
            n_features=n, d_hidden=m, feature_probability=feature_probability, seed=seed
        )
        for panel, least in ((widget._dots[0].axes, 0.1), (widget._dots[2].axes, 5)):
            first, second = (np.array(line.get_ydata()) for line in panel.lines[::2])
            top = panel.get_ylim()[1]
            assert max(first.max(), second.max()) > 0.5 * top or top == pytest.approx(least)
            together = np.abs(first - second) < 0.01 * top
            assert not together.all() or n <= m  # at t = 1, and near it, they meet where the columns fit
        widget.close()


def test_a_distance_above_the_panel_is_shown_at_its_edge():
    widget = RandomToOrthonormal(t=0.0)
    dot = widget._dots[1]
    top = dot.axes.get_ylim()[1]
    assert widget.frame.numbers[1] > top and dot.get_marker() == "^" and list(dot.get_ydata()) == [top]
    widget.set(t=0.8)
    assert widget.frame.numbers[1] < top and dot.get_marker() == "o"
    widget.close()


@pytest.mark.plain
@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"t": 1.5}, "orthonormal t: got 1.5, expected a value from 0.0 to 1.0"),
        ({"t": "far"}, "orthonormal t: got 'far'"),
        ({"n_features": 5}, "columns n: got 5"),
        ({"d_hidden": True}, "dimensions m: got True"),
        ({"feature_probability": None}, "sparsity S: got None"),
        ({"seed": 10**9}, "seed: got 1000000000"),
    ],
)
def test_a_value_that_is_not_offered_is_named(values, told):
    with pytest.raises(ValueError, match=re.escape(told)):
        RandomToOrthonormal(**values)
