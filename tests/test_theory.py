import math

import numpy as np
import pytest
import torch
from mpmath import factorial, mp, mpf

from tms_edu import SparseFeatures, gram, read_gram, reconstruction_loss
from tms_edu.theory import (
    best_bias,
    expected_loss,
    optimum,
    polish,
    polygon,
    two_feature_boundaries,
    two_feature_losses,
)


def sampled_loss(W, b, features, importance=1.0, rows=1_000_000):
    """Return the mean loss over a large sample, and its standard error."""
    x = features.sample(rows, generator=torch.Generator().manual_seed(0)).double()
    errors = (importance * (x - torch.relu(x @ (W.mT @ W).double() + b.double())).square()).sum(-1)
    return errors.mean().item(), (errors.std() / rows**0.5).item()


@pytest.mark.parametrize(
    "n, m, p, scale",
    [(1, 1, 0.4, 1.0), (2, 1, 0.7, 1.0), (5, 2, 0.2, 0.7), (6, 3, 1.0, 0.5), (9, 4, 0.3, 0.4)],
)
def test_the_exact_loss_is_the_mean_over_a_large_sample(n, m, p, scale):
    generator = torch.Generator().manual_seed(n)
    W, b = scale * torch.randn(m, n, generator=generator), 0.2 * torch.randn(n, generator=generator)
    importance = 0.8 ** torch.arange(n)
    features = SparseFeatures(n, p * (1 - torch.rand(n, generator=generator) / 2))
    mean, error = sampled_loss(W, b, features, importance)
    assert abs(expected_loss(W, b, features, importance).item() - mean) < 4 * error + 1e-6


def test_the_exact_loss_is_exact_where_it_can_be_integrated_by_hand():
    p, b = 0.3, 0.2
    zero = expected_loss(torch.zeros(1, 2), torch.tensor([b, 0.0]), SparseFeatures(2, p))
    assert zero.item() == pytest.approx((p / 3 - p * b + b * b) + p / 3, abs=1e-7)
    alone = expected_loss(torch.tensor([[1.0]]), torch.tensor([-b]), SparseFeatures(1, p))
    assert alone.item() == pytest.approx(p * (b**3 / 3 + (1 - b) * b**2), abs=1e-7)  # below b nothing passes


def loss_with_sixty_digits(W, b, p):
    """Average the loss over one feature after the other, by the fundamental theorem, with enough digits to divide by anything."""
    mp.dps = 60
    n, p = len(b), mpf(p)
    W, b = [[mpf(entry) for entry in row] for row in W.tolist()], [mpf(entry) for entry in b.tolist()]
    G = [[sum(row[i] * row[j] for row in W) for j in range(n)] for i in range(n)]

    def average(terms, others, j):
        if not others:
            return sum(c * s**q / factorial(q) for c, s, q in terms if s > 0)
        a, rest = G[j][others[0]], others[1:]
        if a == 0:
            return average(terms, rest, j)
        upper = average([(c, s + a, q + 1) for c, s, q in terms], rest, j)
        lower = average([(c, s, q + 1) for c, s, q in terms], rest, j)
        return (1 - p) * average(terms, rest, j) + p * (upper - lower) / a

    total = mpf(0)
    for j in range(n):
        g, t = G[j][j], b[j]
        on = [(2 * p, t, 2), (-p, t, 1)]
        if g > 0:
            square = 2 * p / g + 2 * p / g**2
            on = [(square, g + t, 3), (-square, t, 3), (-2 * p / g, g + t, 2)]
        total += p / 3 + average([(2 * (1 - p), t, 2), *on], [i for i in range(n) if i != j], j)
    return float(total)


