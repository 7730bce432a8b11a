"""What notebook 05 says in numbers, over many seeds."""

import ast
import copy
import math
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

NOTEBOOK = Path(__file__).parents[2] / "notebooks" / "05_why_no_hidden_bias_or_relu.ipynb"
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
    """Draw inputs in which something is on, and give the empty input its exact weight."""
    x = features.sample_active(20_000, generator=torch.Generator().manual_seed(9))
    nothing = torch.zeros(1, features.n_features)
    with torch.no_grad():
        on, off = (
            reconstruction_loss(rows, model(rows), importance)
            for rows in (x.expand(*model.instances, -1, -1), nothing.expand(*model.instances, -1, -1))
        )
    return on + features.empty_probability * (off - on)


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


@pytest.mark.parametrize("p", [0.02, 0.05, 0.1])
def test_the_loss_of_a_digon_falls_at_zero_bias_but_hardly(p):
    W, features = torch.tensor([[1.0, -1.0]], dtype=torch.float64), SparseFeatures(2, p)
    biases = torch.linspace(-2e-3, 5e-3, 7001, dtype=torch.float64)
    losses = theory.expected_loss(W.expand(7001, 1, 2), biases[:, None].expand(7001, 2), features) / 2
    at_zero = 2000  # where the bias is 0
    slope = (losses[at_zero + 1] - losses[at_zero - 1]) / (biases[at_zero + 1] - biases[at_zero - 1])
    assert slope.item() == pytest.approx(-(p**2) / 3, rel=0.01)
    assert biases[losses.argmin()].item() == pytest.approx(p**2 / (6 * (1 - p)), rel=0.02)


@pytest.mark.parametrize(("probability", "price"), [(0.05, 1.76), (0.1, 1.35)])
def test_held_at_zero_the_bias_costs_a_pentagon_three_quarters_more(kinds, probability, price):
    features = SparseFeatures(5, probability)
    free = trained(ToyModel, features, 5, 2, instances=(48,))
    held = trained(kinds["NoBias"], features, 5, 2, instances=(48,))
    ratio = theory.expected_loss(held.W, held.b_final, features) / theory.expected_loss(
        free.W, free.b_final, features
    )
    assert ratio.median().item() == pytest.approx(price, abs=0.02)
    assert [reading.shape for reading in read_gram(gram(held.W))].count("pentagon") == 48
    if probability == 0.05:
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
    assert ["-" if v < -0.03 else "+" if v > 0.03 else "0" for v in b.tolist()] == SIGNS


def disguise(hidden, base):
    W, b = base.W.detach(), base.b_final.detach()
    with torch.no_grad():
        lift = W.abs().sum(-1)
        for parameter, value in (
            (hidden.W1, W),
            (hidden.b1, lift),
            (hidden.W2, W.mT),
            (hidden.b2, b - (W.mT @ lift.unsqueeze(-1)).squeeze(-1)),
        ):
            parameter.copy_(value)
    return hidden


ON = FEATURES.sample_active(5000, generator=torch.Generator().manual_seed(2))


def lost_outputs(model):
    """Count the outputs of each instance that never move."""
    x_hat = model(ON.expand(*model.instances, -1, -1)).detach()
    return (x_hat.amax(1) - x_hat.amin(1) < 1e-3).sum(-1)


def share_passed(model):
    """Return the share of h that the ReLU in the middle leaves as it is while something is on."""
    return (ON @ model.W1.mT + model.b1.unsqueeze(-2) >= 0).float().mean((-2, -1))


@pytest.fixture(scope="module", params=[0, 1])
def four_kinds(kinds, request):
    """Base, W₂ free and ReLU, W₂ free alone, W used twice and ReLU: 48 random starts each, and their losses."""
    without = kinds["HiddenReLU"]

    def free(*sizes):
        model = without(*sizes)
        model.middle = torch.nn.Identity()
        return model

    base = trained(ToyModel, FEATURES, 5, 2, instances=(48,), seed=request.param)
    others = [
        trained(kind, FEATURES, 5, 2, (48,), seed=request.param) for kind in (without, free, kinds["OneW"])
    ]
    return [(model, loss_of(model)) for model in (base, *others)]


def test_hidden_relu_models_end_far_below_the_base_model_or_lose_an_output(four_kinds):
    (_, base), (hidden, loss), *_ = four_kinds
    low, high = loss < 0.98 * base.min(), loss > 0.03
    assert 10 <= low.sum() <= 24 and (low | high).sum() >= 47
    assert loss[low].median() / base.median() == pytest.approx(0.66, abs=0.03)
    lost = lost_outputs(hidden) > 0
    assert not (lost & low).any() and lost[high].float().mean() > 0.6


