"""Two codes: the sentence, worked out another way."""

import re

import pytest
import torch

from tms_edu.linear.codes import DIRECTIONS, INTEGER_PART, SIZE, Encoding, decoders
from tms_edu.widgets import TwoCodes
from tms_edu.widgets.two_codes import IDEAL


@pytest.fixture(scope="module")
def widget():
    widget = TwoCodes(steps=300)
    yield widget
    widget.close()


@pytest.mark.parametrize("kind", [INTEGER_PART, SIZE, DIRECTIONS])
@pytest.mark.parametrize("decoder", ["linear probe", "ReLU network, 32", IDEAL])
def test_the_sentence_is_true(widget, kind, decoder):
    widget.set(encoding=kind, decoder=decoder, n_animals=4, noise=0.2)
    encoding = Encoding(kind, 4, 0.2)
    ideal = 100 * encoding.ideal_accuracy()
    said = [float(number) for number in re.findall(r"\d+\.\d+", widget.sentence)]
    if decoder == IDEAL:
        assert said == pytest.approx([0.2, ideal, 25], abs=0.06)
        return
    *_, (_, trained) = decoders(encoding, 32 if "32" in decoder else 0, seed=0, steps=300)
    h, animal = encoding.draw(20_000, torch.Generator().manual_seed(1))
    with torch.no_grad():
        right = 100 * (trained(h).argmax(-1) == animal).float().mean().item()
    assert said[:1] + said[2:] == pytest.approx([0.2, 25, ideal], abs=0.06)
    assert said[1] == pytest.approx(right, abs=1.5) and said[1] < ideal + 1.2


def test_a_decoder_in_training_is_called_so(widget):
    widget.set(encoding=INTEGER_PART, decoder="linear probe")
    widget._pressed("rewind")
    assert widget.sentence == "Not trained yet: the linear probe answers at random."
    widget._pressed("step")
    assert widget.sentence.startswith("In training: the linear probe learns")


@pytest.mark.parametrize("kind", [INTEGER_PART, SIZE])
@pytest.mark.parametrize("noise", [0.1, 2.0])
def test_the_probe_stands_beside_the_best_threshold(widget, kind, noise):
    widget.set(encoding=kind, decoder="linear probe", n_animals=2, noise=noise)
    h, animal = Encoding(kind, 2, noise).draw(100_000, torch.Generator().manual_seed(2))
    cat_below = ((h < torch.linspace(0, 10, 201)) == (animal[:, None] == 0)).float().mean(0)
    said = float(re.search(r"the best threshold (\d+\.\d) %", widget.sentence)[1])
    assert said == pytest.approx(100 * torch.maximum(cat_below, 1 - cat_below).max().item(), abs=0.5)


@pytest.mark.parametrize(
    "values",
    [{"decoder": "ReLU network, 32"}, {"decoder": IDEAL}, {"encoding": DIRECTIONS}, {"n_animals": 4}],
)
def test_where_no_threshold_decides_none_is_named(widget, values):
    widget.set(**{"encoding": INTEGER_PART, "decoder": "linear probe", "n_animals": 2} | values)
    assert "threshold" not in widget.sentence


@pytest.mark.plain
@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"steps": -1}, "steps: got -1, expected a value from 1 to 100000"),
        ({"steps": 10**9}, "steps: got 1000000000"),
        ({"steps": "abc"}, "steps: got 'abc'"),
        ({"encoding": 3}, "code: got 3"),
        ({"decoder": None}, "decoder: got None"),
        ({"n_animals": 3}, "animals n: got 3, expected one of [2, 4, 8]"),
        ({"noise": 0}, "noise σ: got 0"),
    ],
)
def test_a_value_that_is_not_offered_is_named(values, told):
    with pytest.raises(ValueError, match=re.escape(told)):
        TwoCodes(**values)


def test_one_step_is_a_whole_training():
    widget = TwoCodes(steps=1)
    assert widget.done and widget.frame.step == 1
    widget.close()
