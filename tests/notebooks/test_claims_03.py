"""What notebook 03 says in numbers, over many seeds."""

from collections import Counter
from pathlib import Path
from types import SimpleNamespace

import nbformat
import pytest
import torch

from tms_edu import SparseFeatures, ToyModel, gram, read_gram, reconstruction_loss, theory, train
from tms_edu.checks import nb03

NOTEBOOK = Path(__file__).parents[2] / "notebooks" / "03_the_toy_model.ipynb"


def trained(n, m, probability, importance=1.0, *, count=16, seed=0):
    model = ToyModel(n, m, instances=(count,), generator=torch.Generator().manual_seed(seed))
    train(model, SparseFeatures(n, probability), importance=importance, seed=seed, progress=False)
    return model.W.data, model.b_final.data


def shapes(W, b):
    return Counter(reading.shape for reading in read_gram(gram(W), b))


@pytest.fixture(scope="module")
def pentagons():
    return trained(5, 2, 0.1, count=48)


def loop(count: int, seed: int):
    """The loop that the notebook writes out, for several models side by side."""
    generator = torch.Generator().manual_seed(seed)
    model, features = ToyModel(5, 2, instances=(count,), generator=generator), SparseFeatures(5, 0.1)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.03)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=800)
    for _ in range(800):
        x = features.sample(256, instances=(count,), generator=generator)
        loss = reconstruction_loss(x, model(x)).sum()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    return model.W.data, model.b_final.data


def test_six_inputs_in_ten_are_empty_and_one_in_twelve_holds_two_or_more():
    n_on = torch.distributions.Binomial(5, torch.tensor(0.1)).log_prob(torch.arange(6.0)).exp()
    assert n_on[0] == pytest.approx(0.59, abs=0.005) and n_on[1] == pytest.approx(0.33, abs=0.005)
    assert n_on[2:].sum() == pytest.approx(1 / 12, abs=0.005)
    x = SparseFeatures(5, 0.1).sample(1_000_000, generator=torch.Generator().manual_seed(0))
    assert torch.bincount((x > 0).sum(-1), minlength=6) / 1e6 == pytest.approx(n_on, abs=0.002)


@pytest.mark.parametrize("seed", [0, 1])
def test_one_feature_that_matters_ten_times_as_much_breaks_the_pentagon(seed):
    importance = torch.tensor([1.0, 1.0, 10.0, 1.0, 1.0])
    rare = read_gram(*_gram_and_bias(trained(5, 2, 0.1, importance, count=48, seed=seed)))
    digons = [reading for reading in rare if reading.shape == "two digons and one dropped"]
    assert len(digons) >= 46 and all(reading.status[2] == "superposed" for reading in digons)
    frequent = read_gram(*_gram_and_bias(trained(5, 2, 0.5, importance, count=48, seed=seed)))
    assert sum(reading.status[2] == "recovered" for reading in frequent) >= 46


def _gram_and_bias(weights):
    W, b = weights
    return gram(W), b


def test_at_least_45_runs_in_48_end_as_a_pentagon(pentagons):
    assert shapes(*pentagons)["pentagon"] >= 45
    assert shapes(*loop(48, seed=0))["pentagon"] >= 45
    assert set(shapes(*pentagons)) <= {"pentagon", "two digons and one dropped"}


def test_the_pentagons_numbers_at_a_tenth(pentagons):
    W, b = pentagons
    losses = theory.expected_loss(W, b, SparseFeatures(5, 0.1))
    best = theory.optimum(SparseFeatures(5, 0.1), 2)[2]
    good = torch.tensor([reading.shape == "pentagon" for reading in read_gram(gram(W), b)])
    assert (losses[good] < 1.03 * best).all() and best == pytest.approx(0.0263, abs=5e-5)
    assert (W.norm(dim=-2)[good] - 1.10).abs().max() < 0.04 and (b[good] + 0.21).abs().max() < 0.04
    assert (losses[~good] > 0.035).all()


