"""The cat circuit: what it says, computed another way."""

from itertools import product

import numpy as np
import pytest

from tms_edu.widgets import CatCircuit


@pytest.fixture
def circuit():
    circuit = CatCircuit()
    yield circuit
    circuit.close()


@pytest.mark.parametrize(
    ("w", "bias", "meaning"),
    [
        ((1.0, 1.0, 1.0), -2.0, "the intersection"),
        ((0.5, 0.5, 0.5), -1.25, "the intersection"),
        ((1.0, 1.0, 1.0), -1.0, "a vote"),
        ((1.0, 1.0, 1.0), 0.0, "the union"),
        ((1.0, 1.0, 1.0), 0.25, "even for nothing"),
        ((1.0, 1.0, 1.0), -3.0, "it fires for none"),
        ((1.0, 1.0, -2.0), 0.0, "it fires for 3: tail; whiskers; whiskers + tail"),
    ],
)
def test_the_circuit_says_what_it_means(circuit, w, bias, meaning):
    circuit.set(**dict(zip(("w_whiskers", "w_tail", "w_ear"), w, strict=True)), bias=bias)
    assert meaning in circuit.sentence
    fires = [case for case in product((0, 1), repeat=3) if np.dot(case, w) + bias > 0]
    assert fires == [case for case, value in circuit.frame.cases.items() if value > 0]


def test_a_sum_of_zero_does_not_fire(circuit):
    circuit.set(whiskers=0.7, tail=0.7, ear=0.6, bias=-2.0)
    assert circuit.output == 0 and "is silent" in circuit.sentence


def test_three_times_the_whiskers_fool_the_intersection(circuit):
    circuit._pressed("try:All three")
    assert circuit.output == 1 and "fooled" not in circuit.sentence
    circuit._pressed("try:Three times the whiskers")
    assert circuit.output == 1 and "It is fooled" in circuit.sentence
    circuit.set(whiskers=2.0)
    assert circuit.output == 0 and "fooled" not in circuit.sentence


def test_a_bar_that_is_cut_shows_it(circuit):
    assert not any(gap.get_visible() for gap in circuit._gaps)
    circuit.set(w_whiskers=2.0, w_tail=1.0, bias=1.0)
    cut = [
        value > bar.get_width()
        for value, bar in zip(circuit.frame.cases.values(), circuit._bars, strict=True)
    ]
    assert any(cut) and cut == [gap.get_visible() for gap in circuit._gaps]


def test_minus_signs_are_true_ones(circuit):
    circuit.set(w_tail=-2.0, tail=0.0, bias=-1.0)
    words = [text.get_text() for text in (*circuit._weights, circuit._sum)]
    assert "× −2.00" in words and "-" not in "".join(words) and "−1.00 (bias)" in words[-1]


def test_a_value_out_of_range_is_named():
    with pytest.raises(ValueError, match="bias b: got 2.0, expected a value from -3.0 to 1.0"):
        CatCircuit(bias=2.0)
