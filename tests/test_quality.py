"""What the defaults of `train` promise, over many models at once: the best arrangement, at a bounded cost in memory."""

import pytest
import torch
from torch import Tensor

import speed
from quality import is_pentagon
from tms_edu import SparseFeatures, ToyModel, feature_norms, reconstruction_loss, train, training
from tms_edu.theory import expected_loss, optimum

MODELS = 48
AT_LEAST = {0.1: 45, 0.05: 45, 0.02: 40, 0.01: 40}


def train_many(n, m, p: Tensor, seed, importance=1.0) -> ToyModel:
    """Train one model for each entry of p."""
    model = ToyModel(n, m, instances=tuple(p.shape), generator=torch.Generator().manual_seed(seed))
    train(model, SparseFeatures(n, p.unsqueeze(-1)), importance=importance, seed=seed, progress=False)
    return model


def test_a_pentagon_is_told_from_what_is_not_one():
    turn = torch.tensor(0.3) + torch.arange(5) * 2 * torch.pi / 5
    pentagon = torch.stack([turn.cos(), turn.sin()])
    assert is_pentagon(pentagon) and is_pentagon(pentagon[:, [3, 0, 4, 1, 2]])
    assert not is_pentagon(pentagon * torch.tensor([1.0, 1.0, 0.2, 1.0, 1.0]))
    digons = torch.tensor([[1.0, -1.0, 0.0, 0.0, 0.01], [0.0, 0.0, 1.0, -1.0, 0.0]])
    assert not is_pentagon(digons) and not is_pentagon(torch.zeros(2, 5))


@pytest.mark.parametrize("seed", [0, 1])
def test_the_defaults_reach_the_regular_pentagon_and_its_loss(seed):
    p = torch.tensor(list(AT_LEAST)).unsqueeze(-1).expand(-1, MODELS)
    model = train_many(5, 2, p, seed)
    losses = expected_loss(model.W, model.b_final, SparseFeatures(5, p.unsqueeze(-1)))
    for k, (probability, at_least) in enumerate(AT_LEAST.items()):
        best = optimum(SparseFeatures(5, probability), 2)[2]
        found = is_pentagon(model.W[k]).sum().item()
        assert found >= at_least, f"{found} of {MODELS} at 1 - S = {probability}"
        assert best * (1 - 1e-6) <= losses[k].min() and losses[k].median() <= 1.03 * best


def test_no_important_feature_is_lost_when_everything_is_on():
    # Twenty features that are always on, ten dimensions: the ten that matter most stand alone, and the others answer
    # with their mean, at I/12 each. An output that is off for every input would cost I/3.
    importance = 0.7 ** torch.arange(20.0)
    model = train_many(20, 10, torch.ones(24), seed=0, importance=importance)
    x = torch.rand(24, 4000, 20, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        loss = (importance * (x - model(x)).square().mean(-2)).sum(-1)
    dedicated = importance[10:].sum() / 12
    assert loss.median() <= 1.03 * dedicated and loss.max() <= 1.25 * dedicated


def test_without_the_gentle_start_outputs_die(monkeypatch):
    def dropped():
        model = train_many(5, 2, torch.full((MODELS,), 0.01), seed=1)
        return (feature_norms(model.W) < 0.5).sum().item()

    gently, share = dropped(), training._share_of_lr
    monkeypatch.setattr(training, "_share_of_lr", lambda step, steps: share(max(step, steps // 10), steps))
    assert gently <= 2 < dropped()


def test_without_the_early_decay_runs_with_many_features_end_worse(monkeypatch):
    # Twenty features of falling importance share ten dimensions; a crowded random start is where bad minima come from.
    importance, p = 0.7 ** torch.arange(20.0), 20.0 ** -torch.linspace(0.4, 1, 4)
    features = SparseFeatures(20, p[:, None, None])
    x = features.sample(4_000, instances=(4, 32), generator=torch.Generator().manual_seed(1))

    def losses():
        model = train_many(20, 10, p.unsqueeze(-1).expand(-1, 32), seed=0, importance=importance)
        with torch.no_grad():
            return reconstruction_loss(x, model(x), importance).mean(-1)

    decayed = losses()
    monkeypatch.setattr(training, "EARLY_DECAY", 0.0)
    assert (decayed / losses()).mean() < 0.99


def test_the_early_decay_does_not_wipe_out_what_is_rare_and_matters_little(monkeypatch):
    # On one time in a hundred, twenty features have room; a column shrunk to nothing leaves an output that dies.
    importance, features = 0.8 ** torch.arange(20.0), SparseFeatures(20, 0.01)
    x = features.sample_active(4_000, generator=torch.Generator().manual_seed(1)).expand(32, -1, -1)

    def loss():
        model = train_many(20, 10, torch.full((32,), 0.01), seed=3, importance=importance)
        with torch.no_grad():
            return reconstruction_loss(x, model(x), importance).mean()

    decayed = loss()
    monkeypatch.setattr(training, "EARLY_DECAY", 0.0)
    assert decayed < 1.1 * loss()


def test_the_largest_sweep_trains_in_600_megabytes():
    _, peak = speed.in_a_fresh_process(speed.MEMORY + speed.SWEEP)
    assert peak * 2**20 < 600e6
