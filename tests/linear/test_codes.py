"""Codes and their decoders: accuracies against Bayes' rule and Monte Carlo, worked out another way."""

import math

import numpy as np
import pytest
import torch

from tms_edu.linear.codes import DIRECTIONS, INTEGER_PART, SIZE, Encoding, accuracy, decoders

KINDS = (INTEGER_PART, SIZE, DIRECTIONS)


def sample(kind, n, noise, rows, rng):
    """Draw from the code's definition in words, with NumPy."""
    animal, a = rng.integers(n, size=rows), rng.uniform(1, 9, size=rows)
    if kind == DIRECTIONS:
        turn = animal * min(90, 360 / n) * math.pi / 180
        h = a[:, None] * np.stack([np.cos(turn), np.sin(turn)], 1)
    else:
        animal = (a.astype(int) - 1) % n if kind == INTEGER_PART else ((a - 1) * n / 8).astype(int)
        h = a[:, None]
    return h + noise * rng.normal(size=h.shape), animal


def likeliest(kind, n, noise, h):
    """Apply Bayes' rule on a fine grid of activations before the noise."""
    a = np.arange(1, 9, 0.02) + 0.01
    scores = []
    for k in range(n):
        if kind == DIRECTIONS:
            turn = k * min(90, 360 / n) * math.pi / 180
            clean = a[:, None] * np.array([math.cos(turn), math.sin(turn)])
        else:
            own = (a.astype(int) - 1) % n if kind == INTEGER_PART else ((a - 1) * n / 8).astype(int)
            clean = a[own == k][:, None]
        squares = ((h[:, None] - clean) ** 2).sum(-1) / (2 * noise**2)
        least = squares.min(1)
        scores.append(np.log(np.exp(least[:, None] - squares).sum(1)) - least)
    return np.argmax(scores, axis=0)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("n", [2, 4, 8])
@pytest.mark.parametrize("noise", [0.1, 0.5, 2.0])
def test_the_ideal_decoder_is_bayes_rule_and_its_accuracy_is_exact(kind, n, noise):
    h, animal = sample(kind, n, noise, 12_000, np.random.default_rng(0))
    best = likeliest(kind, n, noise, h)
    encoding = Encoding(kind, n, noise)
    mine = encoding.ideal(torch.from_numpy(h)).argmax(-1).numpy()
    assert (mine == best).mean() > 0.99
    error = 4 * 0.5 / math.sqrt(len(h))
    assert (best == animal).mean() == pytest.approx(encoding.ideal_accuracy(), abs=error)
    assert accuracy(encoding.ideal, encoding) == pytest.approx(encoding.ideal_accuracy(), abs=error)


@pytest.mark.parametrize("kind", KINDS)
def test_far_outside_the_range_the_nearest_animal_wins(kind):
    encoding = Encoding(kind, 4, 0.02)
    ends = torch.tensor([[-3.0], [13.0]]) if kind != DIRECTIONS else torch.tensor([[13.0, 1.0], [1.0, -13.0]])
    assert encoding.ideal(ends).argmax(-1).tolist() == [0, 3]


@pytest.mark.parametrize(("kind", "n"), [(kind, n) for kind in KINDS for n in (2, 4, 8)])
def test_draws_follow_the_code(kind, n):
    h, animal = Encoding(kind, n, 0.0).draw(4000, torch.Generator().manual_seed(0))
    length = h.norm(dim=-1)
    assert length.min() >= 1 - 1e-5 and length.max() < 9 + 1e-5
    assert (animal.bincount(minlength=n) / len(animal) - 1 / n).abs().max() < 0.03
    assert (likeliest(kind, n, 0.05, h.numpy().astype(float)) == animal.numpy()).mean() > 0.97


# What the notebooks say of the decoders, over several seeds.


@pytest.mark.parametrize("seed", range(3))
def test_a_line_cannot_read_odd_and_even_but_a_network_can(seed):
    encoding = Encoding(INTEGER_PART, 2, 0.1)
    reached = {}
    for units in (0, 4, 32):
        *_, (_, trained) = decoders(encoding, units, seed)
        reached[units] = accuracy(trained, encoding)
    assert 0.45 < reached[0] < 0.63 and reached[4] < 0.85 and reached[32] > encoding.ideal_accuracy() - 0.03


@pytest.mark.parametrize("n", [2, 4, 8])
@pytest.mark.parametrize("kind", [SIZE, DIRECTIONS])
def test_a_linear_probe_reads_size_and_directions_as_well_as_anything(kind, n):
    encoding = Encoding(kind, n, 0.3)
    *_, (_, trained) = decoders(encoding, 0)
    assert accuracy(trained, encoding) > encoding.ideal_accuracy() - 0.03


def test_one_direction_pays_for_more_animals_where_two_do_not():
    lost = {
        kind: [1 - Encoding(kind, n, 0.3).ideal_accuracy() for n in (2, 4, 8)] for kind in (SIZE, DIRECTIONS)
    }
    assert lost[SIZE][2] > 5 * lost[SIZE][0] and lost[SIZE][2] > 0.2
    assert max(lost[DIRECTIONS]) < 0.03


@pytest.mark.parametrize("noise", [0.02, 0.3, 1.0])
def test_the_best_cut_of_two_pieces_is_the_ideal_decoder(noise):
    two_pieces = Encoding(SIZE, 2, noise)
    assert two_pieces.best_cut_accuracy() == pytest.approx(two_pieces.ideal_accuracy(), abs=1e-5)
    assert Encoding(INTEGER_PART, 2, noise).best_cut_accuracy() <= 5 / 8


@pytest.mark.parametrize(("kind", "n"), [(DIRECTIONS, 2), (INTEGER_PART, 4)])
def test_a_cut_needs_one_direction_and_two_animals(kind, n):
    with pytest.raises(ValueError, match="two animals apart in one direction"):
        Encoding(kind, n, 0.1).best_cut_accuracy()
