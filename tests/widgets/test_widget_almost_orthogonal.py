"""Almost orthogonal: the sentence, measured another way."""

import math
import re

import numpy as np
import pytest

from tms_edu.linear.packing import MOST, most_that_can_fit
from tms_edu.widgets import AlmostOrthogonal
from tms_edu.widgets.almost_orthogonal import DIMENSIONS, LIMITS


@pytest.mark.parametrize("d", DIMENSIONS)
@pytest.mark.parametrize("epsilon", [LIMITS[0], 0.3, LIMITS[-1]])
def test_the_sentence_is_true(d, epsilon):
    widget = AlmostOrthogonal(d=d, epsilon=epsilon, steps=400)
    vectors = widget.frame.vectors.double().numpy()
    n, most = len(vectors), most_that_can_fit(d, epsilon)
    assert vectors.shape == (n, d) and np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    assert np.abs(np.triu(vectors @ vectors.T, k=1)).max() <= epsilon + 1e-5
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
        ({"steps": -1}, "steps: got -1, expected a value from 1 to 100000"),
        ({"steps": 10**9}, "steps: got 1000000000"),
        ({"steps": "abc"}, "steps: got 'abc'"),
        ({"steps": True}, "steps: got True"),
    ],
)
def test_a_value_that_is_not_offered_is_named(values, told):
    with pytest.raises(ValueError, match=re.escape(told)):
        AlmostOrthogonal(**values)


def test_a_search_of_one_step_ends():
    widget = AlmostOrthogonal(steps=1)
    assert widget.done and widget.frame.step == 1 and "At least 16 unit vectors" in widget.sentence
    widget.close()
