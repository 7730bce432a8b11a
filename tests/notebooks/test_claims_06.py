"""What notebook 06 says in numbers, over many seeds."""

import re
from itertools import combinations

import pytest
import torch

import notebooks
from tms_edu import SparseFeatures, ToyModel, checks, gram, read_gram, reconstruction_loss, theory, train
from tms_edu.checks import nb06
from tms_edu.widgets import gram_gym

NOTEBOOK = next(path for path in notebooks.notebook_paths() if path.name.startswith("06"))
IMPORTANCE = 0.8 ** torch.arange(20)


def trained(probability, *, count=16, seed=0):
    model = ToyModel(20, 10, instances=(count,), generator=torch.Generator().manual_seed(seed))
    train(model, SparseFeatures(20, probability), importance=IMPORTANCE, seed=seed, progress=False)
    return gram(model.W.detach()), model.b_final.detach()


def off_diagonal(G):
    return G - torch.diag_embed(G.diagonal(dim1=-2, dim2=-1))


def test_the_puzzle_is_a_trained_model_and_easy_to_read():
    importance = 0.75 ** torch.tensor(nb06.PUZZLE_RANKS)
    models = ToyModel(12, 6, instances=(16,), generator=torch.Generator().manual_seed(0))
    train(models, SparseFeatures(12, 0.2), importance=importance, progress=False)
    stored = ToyModel(12, 6)
    with torch.no_grad():
        stored.W.copy_(nb06.PUZZLE_W)
        stored.b_final[read_gram(gram(stored.W)).indices("dropped")] = 0.1
    x = SparseFeatures(12, 0.2).sample(20000, generator=torch.Generator().manual_seed(1))
    both = x.expand(16, -1, -1)
    loss = reconstruction_loss(x, stored(x).detach(), importance)
    others = reconstruction_loss(both, models(both).detach(), importance)
    assert loss < 1.1 * others.min() and loss < 1.02 * others.max()
    entries = gram(nb06.PUZZLE_W).abs()
    assert not ((entries > 0.03) & (entries < 0.9)).any()


@pytest.fixture(scope="module")
def fifth():
    return trained(0.2, count=32, seed=5)


def test_two_starts_agree_on_fates_and_not_on_pairs(fifth):
    readings = read_gram(*fifth)
    pairs = [{group.members for group in reading.groups} for reading in readings]
    fates, partners = [], []
    for a, b in combinations(range(len(readings)), 2):
        fates.append(sum(map(str.__eq__, readings[a].status, readings[b].status)) / 20)
        partners.append(len(pairs[a] & pairs[b]) / len(pairs[a]))
    assert 0.84 < sum(fates) / len(fates) < 0.96
    assert sum(partners) / len(partners) == pytest.approx(0.13, abs=0.03)


def test_the_features_that_change_their_fate_stand_at_the_borders(fifth):
    readings = read_gram(*fifth)
    found = [[reading.status[i] for reading in readings] for i in range(20)]
    certain = {0: "recovered", **dict.fromkeys(range(9, 13), "superposed"), 18: "dropped", 19: "dropped"}
    assert all(found[i].count(fate) >= len(readings) - 1 for i, fate in certain.items())
    assert any(len({*fates}) > 1 for fates in found[3:8]) and any(len({*fates}) > 1 for fates in found[13:18])


@pytest.mark.parametrize("probability", [0.2, 0.3])
def test_crossings_of_trained_models_are_blue(probability):
    off = off_diagonal(trained(probability, count=32, seed=5)[0])
    assert off.max() < 0.1 and (off.amin((-2, -1)) < -0.8).all()


def test_where_features_are_rarer_now_and_then_a_run_has_orange():
    orange = (off_diagonal(trained(0.05, count=96, seed=5)[0]) > 0.1).any(-1).any(-1)
    assert 0 < orange.float().mean() < 0.5


def test_the_worked_example_has_every_fate_whatever_the_start():
    order = torch.rand(20, generator=torch.Generator().manual_seed(0)).argsort()
    models = ToyModel(20, 10, instances=(32,), generator=torch.Generator().manual_seed(0))
    train(models, SparseFeatures(20, 0.3), importance=0.8**order, progress=False)
    for reading in read_gram(gram(models.W)):
        assert {*reading.status} == {*nb06.FATES} and reading.status.count("dropped") < 10
        assert any(len(group.members) == 2 for group in reading.groups)


