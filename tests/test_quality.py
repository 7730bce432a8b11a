"""The trainer is measured by what it reaches: statements over many models, none about time."""

import subprocess
import sys

import pytest
import torch

from tms_edu import SparseFeatures, ToyModel, train
from tms_edu.checks.outcomes import gaps
from tms_edu.theory import expected_loss, optimum


@pytest.mark.parametrize("p, at_least", [(0.1, 45), (0.05, 45), (0.02, 40), (0.01, 40)])
def test_with_defaults_nearly_all_of_48_models_reach_the_pentagon(p, at_least):
    model = ToyModel(5, 2, instances=(48,), generator=torch.Generator().manual_seed(1))
    features = SparseFeatures(5, p)
    train(model, features, seed=1, progress=False)
    regular = ((gaps(model.W.detach()) - 72).abs() <= 5).all(-1)
    assert (regular & (model.W.norm(dim=-2) > 0.5).all(-1)).sum() >= at_least
    losses = expected_loss(model.W, model.b_final, features)
    assert losses.median().item() == pytest.approx(optimum(features, 2)[2].item(), rel=0.03)


def test_without_the_gentle_start_outputs_die(monkeypatch):
    def dead_outputs():
        model = ToyModel(5, 2, instances=(48,), generator=torch.Generator().manual_seed(1))
        train(model, SparseFeatures(5, 0.01), seed=1, progress=False)
        return int((model.W.norm(dim=-2) < 0.5).sum())

    gently = dead_outputs()
    from tms_edu import training

    landing = training._share_of_lr
    monkeypatch.setattr(training, "_share_of_lr", lambda step, steps: landing(max(step, steps // 10), steps))
    assert gently <= 2 < dead_outputs()


def test_training_the_largest_sweep_stays_below_600_megabytes():
    code = """
import resource, torch
from tms_edu import SparseFeatures, ToyModel, train
features = SparseFeatures(100, 20 ** -torch.linspace(0, 1, 20)[:, None])
train(ToyModel(100, 20, instances=(20,)), features, steps=60, progress=False)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    unit = 1 if sys.platform == "darwin" else 1024
    assert int(done.stdout) * unit < 600e6
