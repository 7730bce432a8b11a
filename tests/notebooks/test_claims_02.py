"""What notebook 02 says in numbers, over many seeds."""

import itertools
from pathlib import Path

import nbformat
import pytest
import torch

from tms_edu import checks
from tms_edu.digits import DigitsNetwork, accuracy, load_digits, train_digits
from tms_edu.linear.codes import Encoding, decoders
from tms_edu.linear.codes import accuracy as share_right
from tms_edu.linear.packing import packings

NOTEBOOK = Path(__file__).parents[2] / "notebooks" / "02_linear_representations.ipynb"


def cell(start: str) -> str:
    cells = [c.source for c in nbformat.read(NOTEBOOK, as_version=4).cells if c.cell_type == "code"]
    return next(source for source in cells if start in source)


def shown(start: str) -> dict:
    namespace = {"torch": torch}
    exec(cell(start), namespace)
    return namespace


def trained_share(kind: str, hidden_units: int, seed: int) -> float:
    encoding = Encoding(kind, n_animals=2, noise=0.1)
    *_, (_, decoder) = decoders(encoding, hidden_units, seed)
    return share_right(decoder, encoding)


@pytest.mark.parametrize(
    "kind, hidden_units, low, high",
    [
        ("integer part", 0, 0.45, 0.55),
        ("integer part", 4, 0.55, 0.75),
        ("integer part", 32, 0.80, 0.935),
        ("small to large", 0, 0.98, 1.0),
        ("two directions", 0, 0.999, 1.0),
    ],
)
def test_who_reads_which_code_at_a_noise_of_a_tenth(kind, hidden_units, low, high):
    shares = [trained_share(kind, hidden_units, seed) for seed in range(16)]
    assert low <= min(shares) and max(shares) <= high
    assert hidden_units != 32 or sorted(shares)[8] > 0.9


def share_right_by_cut(noise: float) -> tuple[torch.Tensor, torch.Tensor]:
    """Integrate over the activation: how often a cut is right, with the cat on its better side."""
    a = torch.linspace(1 - 8 * noise, 9 + 8 * noise, 40_001, dtype=torch.float64)
    cat, dog = Encoding("integer part", 2, noise)._densities(a).T / 2
    gained = torch.cumulative_trapezoid(cat - dog, a).abs()
    return a[1:], 0.5 + gained


@pytest.mark.parametrize("noise", [0.01, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0])
def test_no_cut_reads_more_than_five_eighths_of_the_integer_part(noise):
    assert share_right_by_cut(noise)[1].max() <= 5 / 8


def test_the_best_cut_is_at_2_4_6_or_8_and_right_in_61_5_percent():
    a, right = share_right_by_cut(0.1)
    assert right.max() == pytest.approx(0.615, abs=5e-4)
    best = a[right > right.max() - 1e-3]
    assert ((best - 2 * (best / 2).round()).abs() < 0.1).all() and set((best / 2).round().tolist()) == {
        1,
        2,
        3,
        4,
    }
    at_five = right[(a - 5).abs().argmin()]
    assert at_five < 0.515


@pytest.mark.parametrize("noise, low, high", [(0.1, 0.50, 0.54), (2.0, 0.55, 0.57)])
def test_the_trained_probe_cuts_near_5_and_gains_by_noise(noise, low, high):
    encoding, a, cuts = Encoding("integer part", 2, noise), torch.linspace(1, 9, 801), []
    for seed in range(16):
        *_, (_, probe) = decoders(encoding, 0, seed)
        assert low < share_right(probe, encoding) < high
        cat, dog = probe(a[:, None]).detach().T
        cuts.append(a[(cat - dog).abs().argmin()])
    assert ((torch.stack(cuts) - 5).abs() < 0.3).sum() >= 14