def test_small_coefficients_cost_no_accuracy():
    generator = torch.Generator().manual_seed(0)
    for p in (0.0625, 0.5, 1.0):
        for _ in range(12):
            scale = 10 ** (-4 * torch.rand(5, generator=generator) ** 2)
            W, b = (
                (torch.randn(2, 5, generator=generator) * scale).double(),
                0.3 * torch.randn(5, generator=generator),
            )
            exact = loss_with_sixty_digits(W, b, p)
            assert expected_loss(W, b, SparseFeatures(5, p)).item() == pytest.approx(exact, abs=1e-7)
    base = torch.tensor([[1.0, 0, 0, 0, 0], [0, 1.0, 0, 0, 0]])
    fan = torch.tensor([[0, 0, 1.0, -1.0, 0.5], [0, 1.0, -1.0, 0.5, -1.0]])
    for t in (1e-4, 1e-3, 1.9e-3, 2.1e-3, 1e-2):  # kinks inside tiny intervals: the hardest case
        W, b = (base + t * fan).double(), torch.full((5,), t / 2)
        exact = loss_with_sixty_digits(W, b, 0.5)
        assert expected_loss(W, b, SparseFeatures(5, 0.5)).item() == pytest.approx(exact, abs=2e-5)


def test_leading_axes_and_gradients():
    generator = torch.Generator().manual_seed(0)
    W = torch.randn(3, 2, 4, generator=generator).double().requires_grad_()
    b = (0.1 * torch.randn(3, 4, generator=generator)).double().requires_grad_()
    features = SparseFeatures(4, torch.tensor([[0.1], [0.5], [1.0]]))
    together = expected_loss(W, b, features, 0.9 ** torch.arange(4))
    for k, p in enumerate((0.1, 0.5, 1.0)):
        alone = expected_loss(W[k], b[k], SparseFeatures(4, p), 0.9 ** torch.arange(4))
        assert together[k].item() == pytest.approx(alone.item(), rel=1e-6)
    assert torch.autograd.gradcheck(lambda W, b: expected_loss(W, b, features), (W, b))


def test_a_pentagon_beats_two_digons_where_features_are_rarer_than_0_218():
    def best(start, p):
        n_on = start.abs().sum(0) > 0
        return polish(start, torch.where(n_on, -0.1, p / 2), SparseFeatures(5, p))

    digons = torch.tensor([[1.0, -1, 0, 0, 0], [0, 0, 1, -1, 0]])
    for p, winner in [(0.21, "pentagon"), (0.226, "two digons and one dropped")]:
        found = min((best(start, p) for start in (polygon(5), digons)), key=lambda result: result[2].item())
        assert read_gram(gram(found[0])).shape == winner
        assert optimum(SparseFeatures(5, p), 2)[2].item() == pytest.approx(found[2].item(), rel=1e-6)


@pytest.mark.parametrize(
    "p, norm, bias, loss, digons", [(0.05, 1.135, -0.247, 0.0089, 0.0177), (0.1, 1.10, -0.21, 0.0263, 0.0375)]
)
def test_the_best_pentagon_has_the_published_numbers(p, norm, bias, loss, digons):
    W, b, best = optimum(SparseFeatures(5, p), 2)
    assert torch.allclose(W.norm(dim=0), torch.full((5,), norm).double(), atol=0.002)
    assert torch.allclose(b, torch.full((5,), bias).double(), atol=0.002)
    assert best.item() == pytest.approx(loss, abs=6e-5)
    start = torch.tensor([[1.0, -1, 0, 0, 0], [0, 0, 1, -1, 0]])
    others = polish(start, torch.tensor([0, 0, 0, 0, p / 2]), SparseFeatures(5, p))[2]
    assert others.item() == pytest.approx(digons, abs=6e-5)


@pytest.mark.parametrize("m, decay", [(1, 0.9), (2, 0.9), (3, 1.0)])
@pytest.mark.parametrize("p", [0.05, 0.3])
def test_no_random_start_finds_anything_better_than_the_optimum(m, decay, p):
    importance, features = decay ** torch.arange(5), SparseFeatures(5, p)
    best = optimum(features, m, importance)[2].item()
    generator = torch.Generator().manual_seed(0)
    for _ in range(4):
        W = torch.randn(m, 5, generator=generator) * (2 / (5 + m)) ** 0.5
        assert polish(W, torch.zeros(5), features, importance)[2].item() > 0.998 * best - 1e-9


