"""What notebook 05 says in numbers, over many seeds."""

from pathlib import Path

import nbformat
import pytest
import torch

from tms_edu import (
    SparseFeatures,
    ToyModel,
    feature_norms,
    gram,
    read_gram,
    reconstruction_loss,
    theory,
    train,
)
from tms_edu.checks.nb05 import SIGNS

NOTEBOOK = Path(__file__).parent.parent / "notebooks" / "05_why_no_hidden_bias_or_relu.ipynb"
FEATURES = SparseFeatures(5, 0.1)


@pytest.fixture(scope="module")
def kinds():
    """The models as the notebook writes them out."""
    scope = {"torch": torch, "ToyModel": ToyModel}
    for cell in nbformat.read(NOTEBOOK, as_version=4).cells:
        if cell.cell_type == "code" and "class " in cell.source:
            start = cell.source.index("class ")
            source = cell.source[start:].split("\n\n\n")[0]
            exec(source, scope)
    return scope


def trained(kind, features, *sizes, seed=0, importance=1.0, **options):
    torch.manual_seed(seed)
    model = kind(*sizes, **options)
    train(model, features, importance=importance, seed=seed, progress=False)
    return model


def loss_of(model, features=FEATURES, importance=1.0):
    x = features.sample(20_000, generator=torch.Generator().manual_seed(9)).expand(*model.instances, -1, -1)
    with torch.no_grad():
        return reconstruction_loss(x, model(x), importance)


def test_any_hidden_bias_is_cancelled_for_any_decoder():
    g = torch.Generator().manual_seed(0)
    for m, n in ((1, 1), (2, 5), (10, 20), (6, 3)):
        W, V = torch.randn(64, m, n, generator=g).double(), torch.randn(64, n, m, generator=g).double()
        b, b1 = torch.randn(64, 1, n, generator=g).double(), 30 * torch.randn(64, 1, m, generator=g).double()
        x = torch.rand(64, 40, n, generator=g).double()
        for back in (W.mT, V):
            without = torch.relu(x @ W.mT @ back.mT + b)
            biased = torch.relu((x @ W.mT + b1) @ back.mT + (b - b1 @ back.mT))
            assert torch.allclose(without, biased, atol=1e-10)


def test_training_gains_nothing_from_a_hidden_bias(kinds):
    plain, biased = (
        loss_of(trained(kind, FEATURES, 5, 2, instances=(48,))) for kind in (ToyModel, kinds["HiddenBias"])
    )
    assert biased.median() == pytest.approx(plain.median().item(), rel=0.01)


def test_best_output_biases_at_a_twentieth():
    features = SparseFeatures(5, 0.05)
    W, b, _ = theory.optimum(features, 2)
    assert (b + 0.247).abs().max() < 0.003 and (feature_norms(W) - 1.135).abs().max() < 0.003
    _, b, _ = theory.polish(torch.tensor([[1.0, -1.0]]), torch.zeros(2), SparseFeatures(2, 0.05))
    assert b.abs().max() < 0.005
    grid = torch.linspace(0, 0.1, 101)[:, None]
    losses = theory.expected_loss(torch.zeros(101, 1, 1), grid, SparseFeatures(1, 0.05))
    assert grid[losses.argmin()] == pytest.approx(0.025, abs=0.001)


def test_held_at_zero_the_bias_costs_a_pentagon_three_quarters_more(kinds):
    features = SparseFeatures(5, 0.05)
    free = trained(ToyModel, features, 5, 2, instances=(48,))
    held = trained(kinds["NoBias"], features, 5, 2, instances=(48,))
    ratio = theory.expected_loss(held.W, held.b_final, features) / theory.expected_loss(
        free.W, free.b_final, features
    )
    assert ratio.median().item() == pytest.approx(1.76, abs=0.02)
    assert [reading.shape for reading in read_gram(gram(held.W))].count("pentagon") == 48
    assert feature_norms(held.W).median().item() == pytest.approx(0.915, abs=0.01)