def test_a_good_guess_of_the_best_cut_is_a_good_guess():
    points = {}
    for key, guess, seen in (("02.1", 0.6, 0.615), ("02.3", 1, 4), ("02.3", 3, 4), ("02.7", 0, 25.9)):
        checks.forget("02")
        checks.answer(key, guess)
        checks.reveal(key, seen)
        points[key, guess] = checks.score("02").points
    checks.forget("02")
    assert points["02.1", 0.6] == 1 and points["02.3", 1] == 0 and points["02.7", 0] == 0
    assert points["02.3", 3] > 0.5


def test_what_the_best_reader_makes_of_half_a_unit_of_noise():
    generator = torch.Generator().manual_seed(0)
    expected = {"integer part": 0.665, "small to large": 0.950, "two directions": 0.997}
    for kind, share in expected.items():
        encoding = Encoding(kind, 2, 0.5)
        assert encoding.ideal_accuracy() == pytest.approx(share, abs=0.001)
        h, animal = encoding.draw(200_000, generator)
        right = (encoding.ideal(h).argmax(-1) == animal).float().mean().item()
        assert right == pytest.approx(share, abs=0.005)


@pytest.mark.parametrize("noise, held", [(0.03, 2), (0.01, 4), (0.003, 6)])
def test_how_many_bits_a_number_holds(noise, held):
    # The reader is wrong where the noise exceeds half a step; the two end values have one neighbour only.
    def all_right(k):
        beyond = torch.special.ndtr(torch.tensor(-(2.0**-k) / 2 / noise, dtype=torch.float64))
        return 1 - 2 * beyond * (1 - 2.0**-k)

    assert all_right(held) >= 0.99 and all_right(held + 1) < 0.98


@pytest.mark.parametrize("units", [1, 2, 5, 9])
def test_a_network_of_u_relus_changes_its_answer_at_most_u_plus_one_times(units):
    generator, h = torch.Generator().manual_seed(units), torch.linspace(-3, 3, 20_001, dtype=torch.float64)
    most = 0
    for _ in range(300):
        w, b, out = torch.randn(3, units, generator=generator, dtype=torch.float64)
        score = torch.relu(h[:, None] * w + b) @ out + torch.randn((), generator=generator)
        most = max(most, int(((score > 0).int().diff() != 0).sum()))
    assert 1 <= most <= units + 1


def test_bit_k_changes_two_to_the_k_minus_one_times():
    for k in range(1, 11):
        bit = torch.arange(2**k) % 2
        assert (bit.diff() != 0).sum() == 2**k - 1
    assert 2**10 - 2 == 1022


def test_ten_layers_of_two_relus_read_the_tenth_bit():
    k, step = 10, 2.0**-10
    generator = torch.Generator().manual_seed(0)
    whole = torch.arange(2**k, dtype=torch.float64)
    noise = 0.8 * step * (torch.rand(2**k, generator=generator, dtype=torch.float64) - 0.5)
    folded = whole * step + noise
    for _ in range(k):
        folded = 2 * torch.relu(folded) - 4 * torch.relu(folded - 0.5)
    assert torch.equal(folded > 0.5, whole % 2 == 1)


def exact_error(code: str, Z: int, sigma: float) -> float:
    """Integrate over the number and the noise: the squared error of x and y with the best reader."""
    t = (torch.arange(1200, dtype=torch.float64) + 0.5) / 1200
    h = torch.linspace(-6 * sigma, 1 + 6 * sigma, 3001, dtype=torch.float64)
    step = torch.floor(Z * t)
    x, y = (step + 0.5) / Z, Z * t - step
    y = torch.where(step % 2 == 1, 1 - y, y) if code == "folded" else y
    if code == "linear":
        x, y = t, torch.full_like(t, 0.5)
    kernel = torch.exp(-(((h[:, None] - t) / sigma) ** 2) / 2) / (sigma * (2 * torch.pi) ** 0.5) / len(t)
    read = ((kernel @ x) ** 2 + (kernel @ y) ** 2) / kernel.sum(1).clamp(min=1e-300)
    return 2 / 3 - torch.trapezoid(read, h).item()


