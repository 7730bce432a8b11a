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