def test_the_closed_forms_are_the_exact_losses_of_their_solutions():
    for p in (0.1, 0.5, 0.9):
        for r in (0.3, 1.0, 2.0):
            importance, features = torch.tensor([1.0, r]), SparseFeatures(2, p)
            losses = two_feature_losses(p, r)
            for name, W, b in [
                ("ignore extra", [[1.0, 0.0]], [0.0, p / 2]),
                ("ignore first", [[0.0, 1.0]], [p / 2, 0.0]),
                ("antipodal", [[1.0, -1.0]], [0.0, 0.0]),
            ]:
                exact = expected_loss(torch.tensor(W), torch.tensor(b), features, importance)
                assert losses[name].item() == pytest.approx(exact.item(), rel=1e-5)


def test_on_the_boundaries_two_phases_cost_the_same():
    for p in (0.1, 0.3, 0.5):
        low, high = two_feature_boundaries(p)
        at_low, at_high = two_feature_losses(p, low), two_feature_losses(p, high)
        assert at_low["antipodal"].item() == pytest.approx(at_low["ignore extra"].item(), rel=1e-4)
        assert at_high["antipodal"].item() == pytest.approx(at_high["ignore first"].item(), rel=1e-4)
    triple = {name: loss.item() for name, loss in two_feature_losses(4 / 7, 1.0).items()}
    assert max(triple.values()) == pytest.approx(min(triple.values()), rel=1e-6)


def test_a_polygon_stands_evenly_around_the_circle():
    W = polygon(5, 7)
    assert W.shape == (2, 7) and (W[:, 5:] == 0).all()
    assert gram(W)[0, 1].item() == pytest.approx(math.cos(math.radians(72)), abs=1e-6)


FAR_OUT = 3.2 * torch.rand(4, 2, 6, generator=torch.Generator().manual_seed(0)) - 1.6
SOME_W = [0.8 * polygon(12)[:, :6], 1.1 * polygon(6), polygon(4, 6), torch.zeros(2, 6), *FAR_OUT]


@pytest.mark.parametrize("p", [0.02, 0.2, 1.0])
@pytest.mark.parametrize("W", SOME_W)
def test_no_bias_beats_the_best(p, W):
    features = SparseFeatures(6, p)
    best = best_bias(W, features)
    loss = expected_loss(W, best, features)
    for i in range(6):
        for value in torch.linspace(-1.2, 1, 45).tolist() + torch.linspace(-8, 8, 65).tolist():
            b = best.clone()
            b[i] = value
            assert expected_loss(W, b, features) >= loss - 1e-6


@pytest.mark.plain
def test_a_best_bias_belongs_to_one_model():
    with pytest.raises(ValueError, match="takes one W of shape"):
        best_bias(torch.zeros(3, 2, 5), SparseFeatures(5, 0.1))
    with pytest.raises(ValueError, match="takes one W of shape"):
        best_bias(torch.zeros(2, 5), SparseFeatures(5, torch.full((3, 1), 0.1)))
    with pytest.raises(ValueError, match="W has 4 columns"):
        best_bias(torch.zeros(2, 4), SparseFeatures(5, 0.1))
    with pytest.raises(ValueError, match="W must be a torch tensor"):
        best_bias([[1.0]], SparseFeatures(1, 0.1))