@pytest.mark.parametrize("probability", [0.1, 0.12, 0.2, 0.3])
def test_biases_by_fate(probability):
    G, bias = trained(probability)
    for reading, b in zip(read_gram(G, bias), bias, strict=True):
        recovered, superposed, dropped = map(reading.indices, ("recovered", "superposed", "dropped"))
        assert b[recovered].abs().max() < 0.02 and b[superposed].mean().abs() < 0.06
        alive = b[dropped][b[dropped] > 0]
        assert not len(alive) or alive.mean() == pytest.approx(probability / 2, abs=0.012)


@pytest.mark.parametrize(
    ("probability", "fewest", "most"), [(0.05, 0.1, 0.5), (0.1, 0, 0.06), (0.2, 0, 0), (0.3, 0, 0)]
)
def test_dropped_outputs_die_where_features_are_rare(probability, fewest, most):
    G, bias = trained(probability, count=64, seed=100)
    dropped = [b[r.indices("dropped")] for r, b in zip(read_gram(G, bias), bias, strict=True)]
    dead = torch.cat(dropped) < 0
    assert fewest <= dead.float().mean() <= most


def test_the_bias_of_a_pair_grows_with_how_often_its_features_are_on():
    mean = {}
    for probability in (0.2, 0.3, 0.4, 0.5):
        G, bias = trained(probability)
        pairs = [
            b[list(group.members)]
            for reading, b in zip(read_gram(G, bias), bias, strict=True)
            for group in reading.groups
            if group.shape == "digon"
        ]
        mean[probability] = torch.cat(pairs).mean().item()
    assert sorted(mean.values()) == list(mean.values())
    assert mean[0.3] < 0.04 and mean[0.5] == pytest.approx(0.1, abs=0.02)


def test_no_more_than_m_are_recovered_and_the_inequality_holds(fifth):
    G, _ = fifth
    assert all(len(reading.indices("recovered")) <= 10 for reading in read_gram(G))
    W = torch.randn(200, 10, 20, generator=torch.Generator().manual_seed(0))
    for matrices in (G, gram(W), gram(theory.polygon(5)), gram(W / W.norm(dim=-2, keepdim=True))):
        m = 2 if matrices.shape[-1] == 5 else 10
        trace, squares = matrices.diagonal(dim1=-2, dim2=-1).sum(-1), matrices.square().sum((-2, -1))
        assert (trace**2 <= m * squares * (1 + 1e-5)).all()


def test_twenty_unit_features_in_ten_dimensions_leave_squares_of_20_off_the_diagonal():
    W = torch.nn.functional.normalize(
        torch.randn(500, 10, 20, generator=torch.Generator().manual_seed(1)), dim=-2
    )
    assert (gram(W).square().sum((-2, -1)) - 20 >= 20 - 1e-3).all()
    digons = gram(torch.cat([torch.eye(10), -torch.eye(10)], dim=1))
    assert digons.square().sum() - 20 == pytest.approx(20)


def cheapest(crossing, probability):
    W = torch.tensor([[1.0, crossing], [0.0, (1 - crossing**2) ** 0.5]])
    biases = torch.linspace(-0.5, 0.3, 321)[:, None].expand(321, 2)
    return theory.expected_loss(W.expand(321, 2, 2), biases, SparseFeatures(2, probability)).min()


@pytest.mark.parametrize(("probability", "times"), [(0.05, 15.3), (0.2, 3.7), (0.5, 1.5)])
def test_how_much_more_orange_costs_than_blue(probability, times):
    assert cheapest(0.5, probability) / cheapest(-0.5, probability) == pytest.approx(times, rel=0.05)


def test_a_faint_orange_costs_about_as_much_as_the_deepest_blue():
    assert cheapest(0.2, 0.05) / cheapest(-1.0, 0.05) == pytest.approx(0.95, abs=0.05)


def test_only_the_gyms_first_size_has_orange_and_few_models_are_left_out():
    read, pentagons = {}, []
    for level in gram_gym.LEVELS:
        read[level] = [matrix for seed in range(6) for matrix in gram_gym.matrices(level, seed)]
        orange = [m for m in read[level] if off_diagonal(m.G).max() > 0.1]
        share = len(orange) / len(read[level])
        assert 0.2 < share < 0.5 if level == "5→2" else share < 0.15
        pentagons += [m.reading.shape == "pentagon" for m in orange if level == "5→2"]
    assert sum(pentagons) > 0.9 * len(pentagons)
    assert 0.01 < 1 - sum(map(len, read.values())) / (len(read) * 48) < 0.12