def test_the_folded_code_leads_to_0_17_and_with_two_steps_to_the_end_of_the_picture():
    def leads(code, Z, sigma):
        return exact_error(code, Z, sigma) < exact_error("linear", 1, sigma)

    assert leads("paper", 3, 0.1) and not leads("paper", 3, 0.11)
    assert leads("folded", 3, 0.16) and not leads("folded", 3, 0.175)
    assert all(leads("folded", 2, sigma) for sigma in (0.02, 0.05, 0.1, 0.15, 0.2))
    namespace = shown("def best_error")
    h = namespace["folded"] + 0.1 * namespace["noise"]
    assert namespace["best_error"](h) == pytest.approx(exact_error("folded", 3, 0.1), abs=5e-4)


def test_where_the_nonlinear_code_loses_its_lead():
    namespace = shown("def best_error")
    x, y, t, noise = (namespace[name] for name in ("x", "y", "t", "noise"))
    error, best_error = namespace["error"], namespace["best_error"]
    assert noise.std() == pytest.approx(1, abs=0.01)

    def inverse_error(sigma):
        h = t + sigma * noise
        step = torch.floor(3 * h).clamp(0, 2)
        return error((step + 0.5) / 3, (3 * h - step).clamp(0, 1))

    assert inverse_error(0.0) == pytest.approx(1 / 108, abs=2e-4) and best_error(x) == pytest.approx(
        1 / 12, abs=4e-4
    )
    assert inverse_error(0.045) < best_error(x + 0.045 * noise) and inverse_error(0.05) > best_error(
        x + 0.05 * noise
    )
    assert best_error(t + 0.105 * noise) < best_error(x + 0.105 * noise)
    assert best_error(t + 0.12 * noise) > best_error(x + 0.12 * noise)


def test_a_linear_code_does_no_better_than_keep_x():
    namespace = shown("def best_error")
    x, y, noise, best_error = (namespace[name] for name in ("x", "y", "noise", "best_error"))
    for share in (0.5, 0.6, 0.75, 0.9):
        mixed = share * x + (1 - share) * y
        design = torch.stack([mixed, torch.ones_like(mixed)], dim=1)
        fitted = design @ torch.linalg.lstsq(design, torch.stack([x, y], dim=1)).solution
        by_scalar_product = (fitted - torch.stack([x, y], dim=1)).square().sum(1).mean()
        assert by_scalar_product == pytest.approx(1 / 12, abs=5e-4)
        assert best_error(mixed) > 0.92 / 12
        assert best_error(mixed + 0.1 * noise) > best_error(x + 0.1 * noise)
    assert best_error(0.75 * x + 0.25 * y) == pytest.approx(0.925 / 12, rel=0.01)


@pytest.fixture(scope="module")
def digits():
    namespace = shown("def probe_accuracy")
    networks = [DigitsNetwork(16, generator=torch.Generator().manual_seed(seed)) for seed in range(16)]
    even = [0, 2, 4, 6, 8]
    untrained = [namespace["probe_accuracy"](network, even) for network in networks]
    for network in networks:
        train_digits(network)
    return namespace, networks, untrained


def test_even_is_a_direction_of_nearly_every_trained_digits_network(digits):
    namespace, networks, untrained = digits
    even = [0, 2, 4, 6, 8]
    shares = torch.tensor([namespace["probe_accuracy"](network, even) for network in networks])
    assert shares.min() >= 0.84 and shares.max() <= 0.95 and 0.89 <= shares.median() <= 0.93
    assert torch.tensor(untrained).median() == pytest.approx(0.8, abs=0.03)
    assert min(untrained) > 0.73 and max(untrained) < 0.89
    assert (shares > torch.tensor(untrained)).sum() >= 14
    assert min(accuracy(network).item() for network in networks) > 0.85


def test_the_pixels_give_even_and_the_loops_as_well_as_the_neurons(digits):
    namespace, networks, _ = digits
    for property_ in ([0, 2, 4, 6, 8], [0, 6, 8, 9]):
        assert namespace["probe_accuracy"](None, property_) == pytest.approx(0.903, abs=0.005)


