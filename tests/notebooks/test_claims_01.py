"""What notebook 01 says in numbers, over many seeds."""

import math

import pytest
import torch

from tms_edu import SparseFeatures, ToyModel, checks, gram, reconstruction_loss, theory, train
from tms_edu.checks.nb01 import check_firing, check_turn
from tms_edu.digits import (
    DigitsNetwork,
    accuracy,
    class_means,
    digits_per_neuron,
    fires_for,
    load_digits,
    train_digits,
)
from tms_edu.model import HiddenReLU


def networks(count: int, seed: int = 0, **settings) -> DigitsNetwork:
    generator = torch.Generator().manual_seed(seed)
    return train_digits(DigitsNetwork(16, instances=(count,), generator=generator, **settings), seed=seed)


@pytest.fixture(scope="module")
def many():
    return networks(24)


def fires(network, h=None):
    images, labels = load_digits("test")
    return fires_for(class_means(network.hidden(images).detach(), labels))


def test_over_89_percent_of_unseen_digits_are_named_right(many):
    assert accuracy(many).min() > 0.89


def test_7_to_14_neurons_of_16_are_polysemantic_and_at_most_6_specialists(many):
    counts = fires(many).sum(-2)
    several, one = (counts > 1).sum(-1), (counts == 1).sum(-1)
    assert several.min() >= 7 and several.max() <= 14 and one.max() <= 6


def test_the_network_of_the_text():
    network = DigitsNetwork(16, generator=torch.Generator().manual_seed(1))
    train_digits(network, seed=1)
    table = fires(network)
    counts = table.sum(0)
    assert ((counts == 1).sum(), (counts > 1).sum(), (counts == 0).sum()) == (2, 9, 5)
    assert counts.max() == 4 and table[:, 11].nonzero()[:, 0].tolist() == [0, 2, 9]
    weights = network.W1[11].detach().reshape(8, 8)
    assert (weights[2:4, 5:7] > 0.4 * weights.abs().max()).all()  # the upper right is orange
    images, labels = load_digits("test")
    ink = images.reshape(-1, 8, 8)[:, 2:4, 5:7].mean((1, 2))  # the same four pixels
    strongest = network.hidden(images)[:, 11].topk(12).indices
    assert ink[strongest].min() > 0.45
    assert ink.mean() == pytest.approx(0.31, abs=0.005) and ink[labels == 2].mean() == pytest.approx(
        0.20, abs=0.005
    )
    assert ink[labels == 0].mean() > 0.45 and ink[labels == 9].mean() > 0.45


def test_rotating_before_a_relu_breaks_networks_and_without_it_changes_nothing():
    generator = torch.Generator().manual_seed(0)
    Q = torch.linalg.qr(torch.randn(16, 16, 16, generator=generator)).Q
    for relu in (True, False):
        network = networks(16, relu=relu)
        images, _ = load_digits("test")
        answers, before = network(images).detach(), accuracy(network)
        with torch.no_grad():
            network.b1.copy_((Q @ network.b1.unsqueeze(-1)).squeeze(-1))
            network.W1.copy_(Q @ network.W1)
            network.W2.copy_(network.W2 @ Q.mT)
        after = accuracy(network)
        if relu:
            assert before.min() > 0.89 and after.min() > 0.3 and after.max() < 0.8
            assert 0.4 < after.mean() < 0.65  # "about half"
        else:
            assert torch.allclose(network(images), answers, atol=1e-3)


@pytest.mark.parametrize("seed", [0, 1])
def test_a_relu_gives_two_thirds_to_nine_tenths_of_the_runs_a_neuron_per_feature(seed):
    features, own = SparseFeatures(3, 0.3), {}
    x = features.sample(5000, instances=(48,), generator=torch.Generator().manual_seed(1))
    for kind in (ToyModel, HiddenReLU):
        model = kind(3, 3, instances=(48,), generator=torch.Generator().manual_seed(seed))
        W = train(model, features, progress=False, seed=seed).model.W.detach()
        own[kind] = (W.abs().amax(-2) > 0.99 * W.norm(dim=-2)).all(-1)
        lossless = reconstruction_loss(x, model(x)) < 0.001
        assert lossless.all() if kind is ToyModel else torch.equal(lossless, own[kind])
    assert 0.65 <= own[HiddenReLU].float().mean() <= 0.9
    assert own[ToyModel].float().mean() <= 0.1


def test_perfect_models_have_polysemantic_neurons():
    model = ToyModel(2, 2, instances=(48,), generator=torch.Generator().manual_seed(0))
    train(model, SparseFeatures(2, 0.1), progress=False)
    assert torch.allclose(gram(model.W), torch.eye(2).expand(48, 2, 2), atol=0.01)
    answers = model.W.abs() > 0.2 * model.W.abs().amax((-1, -2), keepdim=True)
    assert answers.all(-1).all(-1).float().mean() > 0.5


