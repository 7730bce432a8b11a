"""One input, by hand: every number in the sentence against the model itself."""

import re

import numpy as np
import pytest
import torch
from torch import nn

from hand import press, run_code
from tms_edu import ToyModel, theory
from tms_edu.widgets import OneInput


@pytest.fixture
def widget():
    widget = OneInput()
    yield widget
    widget.close()


NUMBER = r"([+−]?\d+(?:\.\d+)?)"
TOLD = (
    rf"h = \({NUMBER}, {NUMBER}\)\. Output \d receives {NUMBER} from x. itself, {NUMBER} of interference and "
    rf"{NUMBER} of bias, together {NUMBER}[:;].* add up to {NUMBER}\."
)


def numbers(sentence):
    return [float(number.replace("−", "-")) for number in re.fullmatch(TOLD, sentence).groups()]


def weights(widget):
    names, _ = run_code(widget)
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
    assert torch.allclose(widget.frame.x_hat, x_hat, atol=1e-5)
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
    assert torch.allclose(widget.frame.x_hat, model(x).detach(), atol=1e-6)
    W, b = weights(widget)
    assert torch.allclose(torch.relu(W.T @ (W @ x) + b), widget.frame.x_hat, atol=1e-3)
    assert "model" not in widget.values
    widget.close()


def test_a_pair_of_digons_answers_without_error_as_long_as_one_of_a_pair_is_on(widget):
    widget.set(model="two digons", x0=0.8, x1=0.5, output=2)
    assert widget.frame.x_hat[:4].tolist() == pytest.approx([0.8, 0.5, 0.0, 0.0], abs=1e-6)
    assert "−0.80 of interference" in widget.sentence and "the ReLU removes it" in widget.sentence
    widget.set(x2=0.8)
    assert widget.frame.x_hat[0].item() == pytest.approx(0.0, abs=1e-6)


def test_all_off_shows_what_the_bias_does(widget):
    widget.set(x0=0.0, model="unit pentagon")
    assert widget.frame.x_hat.tolist() == [0.0] * 5
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


WRONG_X = [
    1,
    0.5,
    True,
    "abc",
    "00000",
    {},
    {1, 2},
    object(),
    nn.Linear,
    [],
    ["a"] * 5,
    [[0.1] * 5] * 2,
    [10**400] * 5,
]
WRONG_X += [
    "x" * 100_000,
    [0.5] * 100_000,
    [float("nan")] * 5,
    [None] * 5,
    [1e-9, 2, 0, 0, 0],
    np.array(["a"] * 5),
]


@pytest.mark.plain
@pytest.mark.parametrize("x", WRONG_X, ids=lambda x: type(x).__name__)
def test_a_wrong_input_is_refused_in_a_short_sentence(x):
    with pytest.raises(ValueError, match=r"^x(.: got .*expected a value| must )") as told:
        OneInput(x=x)
    assert len(str(told.value)) < 300


WRONG_MODELS = [
    None,
    1,
    0.5,
    [],
    {},
    "hexagon",
    "x" * 100_000,
    object(),
    ToyModel,
    nn.Linear(5, 5),
    nn.Identity(),
    torch.eye(2),
]
WRONG_MODELS += [ToyModel(5, 3), ToyModel(5, 2, instances=(1,))]


@pytest.mark.plain
@pytest.mark.parametrize("model", WRONG_MODELS, ids=lambda model: type(model).__name__)
def test_a_wrong_model_is_refused_in_a_short_sentence(model):
    with pytest.raises(ValueError, match="^model.*'trained'") as told:
        OneInput(model=model)
    assert len(str(told.value)) < 250


@pytest.mark.plain
@pytest.mark.parametrize("output", [-1, 5, 1.5, "0", None, [0], "x" * 100_000, 10**400, True])
def test_a_wrong_output_is_refused_in_a_short_sentence(output):
    with pytest.raises(ValueError, match="follow output i: got .*, expected a value from 0 to 4") as told:
        OneInput(output=output)
    assert len(str(told.value)) < 130


@pytest.mark.plain
@pytest.mark.parametrize(
    "x", [np.array([0.8, 0.1, 0, 0, 1]), torch.tensor([0.8, 0.1, 0, 0, 1]), (0.8, 0.1, 0, 0, 1)]
)
def test_an_input_of_any_kind_is_taken_as_it_is_written(x):
    widget = OneInput(x=x)
    assert [widget.values[f"x{j}"] for j in range(5)] == [0.8, 0.1, 0.0, 0.0, 1.0]
    assert len(widget.controls["x0"].options) == 21
    widget.close()


@pytest.mark.parametrize("n", [2, 8])
def test_the_buttons_fit_every_model(n):
    widget = OneInput(
        model=ToyModel(n, 2, generator=torch.Generator().manual_seed(0)), x=[1.0] * n, output=n - 1
    )
    for label, on, output in (
        ("One feature on", [0.8], 0),
        ("Its echo in output 1", [0.8], 1),
        ("Two on at once", [0.8, 0.5], 0),
    ):
        press(widget, f"try:{label}")
        assert widget.frame.x.tolist() == pytest.approx(on + [0.0] * (n - len(on)))
        assert widget.values["output"] == output
    widget.close()


def test_no_precision_set_by_a_student_is_in_the_way():
    torch.set_default_dtype(torch.float64)
    try:
        widget = OneInput(model="two digons")
        widget.set(model="trained", x1=0.5)
        widget.close()
    finally:
        torch.set_default_dtype(torch.float32)


def test_a_polygon_interferes_as_its_cosines_say(widget):
    widget.set(model="unit pentagon", x0=1.0, output=1)
    cosine = theory.polygon(5)[:, 0] @ theory.polygon(5)[:, 1]
    assert widget.frame.x_hat[1].item() == pytest.approx(cosine.item(), abs=1e-6)
    assert "+0.31 of interference" in widget.sentence
