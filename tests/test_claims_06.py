"""What notebook 06 says in numbers, over many seeds."""

from itertools import combinations

import pytest
import torch

from tms_edu import SparseFeatures, ToyModel, gram, read_gram, theory, train
from tms_edu.checks import nb06
from tms_edu.checks.exercises import Nearly

IMPORTANCE = 0.8 ** torch.arange(20)


def trained(probability, *, count=16, seed=0):
    model = ToyModel(20, 10, instances=(count,), generator=torch.Generator().manual_seed(seed))
    train(model, SparseFeatures(20, probability), importance=IMPORTANCE, seed=seed, progress=False)
    return gram(model.W.detach()), model.b_final.detach()


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
    assert sum(fates) / len(fates) == pytest.approx(0.85, abs=0.04)
    assert sum(partners) / len(partners) == pytest.approx(0.1, abs=0.05)


def test_the_features_that_change_their_fate_stand_at_the_borders(fifth):
    readings = read_gram(*fifth)
    steady = [len({reading.status[i] for reading in readings}) == 1 for i in range(20)]
    assert all(steady[8:12]) and not all(steady[13:17])


def test_crossings_of_trained_models_are_blue(fifth):
    G, _ = fifth
    off = G - torch.diag_embed(G.diagonal(dim1=-2, dim2=-1))
    assert off.max() < 0.1 and (off.amin((-2, -1)) < -0.8).all()


@pytest.mark.parametrize("probability", [0.1, 0.2, 0.3])
def test_biases_by_fate(probability):
    G, bias = trained(probability)
    for reading, b in zip(read_gram(G, bias), bias, strict=True):
        recovered, superposed, dropped = map(reading.indices, ("recovered", "superposed", "dropped"))
        assert b[recovered].abs().max() < 0.02 and b[superposed].mean().abs() < 0.06
        assert not dropped or b[dropped].mean() == pytest.approx(probability / 2, abs=0.012)


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


def test_orange_costs_about_fifteen_times_as_much_as_blue():
    features, biases = SparseFeatures(2, 0.05), torch.linspace(-0.4, 0.2, 241)[:, None].expand(241, 2)
    cost = {}
    for sign in (-1, 1):
        W = torch.tensor([[1.0, sign * 0.5], [0.0, 0.75**0.5]])
        cost[sign] = theory.expected_loss(W.expand(241, 2, 2), biases, features).min()
    assert cost[1] / cost[-1] == pytest.approx(15, abs=1)


def test_blurred_features_answer_with_less_than_their_mean():
    model = ToyModel(5, 2, instances=(48,), generator=torch.Generator().manual_seed(0))
    train(model, SparseFeatures(5, 0.5), progress=False)
    G, b = gram(model.W.detach()), model.b_final.detach()
    blurred = [k for k, reading in enumerate(read_gram(G, b)) if "feature in 1D" in reading.shape]
    assert 8 <= len(blurred) <= 30
    for k in blurred:
        reading = read_gram(G[k], b[k])
        assert (b[k][reading.indices("dropped")] < 0.2).all()


def test_exercise_5_reads_living_blank_rows_alone():
    lengths, biases = torch.tensor([0.0, 0.0, 0.0, 0.1]), torch.tensor([0.025, -0.1, 0.026, 0.2])
    assert "5%" in nb06._sparsity_from(lengths, biases, 0.05, "Found")
    for wrong, says in (
        (0.025, "bias itself"),
        (0.95, "That is S"),
        (-0.1, "probability"),
        (1.5, "probability"),
    ):
        with pytest.raises(Nearly, match=says):
            nb06._sparsity_from(lengths, biases, wrong, "Found")
    with pytest.raises(Nearly, match="have died"):
        nb06._sparsity_from(lengths[:2], torch.tensor([-0.1, -0.2]), 0.05, "Found")
    with pytest.raises(Nearly, match="faint"):
        nb06._sparsity_from(torch.tensor([0.1]), torch.tensor([0.2]), 0.4, "Found")


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
    assert all("one digon" in r.shape for r, other in zip(readings, two, strict=True) if not other)
    assert 0.3 < 1 - two.float().mean() < 0.5
    assert 1.05 < loss[~two].median() / loss[two].median() < 1.15
    faint = [
        b[r.indices("dropped")]
        for r, b in zip(readings, models.b_final, strict=True)
        if "one digon" in r.shape
    ]
    assert torch.cat(faint).median() < 0.2 < 0.25