def test_neighbours_both_on_come_back_and_others_spoil_each_other():
    model = ToyModel(5, 2, generator=torch.Generator().manual_seed(0))
    train(model, SparseFeatures(5, 0.05), progress=False)
    for i in range(5):
        for j in range(i):
            x = torch.zeros(5)
            x[[i, j]] = 0.8
            x_hat = model(x).detach()
            if gram(model.W)[i, j] > 0:
                assert (x - x_hat).square().sum() < 0.2
            else:
                assert x_hat[[i, j]].max() < 0.1 and (x - x_hat).square().sum() > 1


def test_ways_to_spend_two_dimensions_cost_what_is_said():
    features = SparseFeatures(5, 0.1)
    pairs = torch.tensor([[1.0, -1, 0, 0, 0], [0, 0, 1, -1, 0]])
    cases = {
        0.1542: (torch.zeros(2, 5), [0.05] * 5),
        0.0925: (torch.eye(2, 5), [0, 0, 0.05, 0.05, 0.05]),
        0.0375: (pairs, [0, 0, 0, 0, 0.05]),
        0.0264: (1.1 * theory.polygon(5), [-0.2] * 5),
        0.0284: (theory.polygon(5), [-0.1] * 5),
    }
    for loss, (W, b) in cases.items():
        assert theory.expected_loss(W, torch.tensor(b), features) == pytest.approx(loss, abs=5e-5)


def test_pairs_are_best_above_one_time_in_five():
    for probability, shape in ((0.2, "pentagon"), (0.24, "two digons and one dropped")):
        W, b, _ = theory.optimum(SparseFeatures(5, probability), 2)
        assert read_gram(gram(W), b).shape == shape


def test_the_pentagon_costs_less_than_two_digons_up_to_022():
    pairs = torch.tensor([[1.0, -1, 0, 0, 0], [0, 0, 1, -1, 0]])
    for probability, cheaper in ((0.1, True), (0.2, True), (0.22, True), (0.24, False), (0.4, False)):
        features = SparseFeatures(5, probability)
        W, b, pentagon = theory.polish(theory.polygon(5), torch.full((5,), -0.2), features)
        assert read_gram(gram(W), b).shape == "pentagon"
        bias = torch.tensor([0, 0, 0, 0, probability / 2])
        W, b, digons = theory.polish(pairs, bias, features)
        assert read_gram(gram(W), b).shape == "two digons and one dropped"
        assert (pentagon < digons) == cheaper


def test_training_turns_to_two_digons_before_they_are_best_and_keeps_some_pentagons_after():
    ends = {p: shapes(*trained(5, 2, p, count=96)) for p in (0.2, 0.25)}
    assert 0.55 < ends[0.2]["two digons and one dropped"] / 96 < 0.8
    assert 4 <= ends[0.25]["pentagon"] <= 24


def test_a_run_can_drop_a_feature_that_matters_more_than_one_it_keeps():
    W, b = trained(5, 2, 0.25, 0.9 ** torch.arange(5), count=48)
    dropped = [reading.indices("dropped") for reading in read_gram(gram(W), b)]
    assert sum(len(lost) == 1 and lost[0] < 4 for lost in dropped) >= 5


def test_two_digons_are_a_minimum_of_the_exact_loss():
    pairs, features = torch.tensor([[1.0, -1, 0, 0, 0], [0, 0, 1, -1, 0]]), SparseFeatures(5, 0.1)
    for seed in range(16):
        nudge = 0.01 * torch.randn(2, 5, generator=torch.Generator().manual_seed(seed))
        W, b, _ = theory.polish(pairs + nudge, torch.tensor([0, 0, 0, 0, 0.05]), features)
        assert read_gram(gram(W), b).shape == "two digons and one dropped"


@pytest.mark.parametrize("seed", range(4))
def test_the_start_of_section_5_ends_in_two_digons_when_features_are_frequent(seed):
    model = ToyModel(5, 2, generator=torch.Generator().manual_seed(3))
    with torch.no_grad():
        model.W += 1e-3 * torch.randn(2, 5, generator=torch.Generator().manual_seed(seed)) * (seed > 0)
    train(model, SparseFeatures(5, 0.5), progress=False)
    assert read_gram(gram(model.W.data), model.b_final.data).shape == "two digons and one dropped"