def test_the_signs_of_the_exercise_are_those_of_the_best_biases():
    W = torch.zeros(3, 8)
    W[:2, [0, 2, 3, 5, 7]] = 1.1 * theory.polygon(5)
    W[2, [1, 6]] = torch.tensor([1.0, -1.0])
    b = torch.zeros(8, dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.LBFGS([b], max_iter=30, line_search_fn="strong_wolfe")

    def closure():
        optimizer.zero_grad()
        loss = theory.expected_loss(W, b, SparseFeatures(8, 0.1))
        loss.backward()
        return loss

    optimizer.step(closure)
    assert ["-" if v < -0.02 else "+" if v > 0.02 else "0" for v in b.tolist()] == SIGNS


def disguise(hidden, base):
    W, b = base.W.detach(), base.b_final.detach()
    with torch.no_grad():
        lift = -W.clamp(max=0).sum(-1)
        for parameter, value in (
            (hidden.W1, W),
            (hidden.b1, lift),
            (hidden.W2, W.mT),
            (hidden.b2, b - (W.mT @ lift.unsqueeze(-1)).squeeze(-1)),
        ):
            parameter.copy_(value)
    return hidden


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_hidden_relu_models_against_the_base_model(kinds, seed):
    base = trained(ToyModel, FEATURES, 5, 2, instances=(16,), seed=seed)
    hidden = trained(kinds["HiddenReLU"], FEATURES, 5, 2, (16,), seed=seed)
    losses = loss_of(base), loss_of(hidden)
    assert (losses[1] > losses[0].max()).sum() >= 15 and losses[1].median() > 2 * losses[0].median()
    x = FEATURES.sample(5000, generator=torch.Generator().manual_seed(2)).expand(16, -1, -1)
    x_hat = hidden(x).detach()
    assert 0.3 < (x_hat.amax(1) - x_hat.amin(1) < 1e-3).float().mean() < 0.65
    idle = (x @ hidden.W1.mT + hidden.b1.unsqueeze(-2) >= 0).float().mean((-2, -1))
    assert (idle > 0.95).sum() >= 8
    cosine = torch.nn.functional.cosine_similarity(hidden.W1, hidden.W2.mT, dim=-1).median()
    assert 0.45 < cosine < 0.8
    start = disguise(kinds["HiddenReLU"](5, 2, (16,)), base)
    assert (start(x) - base(x)).abs().max() < 1e-5
    train(start, FEATURES, seed=seed, progress=False)
    better = loss_of(start)
    assert (better < losses[0]).all() and better.median() == pytest.approx(0.0205, abs=0.0015)


def test_no_output_notices_a_rotation_of_the_hidden_space():
    g = torch.Generator().manual_seed(0)
    W, R = (
        torch.randn(64, 4, 7, generator=g).double(),
        torch.linalg.qr(torch.randn(64, 4, 4, generator=g).double()).Q,
    )
    assert torch.allclose(gram(R @ W), gram(W), atol=1e-12)
    x = torch.rand(64, 30, 7, generator=g).double()
    turned, still = (torch.relu(torch.relu(x @ V.mT) @ V) for V in (R @ W, W))
    assert ((turned - still).abs().amax((-2, -1)) > 0.01).all()


@pytest.mark.parametrize(
    ("probability", "single", "kept"), [(0.5, (0.9, 1), (4.9, 5.3)), (0.05, (0, 0.1), (7.5, 9))]
)
def test_neurons_count_when_the_hidden_layer_has_a_relu(kinds, probability, single, kept):
    importance = 0.75 ** torch.arange(10)
    features = SparseFeatures(10, probability)
    model = trained(kinds["TiedReLU"], features, 10, 5, instances=(48,), importance=importance)
    W = model.W.detach()
    alone = ((W >= 0.4).sum(-1) == 1).float().mean()
    represented = (feature_norms(W) > 0.5).sum(-1).float().mean()
    assert single[0] <= alone <= single[1] and kept[0] < represented < kept[1]
