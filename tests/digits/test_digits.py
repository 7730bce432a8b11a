"""The shipped digits, and the small network that is trained on them."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from tms_edu import digits
from tms_edu.digits import (
    DigitsNetwork,
    class_means,
    digits_per_neuron,
    fires_for,
    load_digits,
    network_of_the_text,
    shared_ink,
    train_digits,
)

FOLDER = Path(digits.__file__).parent


@pytest.fixture(scope="module")
def trained():
    generator = torch.Generator().manual_seed(0)
    return train_digits(DigitsNetwork(instances=(16,), generator=generator))


def test_the_file_is_what_its_note_says():
    with np.load(FOLDER / "digits.npz") as stored:
        assert set(stored.files) == {"images", "labels"}
        images, labels = stored["images"], stored["labels"]
    assert (
        images.shape == (1797, 8, 8) and images.dtype == np.uint8 and (images.min(), images.max()) == (0, 16)
    )
    assert np.bincount(labels).tolist() == [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]
    assert (FOLDER / "digits.npz").stat().st_size < 100_000
    note = (FOLDER / "README.md").read_text(encoding="utf-8")
    assert all(words in note for words in ("CC BY 4.0", "Alpaydin", "10.24432/C50P49", "1,797"))


def test_parts_follow_one_another():
    images, labels = load_digits()
    assert images.shape == (1797, 64) and images.dtype == torch.float32 and labels.dtype == torch.int64
    assert images.min() == 0 and images.max() == 1 and images.any(-1).all()
    parts = [load_digits("train"), load_digits("test")]
    assert torch.equal(images, torch.cat([part[0] for part in parts]))
    assert torch.equal(labels, torch.cat([part[1] for part in parts])) and len(parts[0][0]) == 1300


def test_an_image_looks_like_its_label():
    images, labels = load_digits()
    zero, one = (images[labels == k].mean(0).reshape(8, 8) for k in (0, 1))
    assert zero[3:5, 3:5].max() < 0.2 and one[3:5, 3:5].min() > 0.5


@pytest.mark.plain
def test_wrong_arguments_are_named():
    with pytest.raises(ValueError, match="part must be one of all, train, test; got 'valid'"):
        load_digits("valid")
    with pytest.raises(ValueError, match="d_hidden must be a whole number"):
        DigitsNetwork(0)
    network = DigitsNetwork(4)
    with pytest.raises(ValueError, match="images must hold floating-point numbers"):
        network(torch.zeros(3, 64, dtype=torch.uint8))
    with pytest.raises(ValueError, match=r"images must have a last axis of 64 pixels; got \(3, 8, 8\)"):
        network(torch.zeros(3, 8, 8))
    with pytest.raises(ValueError, match="steps must be a whole number"):
        train_digits(network, steps=0)
    for name in ("lr", "activity_cost"):
        with pytest.raises(ValueError, match=f"{name} must be a number, 0 or more"):
            train_digits(network, **{name: -1.0})
        with pytest.raises(ValueError, match=f"{name} must be a number, 0 or more"):
            train_digits(network, **{name: float("nan")})


def test_the_network_is_the_formula():
    generator = torch.Generator().manual_seed(1)
    images, _ = load_digits("test")
    for relu in (True, False):
        network = DigitsNetwork(5, relu=relu, generator=generator)
        W1, b1, W2, b2 = network.W1.data, network.b1.data + 0.1, network.W2.data, network.b2.data - 0.2
        network.b1.data, network.b2.data = b1, b2
        h = images @ W1.T + b1
        h = h.clamp(min=0) if relu else h
        assert torch.allclose(network.hidden(images), h) and torch.allclose(network(images), h @ W2.T + b2)
        assert network(images[0]).shape == (10,)


def test_networks_side_by_side_are_networks_alone(trained):
    images, _ = load_digits("test")
    alone = DigitsNetwork()
    for name, parameter in alone.named_parameters():
        parameter.data = getattr(trained, name).data[3]
    assert torch.allclose(alone(images), trained(images)[3], atol=1e-4)


def test_training_reads_nine_unseen_digits_in_ten(trained):
    unseen, seen = digits.accuracy(trained), digits.accuracy(trained, "train")
    assert (unseen > 0.89).all() and (seen > 0.98).all()
    assert (
        digits.accuracy(DigitsNetwork(instances=(16,), generator=torch.Generator().manual_seed(0))).max()
        < 0.4
    )


def test_one_seed_is_one_network():
    a, b, c = (
        train_digits(DigitsNetwork(4, generator=torch.Generator().manual_seed(0)), steps=5, seed=seed)
        for seed in (0, 0, 1)
    )
    assert torch.equal(a.W1, b.W1) and not torch.equal(a.W1, c.W1)


def test_the_price_of_activity_makes_neurons_silent(trained):
    images, _ = load_digits("test")
    free = DigitsNetwork(instances=(16,), generator=torch.Generator().manual_seed(0))
    train_digits(free, activity_cost=0.0)
    on = [(network.hidden(images) > 0).float().mean() for network in (trained, free)]
    assert on[0] < 0.45 and on[1] > 0.6


def test_means_and_favourites_by_hand():
    h = torch.tensor([[1.0, 0.0], [3.0, 0.0]] + [[0.9, 0.0]] * 9)
    labels = torch.tensor([0, 0, *range(1, 10)])
    means = class_means(h, labels)
    assert means[0].tolist() == [2.0, 0.0] and means.shape == (10, 2)
    assert fires_for(means).sum(0).tolist() == [1, 0]
    assert fires_for(means, share=0.4).sum(0).tolist() == [10, 0]


def test_digits_per_neuron_averages_over_the_neurons_that_fire(trained):
    images, labels = load_digits("test")
    network = network_of_the_text(1)
    counts = fires_for(class_means(network.hidden(images).detach(), labels)).sum(0).tolist()
    firing = [count for count in counts if count]
    assert digits_per_neuron(network) == pytest.approx(sum(firing) / len(firing))
    silent = DigitsNetwork(3)
    silent.b1.data.fill_(-100.0)
    assert digits_per_neuron(silent) == 0


def test_the_network_of_the_text_is_trained_once():
    assert network_of_the_text(1) is network_of_the_text(1)
    again = train_digits(DigitsNetwork(16, generator=torch.Generator().manual_seed(1)), seed=1)
    assert torch.equal(network_of_the_text(1).W1, again.W1)


def test_shared_ink_by_hand():
    w, a, b = torch.zeros(3, 64)
    w[:4] = torch.tensor([1.0, 2.0, -1.0, 1.0])
    a[:4], b[:4] = torch.tensor([1.0, 1.0, 1.0, 0.0]), torch.tensor([0.5, 1.0, 1.0, 1.0])
    assert shared_ink(w, a, b) == pytest.approx((0.5 + 2.0) / (1.0 + 2.0 + 1.0)) == shared_ink(w, b, a)
    assert shared_ink(w, a, a) == pytest.approx(1) and shared_ink(-w.abs(), a, b) == 0


def test_digits_load_nothing_heavy():
    script = "import sys, tms_edu.digits; print([m for m in sys.argv[1:] if m in sys.modules])"
    command = [sys.executable, "-c", script, "matplotlib", "pandas", "ipywidgets", "sklearn"]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip() == "[]"