def test_an_answer_left_from_an_earlier_run_is_called_so(monkeypatch):
    y = SparseFeatures(20, 0.2).sample(1000, generator=torch.Generator().manual_seed(1))
    shell = SimpleNamespace(
        last_execution_result=SimpleNamespace(success=True)
    )  # IPython's, of the last cell
    plain = nb03.check_sparsity(0.2, y).message
    monkeypatch.setattr("tms_edu.checks.exercises.get_ipython", lambda: shell)
    assert nb03.check_sparsity(0.2, y).message == plain
    shell.last_execution_result.success = False
    older = nb03.check_sparsity(0.2, y).message
    assert older.startswith(plain) and older.endswith("so this may be an answer from an earlier run.)")
    assert nb03.check_sparsity(0.8, y).status == "right"
    shell.last_execution_result = None
    assert nb03.check_sparsity(0.2, y).message == plain


def test_importance_for_all_changes_nothing_and_frequency_for_all_does():
    base, important, frequent = (trained(5, 2, p, i)[0] for p, i in ((0.05, 1.0), (0.05, 10.0), (0.5, 1.0)))
    largest = [(gram(W) - gram(base)).abs().amax((-2, -1)) for W in (important, frequent)]
    assert (largest[0] < 0.05).all() and (largest[1] > 0.5).all()


def test_fourteen_to_sixteen_of_twenty_features_are_kept_and_the_rest_answer_with_their_mean():
    W, b = trained(20, 10, 0.2, 0.8 ** torch.arange(20))
    for reading, bias in zip(read_gram(gram(W), b), b, strict=True):
        recovered, superposed, dropped = map(reading.indices, ("recovered", "superposed", "dropped"))
        assert 14 <= len(recovered) + len(superposed) <= 16 and 4 <= len(recovered) <= 6
        assert {0, 1, 2} <= set(recovered) and max(recovered) <= 6 and min(dropped) >= 12
        assert all(len(group.members) == 2 and group.dimensions == 1 for group in reading.groups)
        assert (bias[dropped] - 0.1).abs().max() < 0.01


@pytest.mark.parametrize("seed", range(3))
def test_the_model_of_section_6_has_five_alone_ten_in_pairs_and_five_dropped(seed):
    model = ToyModel(20, 10, generator=torch.Generator().manual_seed(6))
    with torch.no_grad():
        model.W += 1e-3 * torch.randn(10, 20, generator=torch.Generator().manual_seed(seed)) * (seed > 0)
    train(model, SparseFeatures(20, 0.2), importance=0.8 ** torch.arange(20), progress=False)
    reading = read_gram(gram(model.W.data), model.b_final.data)
    assert reading.indices("recovered") == list(range(5))
    assert reading.indices("superposed") == list(range(5, 15))
    assert reading.indices("dropped") == list(range(15, 20))


@pytest.mark.parametrize("batch, n", [(1, 1), (4, 5), (64, 3)])
def test_the_loss_that_is_shown_is_the_loss_that_is_imported(batch, n):
    cells = [
        cell
        for cell in nbformat.read(NOTEBOOK, as_version=4).cells
        if "defines:reconstruction_loss" in cell.metadata.get("tags", [])
    ]
    shown = {}
    exec(cells[0].source, shown)
    generator = torch.Generator().manual_seed(batch)
    x, x_hat = torch.rand(batch, n, generator=generator), torch.rand(batch, n, generator=generator)
    for importance in (1.0, 0.0, torch.rand(n, generator=generator)):
        for guess in (x_hat, x, torch.zeros(batch, n)):
            expected = reconstruction_loss(x, guess, importance)
            assert torch.allclose(shown["reconstruction_loss"](x, guess, importance), expected, atol=1e-6)
