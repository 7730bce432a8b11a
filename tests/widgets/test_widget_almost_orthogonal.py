"""Almost orthogonal: what the search packs, measured another way, against configurations that are known to be best."""

import itertools
import math
import re

import numpy as np
import pytest
import torch

from tms_edu.widgets import AlmostOrthogonal
from tms_edu.widgets.almost_orthogonal import DIMENSIONS, LIMITS, MOST, most_that_can_fit, packings

GOLDEN = (1 + math.sqrt(5)) / 2


def largest_cosine(vectors):
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    cosines = (vectors / lengths) @ (vectors / lengths).T
    return np.abs(cosines[np.triu_indices(len(vectors), k=1)]).max()


def lines(vectors):
    """Keep one of v and -v."""
    kept = []
    for vector in vectors:
        if not any(np.allclose(vector, sign * other) for other in kept for sign in (1, -1)):
            kept.append(np.array(vector, float))
    return np.array(kept)


def icosahedron():
    return lines(np.roll([0, a, b * GOLDEN], k) for k in range(3) for a in (1, -1) for b in (1, -1))


def seven_dimensions():
    """The 28 permutations of (3, 3, -1, -1, -1, -1, -1, -1), orthogonal to (1, ..., 1)."""
    pairs = itertools.combinations(range(8), 2)
    return np.array([[3 if k in pair else -1 for k in range(8)] for pair in pairs], float)


def e8():
    whole = [
        np.eye(8)[i] + sign * np.eye(8)[j] for i, j in itertools.combinations(range(8), 2) for sign in (1, -1)
    ]
    signs = [s for s in itertools.product((0.5, -0.5), repeat=8) if s[0] > 0 and np.prod(s) > 0]
    return np.array([*whole, *signs])


@pytest.mark.parametrize(
    ("d", "vectors", "cosine"),
    [(3, icosahedron(), 1 / math.sqrt(5)), (7, seven_dimensions(), 1 / 3), (8, e8(), 1 / 2)],
)
def test_the_bound_is_met_by_the_configurations_that_meet_it(d, vectors, cosine):
    assert np.linalg.matrix_rank(vectors) == d
    assert largest_cosine(vectors) == pytest.approx(cosine)
    assert most_that_can_fit(d, cosine) == len(vectors)


def test_in_the_plane_the_bound_is_a_count():
    for epsilon in LIMITS:
        n = most_that_can_fit(2, epsilon)
        fan = lambda n: np.array([[math.cos(math.pi * k / n), math.sin(math.pi * k / n)] for k in range(n)])  # noqa: E731
        assert largest_cosine(fan(n)) <= epsilon + 1e-9 < largest_cosine(fan(n + 1))


@pytest.mark.parametrize("d", DIMENSIONS)
@pytest.mark.parametrize("epsilon", [LIMITS[0], 0.3, LIMITS[-1]])
def test_the_sentence_is_true(d, epsilon):
    widget = AlmostOrthogonal(d=d, epsilon=epsilon, steps=400)
    vectors = widget.frame.vectors.double().numpy()
    n, most = len(vectors), most_that_can_fit(d, epsilon)
    assert vectors.shape == (n, d) and np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    assert largest_cosine(vectors) <= epsilon + 1e-5
    assert d <= n <= (most or MOST)
    assert widget.sentence.startswith(
        f"{'Exactly' if n == most else 'At least'} {n} unit vectors with |cos| ≤ {epsilon:.2f} fit into {d} dimensions"
    )
    assert widget.sentence.endswith(f"At right angles {'as many' if n == d else f'only {d}'} do.")
    assert ("and no more can." in widget.sentence) == (n == most)
    assert (f"no more than {most or 0:,} can" in widget.sentence) == (
        most is not None and n < min(most, MOST)
    )
    assert ("no simple bound" in widget.sentence) == (most is None and n < MOST)
    assert ("stopped there" in widget.sentence) == (n == MOST != most)
    widget.close()


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(("d", "epsilon", "known"), [(2, 0.5, 3), (3, 0.45, 6), (4, 0.5, 12), (16, 0.1, 18)])
def test_the_search_finds_the_best_where_it_is_known(seed, d, epsilon, known):
    *_, last = packings(d, epsilon, seed)
    assert len(last.vectors) == known == most_that_can_fit(d, epsilon)


def test_room_for_the_same_epsilon_grows_faster_than_the_dimensions():
    found = {d: len(list(packings(d, 0.3, steps=1500))[-1].vectors) for d in (4, 8, 16, 32)}
    assert found[4] <= 5 and found[8] < 2.5 * 8 and found[16] > 4 * 16 and found[32] == MOST


def test_frames_do_not_change_and_history_never_falls():
    frames = list(packings(5, 0.3, steps=300))
    copies = [(frame.vectors.clone(), frame.trial.clone()) for frame in frames]
    list(packings(5, 0.3, steps=300))
    for frame, (vectors, trial) in zip(frames, copies, strict=True):
        assert torch.equal(frame.vectors, vectors) and torch.equal(frame.trial, trial)
        assert list(frame.history) == sorted(frame.history, key=lambda entry: (entry[1], entry[0]))


def test_a_search_under_way_is_called_so():
    widget = AlmostOrthogonal(steps=200)
    widget._pressed("rewind")
    assert widget.sentence == "The search packs unit vectors with |cos| ≤ 0.30 into 16 dimensions."
    widget.close()


@pytest.mark.plain
@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"d": 10.5}, "dimensions d: got 10.5, expected a value from 2 to 64"),
        ({"d": "many"}, "dimensions d: got 'many'"),
        ({"d": 65}, "dimensions d: got 65"),
        ({"epsilon": 0}, "got 0, expected a value from 0.05 to 0.7"),
        ({"epsilon": math.nan}, "got nan"),
        ({"seed": None}, "seed: got None"),
    ],
)
def test_a_value_that_is_not_offered_is_named(values, told):
    with pytest.raises(ValueError, match=re.escape(told)):
        AlmostOrthogonal(**values)
