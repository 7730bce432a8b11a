"""Everything follows the device of what it is given: nothing is built on the CPU beside a model that lives elsewhere."""

from functools import partial

import pytest
import torch

from tms_edu import SparseFeatures, feature_dimensionality, gram, interference, plots, read_gram
from tms_edu.theory import expected_loss, optimum, polish, polygon, two_feature_losses

needs_cuda = pytest.mark.skipif(
    not torch.cuda.is_available(), reason="needs a GPU with CUDA; there is none here"
)


@needs_cuda
def test_a_model_on_the_gpu_is_read_drawn_and_reckoned_with_there():
    features = SparseFeatures(5, torch.tensor(0.05, device="cuda"))
    W, b = polygon(5).cuda(), torch.full((5,), -0.2).cuda()
    best_W, best_b, best = optimum(features, 2)
    found = polish(W, b, SparseFeatures(5, 0.05))
    for tensor in (best_W, best_b, best, *found, expected_loss(W, b, features), interference(W)):
        assert tensor.device.type == "cuda"
    assert found[2].item() == pytest.approx(best.item(), rel=1e-6)
    assert best.item() == pytest.approx(optimum(SparseFeatures(5, 0.05), 2)[2].item(), rel=1e-6)
    assert str(read_gram(gram(W), b)) == str(read_gram(gram(W.cpu()), b.cpu()))
    assert plots.plot_gram(gram(W), b).texts and plots.plot_columns(W).lines


def test_nothing_lands_on_the_default_device_beside_a_model_that_lives_elsewhere(monkeypatch):
    # Tensors on "meta" hold no numbers and do not mix with others: what is built there by default is noticed.
    # Only what the caller hands over is turned into tensors first, looked at, and moved then.
    monkeypatch.setattr(torch, "as_tensor", partial(torch.as_tensor, device="cpu"))
    features = SparseFeatures(5, 0.05)
    W, b, p = polygon(5), torch.full((5,), -0.2), torch.tensor(0.3)
    with torch.device("meta"):
        loss, polished = expected_loss(W, b, features), polish(W, b, features)
        reading, measured = read_gram(gram(W), b), (interference(W), feature_dimensionality(W))
        closed = two_feature_losses(p, p)
        plots.plot_gram(gram(W), b)
        plots.plot_columns(W)
    assert all(tensor.device.type == "cpu" for tensor in (loss, *polished, *measured, *closed.values()))
    assert reading.shape == "pentagon"