def test_the_free_way_back_makes_the_difference_and_not_the_relu(four_kinds):
    (_, base), _, (free, free_loss), (once, once_loss) = four_kinds
    low = free_loss < 0.98 * base.min()
    assert 5 <= low.sum() <= 16 and ((lost_outputs(free) > 0) ^ low).sum() >= 46
    assert free_loss[low].median() / base.median() == pytest.approx(0.62, abs=0.03)
    assert (once_loss < 0.98 * base.min()).sum() >= 28 and (lost_outputs(once) > 0).sum() <= 5
    assert once_loss.median() / base.median() == pytest.approx(0.95, abs=0.015)
    assert once_loss.min() > 0.88 * base.median()


def test_training_turns_the_relu_off_where_it_has_a_b1_and_a_free_w2(four_kinds):
    _, (hidden, _), _, (once, _) = four_kinds
    assert (share_passed(hidden) > 0.95).sum() >= 38
    assert share_passed(once).median().item() == pytest.approx(0.91, abs=0.02)


def test_with_more_steps_most_random_starts_get_through(kinds):
    torch.manual_seed(0)
    model = kinds["HiddenReLU"](5, 2, (64,))
    train(model, FEATURES, steps=3000, progress=False)
    loss = loss_of(model)
    assert (loss < 0.018).sum() >= 40  # what exercise 4 asks for
    model = kinds["HiddenReLU"](5, 2, (64,))
    model.middle = torch.nn.Identity()
    train(model, FEATURES, steps=3000, progress=False)
    for values in (loss, loss_of(model)):
        assert values.median().item() == pytest.approx(0.016, abs=5e-4) and (values < 0.0185).sum() >= 44
    torch.manual_seed(0)
    model = kinds["HiddenReLU"](5, 2, (64,))
    train(model, FEATURES, progress=False)
    assert (loss_of(model) < 0.018).sum() <= 26


def test_every_base_model_in_disguise_goes_below_the_base_model(kinds):
    base = trained(ToyModel, FEATURES, 5, 2, instances=(48,))
    start, x = disguise(kinds["HiddenReLU"](5, 2, (48,)), base), ON.expand(48, -1, -1)
    assert (start(x) - base(x)).abs().max() < 1e-5
    train(start, FEATURES, steps=2000, progress=False)
    assert (loss_of(start) < 0.9 * loss_of(base)).all()


def test_a_free_way_back_turns_crosstalk_blue(four_kinds):
    (base, base_loss), (hidden, loss), *_ = four_kinds
    off = ~torch.eye(5, dtype=torch.bool)
    W1, b1, W2 = (p.detach()[loss < 0.98 * base_loss.min()] for p in (hidden.W1, hidden.b1, hidden.W2))
    h = torch.relu(torch.eye(5) @ W1.mT + b1.unsqueeze(-2)) - torch.relu(b1).unsqueeze(-2)
    alone = (h @ W2.mT).mT
    diagonal = alone.diagonal(dim1=-2, dim2=-1)
    assert diagonal.min() > 0.85 and diagonal.median() == pytest.approx(1.05, abs=0.1)
    orange, tied = (G[:, off].clamp(min=0).square().sum(-1).median() for G in (alone, gram(base.W).detach()))
    assert orange < 0.3 * tied
    best = alone[loss[loss < 0.98 * base_loss.min()].argmin()]
    assert (best - best.T).abs().max() > 3 and best[off].max() < 0.4 and best.min() < -3


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


def test_a_relu_put_into_the_pentagon_makes_the_angle_count():
    W, turn = 1.135 * theory.polygon(5), torch.linspace(0, 2 * torch.pi, 73)
    R = torch.stack([turn.cos(), -turn.sin(), turn.sin(), turn.cos()], dim=-1).view(73, 2, 2)
    for seed in range(16):
        x = (
            SparseFeatures(5, 0.05)
            .sample(20_000, generator=torch.Generator().manual_seed(seed))
            .expand(73, -1, -1)
        )
        for middle, least, most in ((torch.nn.Identity(), 1, 1.001), (torch.relu, 1.08, 1.4)):
            loss = reconstruction_loss(x, torch.relu(middle(x @ (R @ W).mT) @ (R @ W) - 0.247))
            assert least <= loss.max() / loss.min() < most
            whole = loss.median() if most < 1.01 else whole
        assert 5 < loss.mean() / whole < 6.6


def test_a_relu_spares_two_features_on_the_axes_and_silences_them_half_round():
    x = SparseFeatures(2, 0.05).sample_active(20_000, generator=torch.Generator().manual_seed(0))
    silent, shares = x.square().sum(-1).mean(), []
    for degrees in range(0, 361, 5):
        c, s = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
        W = torch.tensor([[c, -s], [s, c]])
        assert reconstruction_loss(x, torch.relu(x @ W.T @ W)) < 1e-6
        shares.append((reconstruction_loss(x, torch.relu(torch.relu(x @ W.T) @ W)) / silent).item())
    assert max(shares[0], shares[-1]) < 1e-6 and shares[36] == pytest.approx(1, abs=1e-4)
    assert (torch.tensor(shares[:37]).diff() > -0.005).all()