def test_no_angle_gives_a_pentagon_s_neuron_fewer_than_four_features():
    model = ToyModel(5, 2, generator=torch.Generator().manual_seed(0))
    train(model, SparseFeatures(5, 0.05), progress=False)
    W = model.W.detach()
    for degrees in range(0, 360):
        c, s = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
        answers = (torch.tensor([[c, -s], [s, c]]) @ W).abs() > 0.2 * W.norm(dim=0).max()
        assert answers.sum(1).min() >= 4


def test_some_neuron_answers_to_two_when_features_outnumber_neurons():
    generator = torch.Generator().manual_seed(0)
    for n, m in ((3, 2), (5, 4), (20, 10)):
        W = torch.randn(m, n, generator=generator) * (torch.rand(m, n, generator=generator) < 1 / m)
        W[torch.randint(m, (n,), generator=generator), torch.arange(n)] = 1.0  # every feature represented
        assert (W != 0).sum(1).max() >= 2


def test_wide_networks_fire_for_fewer_digits_per_neuron():
    for seed in range(4):
        generators = [torch.Generator().manual_seed(seed) for _ in range(2)]
        narrow, wide = (
            train_digits(DigitsNetwork(m, generator=g), seed=seed)
            for m, g in zip((16, 64), generators, strict=True)
        )
        assert digits_per_neuron(wide) < digits_per_neuron(narrow)


def test_a_price_on_activity_makes_neurons_fire_for_fewer_digits():
    for seed in range(16):
        free, priced = (
            train_digits(
                DigitsNetwork(16, generator=torch.Generator().manual_seed(seed)),
                activity_cost=cost,
                seed=seed,
            )
            for cost in (0.0, 0.01)
        )
        assert 2 <= digits_per_neuron(priced) <= 3.5 and 4 <= digits_per_neuron(free) <= 6
        assert abs(accuracy(free) - accuracy(priced)) < 0.04


def test_an_experiment_that_misses_is_not_said_to_go_as_expected():
    def experiment(seed):
        return train_digits(DigitsNetwork(64, generator=torch.Generator().manual_seed(seed)), seed=seed)

    for word, words in {"more": "None of 4 networks does", "fewer": "4 of 4 networks do"}.items():
        result = check_firing(experiment, word)
        assert result.status == "counted" and f"You expected {word}" in result.message
        assert words in result.message


def test_a_wrong_reflection_is_not_told_that_it_should_be_a_rotation():
    W = torch.tensor([[-0.87, -0.5], [0.5, -0.87]])
    message = check_turn(torch.tensor([[0.0, 1.0], [1.0, 0.0]]), W).message
    assert "mirrors the plane" in message and "rotation" not in message


def test_a_guess_below_is_told_what_fits_any_guess_below():
    for guess in (0, 1, 2):
        checks.forget("01")
        checks.answer("01.1", guess)
        assert "too little" in checks.reveal("01.1", 4).message
    checks.forget("01")


def test_an_experiment_without_its_seed_is_told_so():
    network = DigitsNetwork(16, generator=torch.Generator().manual_seed(3))
    assert "never uses its seed" in check_firing(lambda seed: network, "more").message


def test_only_what_adds_and_bends_is_a_cat():
    def tamed(x):
        return x - torch.relu(x - 1)

    generator = torch.Generator().manual_seed(0)
    for power in torch.rand(20, generator=generator) * 3:
        assert checks.check_cat(lambda x, power=power: tamed(x).prod(-1) ** power).status == "nearly"
        assert checks.check_cat(lambda x, bar=power / 3: (x > bar).all(-1).float()).status == "nearly"
    assert checks.check_cat(lambda x: tamed(x).amin(-1)).status == "nearly"
    assert checks.check_cat(lambda x: torch.relu(1 - torch.relu(1 - x).sum(-1))).status == "right"


def test_features_of_a_pentagon_hurt_most_when_they_meet_and_some_alone():
    W, b, _ = theory.optimum(SparseFeatures(5, 0.05), 2)
    W, b = W.float(), b.float()
    alone = torch.relu(torch.eye(5) @ W.mT @ W + b)
    assert (alone - alone.diag().diag()).max() > 0.05
    on = torch.rand(50_000, 5, generator=torch.Generator().manual_seed(0))
    several = torch.zeros(3)
    for k in (1, 2):
        chosen = torch.rand(50_000, 5, generator=torch.Generator().manual_seed(k)).argsort(-1) < k
        x = on * chosen
        several[k] = (torch.relu(x @ W.mT @ W + b) - x).square().sum(-1).mean()
    assert several[2] > 2 * several[1] > 0