def test_blurred_features_answer_with_less_than_their_mean():
    model = ToyModel(5, 2, instances=(48,), generator=torch.Generator().manual_seed(0))
    train(model, SparseFeatures(5, 0.5), progress=False)
    G, b = gram(model.W.detach()), model.b_final.detach()
    blurred = [k for k, reading in enumerate(read_gram(G, b)) if len(reading.indices("dropped")) == 2]
    assert 8 <= len(blurred) <= 30
    for k in blurred:
        reading = read_gram(G[k], b[k])
        assert (b[k][reading.indices("dropped")] < 0.2).all()


def by_hand(biases, lengths=(0.0,) * 7):
    """Make a 20 → 10 model with seven recovered features, three antipodal pairs and these seven dropped ones."""
    model = ToyModel(20, 10)
    with torch.no_grad():
        model.W.copy_(torch.eye(10, 20))
        model.W[4:7, 10:13] = -torch.eye(3)
        model.W[0, 13:] = torch.tensor(lengths).sqrt()
        model.b_final[13:] = torch.tensor(biases)
    return model


def test_exercise_5_reads_living_blank_rows_alone():
    living = by_hand([0.025, -0.1, 0.026, 0.2, 0.025, -0.1, 0.026], lengths=[0, 0, 0, 0.1, 0, 0, 0])
    right = checks.check_three_kinds(living, 0.05)
    assert right.status == "right" and "5%" in right.message
    for wrong, says in (
        (0.025, "bias itself"),
        (0.95, "That is S"),
        (-0.1, "probability"),
        (1.5, "probability"),
    ):
        result = checks.check_three_kinds(living, wrong)
        assert result.status == "nearly" and says in result.message
    assert "have died" in checks.check_three_kinds(by_hand([-0.1] * 7), 0.05).message
    assert "faint" in checks.check_three_kinds(by_hand([0.2] * 7, [0.1] * 7), 0.4).message


def test_two_features_stand_on_one_line_where_their_crossing_is_as_deep_as_their_dots():
    W = torch.randn(1000, 4, 2, generator=torch.Generator().manual_seed(0)).double()
    opposite = torch.stack([W[:, :, 0], -1.7 * W[:, :, 0]], dim=-1)
    for pairs, on_one_line in ((W, False), (opposite, True)):
        G = gram(pairs)
        deep = (G[:, 0, 1] ** 2 / (G[:, 0, 0] * G[:, 1, 1]) - 1).abs() < 1e-9
        assert (deep == on_one_line).all() and (torch.linalg.matrix_rank(pairs) == 2 - on_one_line).all()


@pytest.mark.parametrize("probability", [0.1, 0.2, 0.3])
def test_pairs_of_trained_models_are_as_deep_as_their_dots(probability):
    G, bias = trained(probability)
    pairs = [
        one[i, i] * one[j, j] / one[i, j] ** 2
        for reading, one in zip(read_gram(G, bias), G, strict=True)
        for i, j in (group.members for group in reading.groups if len(group.members) == 2)
    ]
    assert len(pairs) > 32 and max(pairs) < 1.03


def with_a_dead_output(count):
    """Two digons, and a fifth feature with no column and a bias below 0."""
    models = ToyModel(5, 2, instances=(count,))
    with torch.no_grad():
        models.W.copy_(torch.tensor([[1.0, -1, 0, 0, 0], [0, 0, 1, -1, 0]]).expand(count, 2, 5))
        models.b_final.copy_(torch.tensor([0.0, 0, 0, 0, -0.1]).expand(count, 5))
    return models


def test_a_dead_output_learns_nothing_from_its_own_error_and_its_column_learns_from_others():
    model = with_a_dead_output(1)
    x = SparseFeatures(5, 0.1).sample(4096, generator=torch.Generator().manual_seed(0))
    errors = (model(x) - x).square().mean((0, 1))
    own = torch.autograd.grad(errors[4], [model.W, model.b_final], retain_graph=True)
    assert not any(gradient.any() for gradient in own)
    column, bias = torch.autograd.grad(errors[:4].sum(), [model.W, model.b_final])
    assert column[..., 4].abs().min() > 0 and bias[..., 4] == 0


def test_training_on_wakes_a_dead_output_at_5_to_2():
    models = with_a_dead_output(16)
    train(models, SparseFeatures(5, 0.1), progress=False)
    readings = read_gram(gram(models.W), models.b_final)
    assert sum("dropped" not in reading.status for reading in readings) >= 15