@pytest.mark.plain
def test_what_has_no_exact_loss_is_refused():
    features = SparseFeatures(5, 0.1)
    for W, b, message in [
        (torch.rand(2, 11), torch.zeros(11), "at most 10 features; got 11"),
        (torch.rand(2, 5), torch.zeros(2), "b must have shape"),
        (torch.rand(2, 4), torch.zeros(4), "W has 4 columns"),
        (torch.full((2, 5), float("nan")), torch.zeros(5), "finite"),
        (torch.zeros(0, 5), torch.zeros(5), "no axis empty"),
        (torch.zeros(2, 0), torch.zeros(0), "no axis empty"),
    ]:
        with pytest.raises(ValueError, match=message):
            expected_loss(W, b, features)
        with pytest.raises(ValueError, match=message):
            polish(W, b, features)
    with pytest.raises(ValueError, match="importance"):
        expected_loss(torch.rand(2, 5), torch.zeros(5), features, -1.0)
    with pytest.raises(ValueError, match="one model"):
        polish(torch.rand(3, 2, 5), torch.zeros(3, 5), features)
    with pytest.raises(ValueError, match="at most 6"):
        optimum(SparseFeatures(7, 0.1), 2)
    with pytest.raises(ValueError, match="does not fit"):
        polygon(5, 4)
    with pytest.raises(ValueError, match="0 < p < 4/5"):
        two_feature_boundaries(0.9)
    with pytest.raises(ValueError, match="cannot be negative"):
        two_feature_losses(0.5, -1.0)


class Together(SparseFeatures):
    """Features of one switch: all on or all off. Nothing but `sample` tells them from independent ones."""

    def sample(self, batch_size, *, instances=(), generator=None):
        on = torch.rand(*instances, batch_size, 1, generator=generator) < self.feature_probability[:1]
        return on * torch.rand(*instances, batch_size, self.n_features, generator=generator)


@pytest.mark.plain
@pytest.mark.parametrize("features", [Together(2, 0.3), None, 0.3, object()])
def test_what_does_not_say_that_it_is_independent_is_refused(features):
    W, b = torch.tensor([[1.0, -1.0]]), torch.zeros(2)
    for refused in (
        lambda: expected_loss(W, b, features),
        lambda: polish(W, b, features),
        lambda: optimum(features, 1),
    ):
        with pytest.raises(
            ValueError, match=rf"{type(features).__name__} may be something else.*large sample"
        ):
            refused()


def test_what_is_refused_would_be_wrong():
    W, b, features = torch.tensor([[1.0, -1.0]]), torch.zeros(2), Together(2, 0.3)
    x = features.sample(200_000, generator=torch.Generator().manual_seed(0))
    sampled = reconstruction_loss(x, torch.relu(x @ gram(W))).item()
    independent = expected_loss(W, b, SparseFeatures(2, 0.3)).item()
    assert sampled > 2 * independent


def test_polish_takes_a_w_as_it_lies_in_memory():
    features, W = SparseFeatures(3, 0.2), polygon(3)
    W_transposed, b = W.T.contiguous().T, torch.zeros(1).expand(3)
    assert not W_transposed.is_contiguous()
    assert torch.allclose(polish(W_transposed, b, features)[2], polish(W, torch.zeros(3), features)[2])


def test_switched_off_gradients_change_nothing():
    features = SparseFeatures(2, 0.2)
    expected = optimum(features, 1)
    with torch.no_grad():
        for found, wanted in zip(optimum(features, 1), expected, strict=True):
            assert torch.equal(found, wanted)


@pytest.mark.plain
def test_numpy_counts_are_counts():
    assert torch.equal(polygon(np.int64(3)), polygon(3))
    assert torch.equal(optimum(SparseFeatures(2, 0.2), np.int64(1))[2], optimum(SparseFeatures(2, 0.2), 1)[2])
    for wrong in (np.float64(3.0), np.bool_(True), 3.0, True, 0):
        with pytest.raises(ValueError, match="whole number"):
            polygon(wrong)


def test_reconstruction_loss_and_expected_loss_agree():
    W, b, features = 1.1 * polygon(5), torch.full((5,), -0.2), SparseFeatures(5, 0.1)
    x = features.sample(1_000_000, generator=torch.Generator().manual_seed(1))
    sampled = reconstruction_loss(x, torch.relu(x @ gram(W) + b))
    assert sampled.item() == pytest.approx(expected_loss(W, b, features).item(), rel=0.01)
