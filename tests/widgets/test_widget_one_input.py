"""One input, by hand: every number in the sentence against the model itself."""

import re

import pytest
import torch

from tms_edu import ToyModel, theory
from tms_edu.widgets import OneInput


@pytest.fixture
def widget():
    widget = OneInput()
    yield widget
    widget.close()


def numbers(sentence):
    return [float(number.replace("−", "-")) for number in re.findall(r"[+−]?\d+\.\d+", sentence)]


def weights(widget):
    names = {}
    exec(widget._stage.code, names)
    return names["W"], names["b"]


@pytest.mark.parametrize("name", ["trained", "unit pentagon", "two digons"])
@pytest.mark.parametrize("output", range(5))
def test_the_sentence_is_true(widget, name, output):
    values = [0.8, 0.5, 0.0, 0.25, 1.0]
    x = torch.tensor(values)
    widget.set(**{f"x{j}": value for j, value in enumerate(values)}, output=output, model=name)
    W, b = weights(widget)
    h, row = W @ x, W[:, output] @ W
    own = row[output] * x[output]
    total = W[:, output] @ h + b[output]
    told = numbers(widget.sentence)
    expected = [*h, own, row @ x - own, b[output], total]
    assert told[:6] == pytest.approx([value.item() for value in expected], abs=0.006)
    x_hat = torch.relu(W.T @ h + b)
    assert torch.allclose(widget.x_hat, x_hat, atol=1e-5)
    if total > 0:
        assert f"that is x′{'₀₁₂₃₄'[output]} = {x_hat[output]:.2f}, where" in widget.sentence
    else:
        assert "the ReLU removes it" in widget.sentence and x_hat[output] == 0
    removed = int((W.T @ h + b < -1e-5).sum())
    assert f"the ReLU removes {removed} negative sum" in widget.sentence
    assert told[-1] == pytest.approx((x - x_hat).square().sum().item(), abs=6e-4)


def test_the_same_as_the_model_itself():
    model = ToyModel(4, 2, generator=torch.Generator().manual_seed(3))
    with torch.no_grad():
        model.b_final.copy_(torch.tensor([0.1, -0.2, 0.3, -0.4]))
    widget = OneInput(x=(0.1, 0.9, 0.3, 0.0), output=2, model=model)
    x = torch.tensor([0.1, 0.9, 0.3, 0.0])
    assert torch.allclose(widget.x_hat, model(x).detach(), atol=1e-6)
    W, b = weights(widget)
    assert torch.allclose(torch.relu(W.T @ (W @ x) + b), widget.x_hat, atol=1e-3)
    assert "model" not in widget.values
    widget.close()


def test_a_pair_of_digons_answers_without_error_as_long_as_one_of_a_pair_is_on(widget):
    widget.set(model="two digons", x0=0.8, x1=0.5, output=2)
    assert widget.x_hat[:4].tolist() == pytest.approx([0.8, 0.5, 0.0, 0.0], abs=1e-6)
    assert "−0.80 of interference" in widget.sentence and "the ReLU removes it" in widget.sentence
    widget.set(x2=0.8)
    assert widget.x_hat[0].item() == pytest.approx(0.0, abs=1e-6)


def test_all_off_shows_what_the_bias_does(widget):
    widget.set(x0=0.0, model="unit pentagon")
    assert widget.x_hat.tolist() == [0.0] * 5
    assert "removes 0 negative sums; the squared errors add up to 0.000" in widget.sentence


def test_what_is_wrong_is_named():
    with pytest.raises(ValueError, match="one value for each of the 5 features; got 2"):
        OneInput(x=(1, 0))
    with pytest.raises(ValueError, match="x₁: got 1.5, expected a value from 0.0 to 1.0"):
        OneInput(x=(0, 1.5, 0, 0, 0))
    with pytest.raises(ValueError, match="follow output i: got 5"):
        OneInput(output=5)
    with pytest.raises(ValueError, match="model: got 'hexagon', expected one of"):
        OneInput(model="hexagon")
    for model in (ToyModel(20, 10), ToyModel(5, 2, instances=(3,)), ToyModel(1, 2), ToyModel(9, 2)):
        with pytest.raises(ValueError, match="must have two dimensions, 2 to 8 features"):
            OneInput(model=model)


def test_a_polygon_interferes_as_its_cosines_say(widget):
    widget.set(model="unit pentagon", x0=1.0, output=1)
    cosine = theory.polygon(5)[:, 0] @ theory.polygon(5)[:, 1]
    assert widget.x_hat[1].item() == pytest.approx(cosine.item(), abs=1e-6)
    assert "+0.31 of interference" in widget.sentence
