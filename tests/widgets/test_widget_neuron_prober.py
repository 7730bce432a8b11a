"""The neuron prober: what it says, computed another way."""

import numpy as np
import pytest
import torch

from tms_edu.digits import DigitsNetwork, load_digits, train_digits
from tms_edu.widgets import NeuronProber
from tms_edu.widgets.neuron_prober import PICTURES


@pytest.fixture(scope="module")
def prober():
    prober = NeuronProber()
    yield prober
    prober.close()


def activations(seed: int, activity_cost: float) -> tuple[np.ndarray, np.ndarray]:
    network = DigitsNetwork(16, generator=torch.Generator().manual_seed(seed))
    train_digits(network, activity_cost=activity_cost, seed=seed)
    W, b = (parameter.detach().double().numpy() for parameter in (network.W1, network.b1))
    images, labels = (part.numpy() for part in load_digits("test"))
    return np.maximum(0, images @ W.T + b), labels


@pytest.mark.parametrize(("seed", "activity_cost"), [(1, 0.01), (1, 0.0), (4, 0.03)])
def test_the_prober_says_what_its_neurons_do(prober, seed, activity_cost):
    h, labels = activations(seed, activity_cost)
    means = np.array([h[labels == k].mean(0) for k in range(10)])
    for neuron in range(16):
        prober.set(neuron=neuron, seed=seed, activity_cost=activity_cost)
        assert np.allclose(prober.means, means[:, neuron], atol=1e-4)
        fires = [k for k in range(10) if means[k, neuron] >= 0.5 * means[:, neuron].max() > 5e-4]
        said = prober.sentence.split(";")[0].removeprefix(f"Neuron {neuron} fires for ")
        if not fires:
            assert said.startswith("none: it is on for hardly any image")
        elif len(fires) == 1:
            assert said == "one digit" and f"favourite is {fires[0]}" in prober.sentence
        else:
            listed = ", ".join(map(str, fires[:-1])) + f" and {fires[-1]}"
            assert said == f"{len(fires)} digits, {listed}"
            assert f"on for {np.mean(h[:, neuron] > 0):.0%}" in prober.sentence


def test_the_pictures_are_the_strongest_ones(prober):
    prober.set(neuron=8, seed=1, activity_cost=0.01)
    h, labels = activations(1, 0.01)
    best = np.argsort(-h[:, 8])[:12]
    assert [label.get_text() for label in prober._labels] == [f"{labels[k]}\n{h[k, 8]:.1f}" for k in best]
    prober.set(pictures=PICTURES[1])
    shown = [label.get_text() for label in prober._labels if label.get_text()]
    assert [text[0] for text in shown] == list("0123456789")
    prober.set(pictures=PICTURES[0])


def test_filled_bars_are_the_digits_it_fires_for(prober):
    prober.set(neuron=8, seed=1, activity_cost=0.01)
    filled = [k for k, bar in enumerate(prober._bars) if not bar.get_hatch()]
    assert filled == prober.frame.fires == [4, 6]


def test_the_presets_show_what_their_buttons_say(prober):
    for label, fires in (("One digit", 1), ("Two digits", 2)):
        prober.set(**prober.presets[label])
        assert len(prober.frame.fires) == fires
    busy = [(prober.set(activity_cost=cost), (prober.frame.h > 0).float().mean())[1] for cost in (0.01, 0.0)]
    assert busy[1] > busy[0]


def test_a_value_out_of_range_is_named():
    with pytest.raises(ValueError, match="neuron: got 16, expected a value from 0 to 15"):
        NeuronProber(neuron=16)