def test_the_neurons_are_ahead_of_the_pixels_in_most_ways_to_split_the_digits(digits):
    _, networks, _ = digits
    splits = torch.tensor([s for s in itertools.combinations(range(10), 5) if 0 in s])
    (images, labels), (unseen, unseen_labels) = load_digits("train"), load_digits("test")
    assert len(splits) == 126

    def right(h, h_unseen):
        y, expected = ((kind[:, None, None] == splits).any(-1) for kind in (labels, unseen_labels))
        rows, new = (torch.cat([part, torch.ones(len(part), 1)], dim=1) for part in (h, h_unseen))
        fit = torch.linalg.lstsq(rows, 2.0 * y - 1, driver="gelsd").solution
        return ((new @ fit > 0) == expected).float().mean(0)

    pixels = right(images, unseen)
    shares = [right(n.hidden(images).detach(), n.hidden(unseen).detach()) for n in networks]
    ahead = torch.tensor([(share > pixels).sum().item() for share in shares])
    assert (ahead > 63).sum() >= 14 and ahead.float().mean() > 80
    assert all(abs(share.median() - pixels.median()) < 0.07 for share in shares)


def test_shuffled_labels_give_about_chance(digits):
    namespace, networks, _ = digits
    shares = [namespace["probe_accuracy"](network, [0, 2, 4, 6, 8], shuffled=True) for network in networks]
    assert 0.35 < min(shares) and max(shares) < 0.65


def test_a_closed_loop_can_be_probed_to_84_percent(digits):
    namespace, networks, _ = digits
    shares = [namespace["probe_accuracy"](network, [0, 6, 8, 9]) for network in networks]
    assert min(shares) >= 0.84
    labels = load_digits("test")[1]
    assert 1 - torch.isin(labels, torch.tensor([0, 6, 8, 9])).float().mean() == pytest.approx(0.61, abs=0.005)


def test_a_probe_fitted_without_one_of_the_loops_says_no_to_most_of_them(digits):
    namespace, networks, _ = digits
    (images, labels), (unseen, unseen_labels) = load_digits("train"), load_digits("test")
    loops = torch.tensor([0, 6, 8, 9])

    def yes(network, fitted):
        w, b = namespace["fit_probe"](network.hidden(images).detach(), torch.isin(labels, fitted))
        answers = network.hidden(unseen) @ w + b > 0
        return torch.stack([answers[unseen_labels == digit].float().mean() for digit in loops])

    for network in networks:
        assert yes(network, loops).min() > 0.5
        for k in range(4):
            assert yes(network, loops[loops != loops[k]])[k] < 0.35


def test_the_number_of_nearly_orthogonal_vectors_grows_by_a_factor_for_each_four_dimensions():
    pack = shown("def pack")["pack"]
    counts = torch.tensor(
        [[pack(d, 0.5, seed).shape[1] for d in (8, 12, 16, 20)] for seed in range(16)]
    ).float()
    growth = counts.mean(0)[1:] / counts.mean(0)[:-1]
    assert (growth > 1.9).all() and (growth < 3).all()
    assert counts[:, -1].min() > 150
    for seed in range(3):
        W = pack(10, 0.3, seed)
        cosines = (W.T @ W).fill_diagonal_(0).abs()
        assert cosines.max() <= 0.3 and torch.allclose(W.norm(dim=0), torch.ones(W.shape[1]))


def test_a_better_search_packs_about_ninety_into_16_dimensions():
    *_, last = packings(16, 0.3)
    assert 80 <= len(last.vectors) <= 100


def test_about_as_many_features_as_dimensions_may_be_on_at_once():
    pack = shown("def pack")["pack"]
    for seed in range(4):
        W = pack(20, 0.5, seed)
        G = (W.T @ W).fill_diagonal_(0)
        k = 1 + (len(G) - 1) / G.square().sum(1).mean()
        assert k == pytest.approx(21, abs=3)
