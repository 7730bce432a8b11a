import numpy as np
import pytest
import torch

from tms_edu import SparseFeatures


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("sample", ["sample", "sample_active"])
def test_each_feature_is_on_as_often_as_it_should_be_and_uniform_when_on(sample):
    p = torch.tensor([0.1, 0.5, 1.0, 0.0])
    x = getattr(SparseFeatures(4, p), sample)(200_000, generator=generator())
    on = (x > 0).float().mean(0)
    assert torch.allclose(on, p, atol=0.005)  # one feature is always on here, so no row is ever empty
    for i in range(3):
        values = x[:, i][x[:, i] > 0]
        assert abs(values.mean() - 1 / 2) < 0.01 and abs(values.var() - 1 / 12) < 0.003
        assert values.max() <= 1


def test_features_are_independent():
    on = (SparseFeatures(3, 0.3).sample(200_000, generator=generator()) > 0).float()
    joint = on.T @ on / len(on)
    assert torch.allclose(joint - joint.diag().diag(), 0.09 * (1 - torch.eye(3)), atol=0.005)


@pytest.mark.parametrize("p", [torch.tensor([0.02, 0.3, 0.1]), torch.tensor(1e-4).expand(3)])
def test_active_rows_are_ordinary_rows_given_that_something_is_on(p):
    features = SparseFeatures(3, p)
    x = features.sample_active(300_000, generator=generator())
    assert (x > 0).any(-1).all()
    on = (x > 0).float()
    given = 1 - (1 - p.double()).prod()
    assert torch.allclose(on.mean(0).double(), p.double() / given, atol=0.005)
    assert abs((on[:, 0] * on[:, 1]).mean() - p[0] * p[1] / given) < 0.003
    assert abs(x[:, 2][x[:, 2] > 0].mean() - 0.5) < 0.01


def test_empty_probability_is_the_chance_of_a_zero_row():
    features = SparseFeatures(2, torch.tensor([0.25, 0.5]))
    assert features.empty_probability.item() == pytest.approx(0.375)
    x = features.sample(100_000, generator=generator())
    assert (x == 0).all(-1).float().mean().item() == pytest.approx(0.375, abs=0.01)


def test_a_seed_fixes_the_sample():
    features = SparseFeatures(5, 0.2)
    assert torch.equal(features.sample(9, generator=generator(3)), features.sample(9, generator=generator(3)))
    assert not torch.equal(
        features.sample(9, generator=generator(3)), features.sample(9, generator=generator(4))
    )


def test_leading_axes_broadcast():
    by_instance = SparseFeatures(4, torch.tensor([[0.0], [1.0]]))
    x = by_instance.sample(7, instances=(3, 2))
    assert x.shape == (3, 2, 7, 4)
    assert (x[:, 0] == 0).all() and (x[:, 1] > 0).all()
    assert SparseFeatures(4, 0.5).sample_active(7, instances=(3,)).shape == (3, 7, 4)
    assert by_instance.empty_probability.tolist() == [1.0, 0.0]


@pytest.mark.plain
@pytest.mark.parametrize(
    "arguments, message",
    [
        (dict(n_features=5, feature_probability=1.2), "got 1.2. Did you pass the sparsity S"),
        (dict(n_features=5, feature_probability=-0.1), "must lie in"),
        (dict(n_features=5, feature_probability=float("nan")), "must lie in"),
        (dict(n_features=5, feature_probability="0.1x"), "must be a number"),
        (dict(n_features=0, feature_probability=0.1), "n_features must be a whole number"),
        (dict(n_features=2.0, feature_probability=0.1), "n_features must be a whole number"),
        (dict(n_features=5, feature_probability=torch.rand(3)), "last axis of size 3"),
    ],
)
def test_what_cannot_be_a_distribution_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        SparseFeatures(**arguments)


@pytest.mark.plain
def test_numpys_numbers_are_numbers():
    features = SparseFeatures(np.int64(3), np.float32(0.5))
    assert type(features.n_features) is int and features.sample(np.int16(4)).shape == (4, 3)


def test_a_probability_that_is_being_optimised_is_taken_as_a_number():
    p = torch.nn.Parameter(torch.tensor([0.5, 0.5]))
    assert not SparseFeatures(2, p).sample(4).requires_grad


@pytest.mark.plain
def test_a_sample_that_cannot_be_drawn_is_refused():
    with pytest.raises(ValueError, match="batch_size"):
        SparseFeatures(5, 0.1).sample(0)
    with pytest.raises(
        ValueError, match="instances must be a tuple of sizes, such as .3,. for three models; got 3"
    ):
        SparseFeatures(5, 0.1).sample(4, instances=3)
    with pytest.raises(ValueError, match="do not broadcast"):
        SparseFeatures(5, torch.full((3, 1), 0.1)).sample(4, instances=(2,))
    with pytest.raises(ValueError, match="no row can have one on"):
        SparseFeatures(5, 0.0).sample_active(4)
