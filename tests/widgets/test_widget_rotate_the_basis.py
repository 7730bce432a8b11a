"""Rotate the basis: what stays and what does not, computed another way."""

import math
import re

import numpy as np
import pytest
import torch
from matplotlib.figure import Figure

from tms_edu import SparseFeatures, gram, read_gram, theory
from tms_edu.widgets import RotateTheBasis
from tms_edu.widgets.parts import PlanePart
from tms_edu.widgets.rotate_the_basis import ADDED, NONE, TRAINED, inputs, share_lost, trained


@pytest.fixture(scope="module")
def widget():
    widget = RotateTheBasis()
    yield widget
    widget.close()


def outputs(W, b, x, relu):
    h = x @ W.T
    return np.maximum(0, (np.maximum(0, h) if relu else h) @ W + b)


@pytest.mark.parametrize("hidden", [NONE, ADDED, TRAINED])
@pytest.mark.parametrize(
    ("n", "p", "angle"), [(5, 0.05, 60), (5, 0.05, 0), (2, 0.1, 45), (3, 0.3, 200), (4, 0.5, 360)]
)
def test_the_sentence_is_true(widget, hidden, n, p, angle):
    widget.set(hidden=hidden, n_features=n, feature_probability=p, angle=angle)
    W, b = (tensor.double().numpy() for tensor in trained(n, p, hidden))
    c, s = math.cos(math.radians(angle)), math.sin(math.radians(angle))
    turned = np.array([c * W[0] - s * W[1], s * W[0] + c * W[1]])
    assert np.allclose(turned.T @ turned, W.T @ W, atol=1e-5 * np.abs(W).max() ** 2)

    relu, x = hidden != NONE, inputs(n, p).double().numpy()
    moved = np.abs(outputs(turned, b, x, relu) - outputs(W, b, x, relu)).max()
    # The same loss from other inputs, drawn as training draws them; rare ones weigh much, hence the tolerance.
    rows = SparseFeatures(n, p).sample(400_000, generator=torch.Generator().manual_seed(1)).double().numpy()
    silent = (rows**2).sum(1).mean() / 100
    losses = [((rows - outputs(V, b, rows, relu)) ** 2).sum(1).mean() / silent for V in (W, turned)]

    said, heard = re.split(r"\. (?=Neuron)", widget.sentence)
    numbers = [float(number) for number in re.findall(r"\d+\.\d+", said)]
    if moved < 1e-4:
        assert "Turned by" not in said or f"Turned by {angle}°, WᵀW, every output and the loss" in said
        assert numbers == pytest.approx([losses[1]], abs=0.1, rel=0.03)
    else:
        assert relu and f"Turned by {angle}°, the columns keep their lengths and angles, but" in said
        assert "WᵀW" not in said, "the matrix shown is another one"
        assert numbers == pytest.approx([moved, *losses], abs=0.1, rel=0.03)

    for row, words in zip(turned, heard.split(";"), strict=True):
        expected = np.flatnonzero(np.abs(row) >= 0.2 * np.abs(turned).max()).tolist()
        assert [int(digit) for digit in re.findall(r"\d", words)[1:]] == expected


def test_without_a_hidden_relu_the_measured_loss_is_the_exact_one():
    W, b = trained(5, 0.05, NONE)
    exact = theory.expected_loss(W, b, SparseFeatures(5, 0.05)).item() / (5 * 0.05 / 3)
    assert share_lost(W, b, 0.05, NONE).item() == pytest.approx(exact, rel=0.03)
    assert read_gram(gram(W), b).shape == "pentagon"


def test_the_neuron_per_feature_preset_is_one(widget):
    widget._pressed("try:A neuron per feature")
    assert widget.sentence.endswith(
        "Neuron 1 answers to feature 0 alone; neuron 2 answers to feature 1 alone."
    )
    widget.set(angle=45)
    assert widget.sentence.endswith(
        "Neuron 1 answers to features 0 and 1; neuron 2 answers to features 0 and 1."
    )


def test_the_preset_trained_with_a_relu_shows_a_neuron_for_each_feature(widget):
    widget._pressed("try:Trained with ReLU")
    assert re.search(
        r"Neuron 1 answers to feature [01] alone; neuron 2 answers to feature [01] alone\.", widget.sentence
    )


def test_trained_with_a_hidden_relu_two_features_take_a_neuron_each_and_any_turn_costs():
    W, b = trained(2, 0.05, TRAINED)
    assert torch.allclose(gram(W), torch.eye(2), atol=0.02)
    assert sorted(W.round().flatten().tolist()) == [0, 0, 1, 1]
    widget = RotateTheBasis(hidden=TRAINED, n_features=2)
    start = widget.frame.loss
    for angle in range(15, 360, 15):
        widget.set(angle=angle)
        assert widget.frame.loss > start + 1e-3 or angle in (0, 360)
    widget.close()


def test_a_relu_put_in_later_loses_two_features_on_the_negative_axes(widget):
    widget._pressed("try:The same, then ReLU")
    assert "the loss, 0.0 % of answering 0 before, is 100.0 % of answering 0" in widget.sentence


def test_columns_that_coincide_share_a_label():
    plane = PlanePart(Figure().add_subplot(), 4)
    for W in (torch.tensor([[0.9, 0.9, -0.9, 0.0], [0.3, 0.32, 0.3, 0.0]]), torch.eye(2).repeat(1, 2)):
        plane.show(W)
        shown = {text.get_text(): text.get_position() for text in plane._labels if text.get_visible()}
        assert list(shown) == (["0, 1", "2"] if W[0, 1] else ["0, 2", "1, 3"])
        assert math.dist(*shown.values()) > 0.2