def test_a_second_training_wakes_most_dead_outputs():
    models = ToyModel(20, 10, instances=(48,), generator=torch.Generator().manual_seed(100))
    dead = []
    for seed in (0, 1):
        train(models, SparseFeatures(20, 0.05), importance=IMPORTANCE, seed=seed, progress=False)
        G, b = gram(models.W.detach()), models.b_final.detach()
        dead.append(b + G.clamp(min=0).sum(-1) < -0.005)
    assert dead[0].sum() >= 16 and (dead[0] & dead[1]).sum() < 0.5 * dead[0].sum()


def test_where_features_differ_in_sparsity_frequent_ones_pair_with_rare_ones():
    often = torch.tensor([0.4] * 10 + [0.05] * 10)
    models = ToyModel(20, 10, instances=(32,), generator=torch.Generator().manual_seed(0))
    train(models, SparseFeatures(20, often), progress=False)
    pairs = [group.members for reading in read_gram(gram(models.W)) for group in reading.groups]
    assert len(pairs) > 100 and {len(pair) for pair in pairs} == {2}
    assert all(i < 10 <= j for i, j in pairs)
    assert 0.4 * 0.4 == pytest.approx(1 / 6, abs=0.01) and 0.4 * 0.05 == pytest.approx(1 / 50)


def test_where_features_differ_in_sparsity_each_blank_row_answers_with_its_own_mean():
    often = torch.linspace(0.4, 0.2, 20)
    models = ToyModel(20, 10, instances=(32,), generator=torch.Generator().manual_seed(0))
    train(models, SparseFeatures(20, often), importance=IMPORTANCE, progress=False)
    b = models.b_final.detach()
    for reading, bias in zip(read_gram(gram(models.W), b), b, strict=True):
        dropped = reading.indices("dropped")
        assert dropped and (bias[dropped] - often[dropped] / 2).abs().median() < 0.02


def code_in(details: str) -> list[str]:
    return re.findall(r"`([^`]+)`", details)


def test_the_hints_of_exercise_3_typed_as_they_stand_make_a_right_answer():
    cell = next(
        c.source for c in notebooks.read(NOTEBOOK).cells if "solution:06.3" in c.metadata.get("tags", [])
    )
    _, second, third, _ = re.findall(r"<details>(.*?)</details>", cell, re.DOTALL)
    eigenvalues, symmetric = code_in(second)
    values, few, none_negative = code_in(third)
    assert eigenvalues in values
    names = {"torch": torch}
    exec(
        f"def possible(G, m):\n    {values}\n    return bool({symmetric} and {few} and {none_negative})",
        names,
    )
    result = checks.check_possible(names["possible"])
    assert result.status == "right", result


def test_eleven_columns_in_ten_dimensions_can_read_as_recovered():
    G = 0.81 * (1.1 * torch.eye(11) - 0.1)
    assert torch.linalg.matrix_rank(G) == 10 and G[0, 1].item() == pytest.approx(-0.081)
    assert len(read_gram(G).indices("recovered")) == 11


def test_four_runs_in_ten_end_as_one_digon_and_a_feature_at_a_tenth_more_loss():
    features = SparseFeatures(5, 0.5)
    models = ToyModel(5, 2, instances=(96,), generator=torch.Generator().manual_seed(1))
    train(models, features, progress=False)
    readings = read_gram(gram(models.W), models.b_final)
    loss = theory.expected_loss(models.W.detach(), models.b_final.detach(), features)
    two = torch.tensor(["two digons" in reading.shape for reading in readings])
    others = {r.shape for r, is_two in zip(readings, two, strict=True) if not is_two}
    assert others == {"one digon, one feature in 1D and two dropped"}
    assert {r.shape for r in readings} - others == {"two digons and one dropped"}
    lower_bar = read_gram(gram(models.W[~two]), represented_above=0.05)
    assert {r.shape for r in lower_bar} == {"three features in 1D and one digon"}
    assert 0.28 < 1 - two.float().mean() < 0.52
    assert 1.05 < loss[~two].median() / loss[two].median() < 1.15
    faint = [
        b[r.indices("dropped")]
        for r, b in zip(readings, models.b_final, strict=True)
        if "one digon" in r.shape
    ]
    assert torch.cat(faint).median().item() == pytest.approx(0.12, abs=0.02)
    own = [
        G[i, i]
        for r, G in zip(readings, gram(models.W.detach()), strict=True)
        if "one digon" in r.shape
        for i in r.indices("dropped")
    ]
    assert torch.stack(own).median().item() == pytest.approx(0.1, abs=0.02)