def test_its_own_error_no_longer_teaches_a_lost_output_and_training_on_wakes_most(four_kinds):
    _, (hidden, _), *_ = four_kinds
    x = ON.expand(48, -1, -1)
    lost = hidden(x).detach().amax(1) < 1e-6
    assert lost.sum() >= 10
    hidden.zero_grad()
    (x - hidden(x)).square().mean(1)[lost].sum().backward()
    assert all(parameter.grad.abs().max() == 0 for parameter in hidden.parameters())
    again = copy.deepcopy(hidden)
    train(again, FEATURES, seed=100, progress=False)
    assert (again(x).detach().amax(1) > 1e-3)[lost].float().mean() > 0.6


def test_no_cell_leans_on_a_name_that_an_answer_may_take():
    for path in NOTEBOOK.parent.glob("0[45]_*.ipynb"):
        for cell in nbformat.read(path, as_version=4).cells:
            if cell.cell_type == "code":
                names = [node for node in ast.walk(ast.parse(cell.source)) if isinstance(node, ast.Name)]
                made = {node.id for node in names if isinstance(node.ctx, ast.Store)}
                assert {node.id for node in names} & {"loss", "losses", "model", "run"} <= made, cell.source


def test_no_text_between_two_cells_of_a_section_is_long():
    for path in NOTEBOOK.parent.glob("0[45]_*.ipynb"):
        cells = nbformat.read(path, as_version=4).cells
        texts = [
            cell.source for cell in cells if cell.cell_type == "markdown" and "<details>" not in cell.source
        ]
        inside = [text for text in texts if not text.startswith(("# ", "## What we have seen"))]
        assert max(len(text.split()) for text in inside) <= 240


IMPORTANCE = 0.75 ** torch.arange(10)


@pytest.mark.parametrize(
    ("probability", "single", "kept", "kept_by_base"),
    [
        (0.5, (0.9, 1), (4.9, 5.3), (5.8, 6.2)),
        (0.2, (0.35, 0.6), (5.7, 6.3), (8.5, 9.2)),
        (0.05, (0, 0.125), (7.7, 8.7), (9.8, 10)),
    ],
)
def test_neurons_count_when_the_hidden_layer_has_a_relu(kinds, probability, single, kept, kept_by_base):
    features = SparseFeatures(10, probability)
    base = trained(ToyModel, features, 10, 5, instances=(32,), importance=IMPORTANCE)
    model = trained(kinds["TiedReLU"], features, 10, 5, instances=(64,), importance=IMPORTANCE)
    alone = ((model.W >= 0.4).sum(-1) == 1).float().mean()
    assert single[0] <= alone <= single[1]
    for bar in (0.3, 0.5):
        assert abs(((model.W >= bar).sum(-1) == 1).float().mean() - alone) < 0.04
    for W, (low, high) in ((model.W, kept), (base.W, kept_by_base)):
        assert low <= (feature_norms(W) > 0.5).sum(-1).float().mean() <= high
    if probability == 0.5:  # superposition in nearly every base model, and in hardly a model with the ReLU
        assert ((feature_norms(base.W) > 0.5).sum(-1) > 5).sum() >= 28
        assert ((feature_norms(model.W) > 0.5).sum(-1) > 5).sum() <= 8


@pytest.mark.parametrize("probability", [0.2, 0.05])
def test_a_b1_lifts_h_out_of_the_relu_here_too(kinds, probability):
    class Lifted(kinds["HiddenBias"]):
        def forward(self, x):
            h = torch.relu(x @ self.W.mT + self.b1.unsqueeze(-2))
            return torch.relu(h @ self.W + self.b_final.unsqueeze(-2))

    features = SparseFeatures(10, probability)
    model = trained(Lifted, features, 10, 5, instances=(32,), importance=IMPORTANCE)
    x = features.sample_active(5000, generator=torch.Generator().manual_seed(1))
    assert (x @ model.W.mT + model.b1.unsqueeze(-2) >= 0).float().mean() > 0.98
    if probability == 0.05:
        assert (feature_norms(model.W) > 0.5).sum(-1).float().mean() > 9


@pytest.mark.parametrize(("probability", "answers"), [(0.5, [1] * 5), (0.2, [1, 1, 1, 2, 2]), (0.05, None)])
def test_the_best_runs_of_sixty_four_look_as_the_notebook_says(kinds, probability, answers):
    features, best = SparseFeatures(10, probability), []
    for seed in (1, 2):
        model = trained(kinds["TiedReLU"], features, 10, 5, instances=(64,), seed=seed, importance=IMPORTANCE)
        best.append(model.W.detach()[loss_of(model, features, IMPORTANCE).argmin()] >= 0.4)
    for heard in best:
        if answers is None:
            assert (heard.sum(1) >= 2).sum() >= 4  # no neuron is left to one feature, or hardly one
            continue
        assert sorted(heard.sum(1).tolist()) == answers
        if probability == 0.2:  # the three most important have a neuron each, three more share the other two
            assert heard[heard.sum(1) == 1].any(0).nonzero().flatten().tolist() == [0, 1, 2]
            assert heard[heard.sum(1) > 1].any(0).nonzero().flatten().tolist() == [3, 4, 5]
