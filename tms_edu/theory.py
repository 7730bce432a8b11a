"""Exact expected losses and closed forms, to lay over experiments."""

import math

import torch
from jaxtyping import Float
from torch import Generator, Tensor

from tms_edu._validate import require, require_count, require_float, require_importance, require_probability
from tms_edu.data import SparseFeatures

MOST_FEATURES = 10
# Below this size a coefficient enters through a two-point quadrature (Gauss) instead of a division by itself.
SMALL = 0.002
LOW, HIGH = 0.5 - 1 / 12**0.5, 0.5 + 1 / 12**0.5


def expected_loss(
    W: Float[Tensor, "*instances d_hidden n_features"],
    b: Float[Tensor, "*instances n_features"],
    features: SparseFeatures,
    importance: float | Tensor = 1.0,
) -> Float[Tensor, "*instances"]:
    """Compute the loss of x' = ReLU(WᵀW x + b) over all of `features`, without drawing a single row.

    E Σ_i I_i (x_i - x'_i)². Each feature is off, or on and uniform; averaging over a uniform x_j with coefficient a replaces
    a function F of the sum by (∫F(s + a) - ∫F(s)) / a. As F is a power of ReLU, every integral is one too, and the
    average is a sum over 3^(n-1) corners per output. Coefficients below 0.002 use two Gauss points instead.

    Args:
        W: (*instances, d_hidden, n_features), n_features at most 10.
        b: output bias (*instances, n_features).
        features: SparseFeatures themselves, which are independent; their probabilities broadcast with the instances.
        importance: I_i, broadcasts to (*instances, n_features).

    Returns:
        The loss per instance, in double precision, differentiable, on the device of W. The error is below 2e-5, and near
        rounding unless some coefficient is that small.

    Raises:
        ValueError: for unfit shapes, more than 10 features, or features that are not SparseFeatures themselves.

    >>> always_on = SparseFeatures(n_features=1, feature_probability=1.0)
    >>> expected_loss(torch.tensor([[0.0]]), torch.tensor([0.5]), always_on)   # the variance of a uniform, 1/12
    tensor(0.0833, dtype=torch.float64)
    """
    require_float("W", W, "(*instances, d_hidden, n_features)", 2)
    require_float("b", b, "(*instances, n_features)", 1)
    _require_independent(features)
    n = W.shape[-1]
    require(
        b.shape == (*W.shape[:-2], n),
        f"b must have shape {(*W.shape[:-2], n)} beside this W; got {tuple(b.shape)}.",
    )
    require(
        n <= MOST_FEATURES,
        f"The exact loss is for at most {MOST_FEATURES} features; got {n}. Average over a large sample.",
    )
    require(
        features.n_features == n, f"W has {n} columns, and features has n_features = {features.n_features}."
    )
    p = features.feature_probability.double().to(W.device)
    weight = require_importance(importance, torch.broadcast_shapes(b.shape, p.shape), W.device).double()
    W, b = W.double(), b.double()
    return (weight * _output_losses(W.mT @ W, b, p)).sum(-1)


def _require_independent(features: SparseFeatures) -> None:
    # A subclass may draw its features together, and nothing in it would tell.
    require(
        type(features) is SparseFeatures,
        f"Exact losses are for independent features, uniform when on: SparseFeatures itself. {type(features).__name__} "
        "may be something else. Average over a large sample: x = features.sample(100_000), then "
        "reconstruction_loss(x, model(x)).",
    )


def _output_losses(G: Tensor, b: Tensor, p: Tensor) -> Tensor:
    # Everything is a list of terms coefficient · ReLU(s)^order / order!, kept along the last axis, one row per output j.
    n = G.shape[-1]
    own, p_own = G.diagonal(dim1=-2, dim2=-1), p
    coefficient, s, order = _own_terms(own, p_own)
    s = s + b.unsqueeze(-1)
    for k in range(1, n):
        # The k-th other feature of output j is j + k, around the circle.
        other = (torch.arange(n, device=G.device) + k) % n
        a = G[..., torch.arange(n, device=G.device), other]
        for_one, shift, raised = _average_terms(a, p[..., other])
        coefficient = (coefficient.unsqueeze(-1) * for_one.unsqueeze(-2)).flatten(-2)
        s = (s.unsqueeze(-1) + shift.unsqueeze(-2)).flatten(-2)
        order = (order.unsqueeze(-1) + raised.unsqueeze(-2)).flatten(-2)
    factorial = torch.tensor([math.factorial(k) for k in range(n + 3)], dtype=torch.float64, device=G.device)
    return p / 3 + (coefficient * s.clamp(min=0) ** order / factorial[order]).sum(-1)


def _average_terms(a: Tensor, p: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """List coefficient, shift and rise in order of the three terms that average over one feature, off or on."""
    a, p = torch.broadcast_tensors(a, p)
    large = a.abs() >= SMALL
    slope = p / a.where(large, 1.0)
    coefficient = torch.stack([1 - p, slope.where(large, p / 2), (-slope).where(large, p / 2)], -1)
    shift = torch.stack([torch.zeros_like(a), a.where(large, a * LOW), (a * HIGH).where(~large, 0.0)], -1)
    raised = torch.stack([torch.zeros_like(large), large, large], -1).long()
    return coefficient, shift, raised


def _own_terms(g: Tensor, p: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """List the terms of E (x_j - ReLU(g x_j + t))², less E x_j² = p / 3: off, then on, by parts or by Gauss points."""
    g, p = torch.broadcast_tensors(g, p)
    large = g >= SMALL
    safe, zero = g.where(large, 1.0), torch.zeros_like(g)
    both = 2 * p / safe + 2 * p / safe**2
    terms = [
        (2 * (1 - p), zero, 2 + zero),
        (both.where(large, p), g.where(large, g * LOW), 2.0 + large),
        ((-both).where(large, p), (g * HIGH).where(~large, 0.0), 2.0 + large),
        ((-2 * p / safe).where(large, -p * LOW), g.where(large, g * LOW), 1.0 + large),
        ((-p * HIGH).where(~large, 0.0), g * HIGH, 1 + zero),
    ]
    coefficient, shift, order = (torch.stack(column, -1) for column in zip(*terms, strict=True))
    return coefficient, shift, order.long()


@torch.enable_grad()
def polish(
    W: Float[Tensor, "d_hidden n_features"],
    b: Float[Tensor, " n_features"],
    features: SparseFeatures,
    importance: float | Tensor = 1.0,
) -> tuple[Tensor, Tensor, Tensor]:
    """Follow the exact loss downhill from W and b to the nearest minimum (L-BFGS).

    Returns:
        W, b and their `expected_loss`, in double precision, on the device of W.

    Raises:
        ValueError: as `expected_loss`; for W with leading axes.
    """
    expected_loss(W, b, features, importance)
    require(W.ndim == 2, f"polish takes one model, W of shape (d_hidden, n_features); got {tuple(W.shape)}.")
    # L-BFGS cannot flatten a transposed W where it lies.
    W, b = (start.detach().double().contiguous().clone().requires_grad_() for start in (W, b))
    optimizer = torch.optim.LBFGS([W, b], max_iter=200, tolerance_grad=1e-9, line_search_fn="strong_wolfe")

    def closure() -> Tensor:
        optimizer.zero_grad()
        loss = expected_loss(W, b, features, importance)
        loss.backward()
        return loss

    optimizer.step(closure)
    W, b = W.detach(), b.detach()
    return W, b, expected_loss(W, b, features, importance)


def optimum(
    features: SparseFeatures, d_hidden: int, importance: float | Tensor = 1.0
) -> tuple[Tensor, Tensor, Tensor]:
    """Find the best W, b and exact loss that are known for up to 6 features.

    The best of many descents of the exact loss, from the regular arrangements (features alone in a dimension, digons,
    polygons, tetrahedra, in order of importance) and from scattered starts. That nothing does better is observed, not
    proved.

    Args:
        features: one set of at most 6 features, SparseFeatures themselves.
        d_hidden: number of hidden dimensions m.
        importance: I_i, broadcasts to (n_features,).

    Returns:
        W (d_hidden, n_features), b (n_features,) and their loss, in double precision, where `features` has its
        probabilities. Takes a second or two.

    Raises:
        ValueError: for more than 6 features, features with leading axes, or others than SparseFeatures themselves.

    >>> W, b, loss = optimum(SparseFeatures(n_features=2, feature_probability=1.0), d_hidden=2)
    >>> print(f"{loss:.4f}")
    0.0000
    """
    _require_independent(features)
    n, p = features.n_features, features.feature_probability.double()
    require(
        n <= 6 and p.ndim <= 1,
        f"The optimum is looked for with one set of at most 6 features; got {features}.",
    )
    d_hidden = require_count("d_hidden", d_hidden)
    weight = require_importance(importance, (n,), p.device).expand(n)
    by_importance = weight.argsort(descending=True, stable=True).argsort()
    arranged = torch.stack(_arrangements(n, d_hidden)).to(p.device)[..., by_importance]
    # With unequal features it matters who stands where, and minima between the regular arrangements appear.
    alike = (weight == weight[0]).all() and p.unique().numel() == 1
    count, generator = 8 if alike else 48, Generator().manual_seed(0)
    scattered = torch.randn(count, d_hidden, n, generator=generator, dtype=torch.float32).to(arranged)
    W = torch.cat([arranged, (2 / (n + d_hidden)) ** 0.5 * scattered])
    W, b = _descend(W, torch.where(W.abs().sum(-2) > 0, -0.05, p / 2), features, weight)
    best = expected_loss(W, b, features, weight).argsort()[:3].tolist()
    return min((polish(W[k], b[k], features, weight) for k in best), key=lambda found: found[2].item())


@torch.enable_grad()
def _descend(W: Tensor, b: Tensor, features: SparseFeatures, importance: Tensor, steps: int = 120):
    W, b = W.clone().requires_grad_(), b.clone().requires_grad_()
    optimizer = torch.optim.Adam([W, b], lr=0.05)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=steps)
    for _ in range(steps):
        optimizer.zero_grad()
        expected_loss(W, b, features, importance).sum().backward()
        optimizer.step()
        schedule.step()
    return W.detach(), b.detach()


def _arrangements(n: int, d_hidden: int) -> list[Tensor]:
    """List W (d_hidden, n) for every way to fill the dimensions with regular blocks, first features first."""
    blocks = {
        1: [torch.ones(1, 1), polygon(2)[:1]],
        2: [polygon(k) for k in (3, 5, 6) if k <= n],
        3: [_tetrahedron()],
    }

    def fill(dimensions: int, room: int, largest: int) -> list[list[Tensor]]:
        found = [[]] if dimensions == 0 or room == 0 else []
        for size in range(1, min(dimensions, largest) + 1):
            for block in blocks.get(size, []):
                if block.shape[1] <= room:
                    found += [[block, *rest] for rest in fill(dimensions - size, room - block.shape[1], size)]
        return found

    arrangements = []
    for filling in fill(d_hidden, n, d_hidden):
        filling = sorted(filling, key=lambda block: block.shape[1] / block.shape[0])
        W = torch.block_diag(*filling)
        arrangements.append(
            torch.nn.functional.pad(W, (0, n - W.shape[1], 0, d_hidden - W.shape[0])).double()
        )
    return arrangements or [torch.zeros(d_hidden, n, dtype=torch.float64)]


def polygon(k: int, n: int | None = None) -> Float[Tensor, "2 n_features"]:
    """Lay k unit columns around the circle at steps of 360/k degrees; the other n - k are zero.

    >>> polygon(4).round().int().tolist()
    [[1, 0, -1, 0], [0, 1, 0, -1]]
    """
    n = k if n is None else n
    require(
        require_count("n", n) >= require_count("k", k),
        f"A polygon of k = {k} features does not fit into n = {n}.",
    )
    angles = 2 * torch.pi * torch.arange(k) / k
    return torch.nn.functional.pad(torch.stack([angles.cos(), angles.sin()]), (0, n - k))


def _tetrahedron() -> Tensor:
    corners = torch.tensor([[1.0, 1.0, -1.0, -1.0], [1.0, -1.0, 1.0, -1.0], [1.0, -1.0, -1.0, 1.0]])
    return corners / 3**0.5


def two_feature_losses(p: float | Tensor, r: float | Tensor) -> dict[str, Tensor]:
    """Compute the expected loss of the three ways to put two features into one dimension.

    Features are on with probability p and weigh 1 and r in the loss (paper, "Superposition as a phase change"). A dropped
    feature answers with its mean p/2; an antipodal pair is W = (1, -1) with b = 0, and errs by the smaller of the two
    when both are on.

    Returns:
        "ignore extra": r (p/3 - p²/4), "ignore first": p/3 - p²/4, "antipodal": (1 + r) p²/6.

    Raises:
        ValueError: if p lies outside [0, 1] or r is negative.

    >>> {name: round(loss.item(), 4) for name, loss in two_feature_losses(p=0.5, r=1.0).items()}
    {'ignore extra': 0.1042, 'ignore first': 0.1042, 'antipodal': 0.0833}
    """
    p, r = require_probability("p", p), torch.as_tensor(r, dtype=torch.float32)
    require((r >= 0).all(), f"r is an importance and cannot be negative; got {r.min().item():g}.")
    dropped = p / 3 - p**2 / 4
    return {
        "ignore extra": r * dropped,
        "ignore first": dropped * torch.ones_like(r),
        "antipodal": (1 + r) * p**2 / 6,
    }


def two_feature_boundaries(p: float | Tensor) -> tuple[Tensor, Tensor]:
    """Compute between which relative importances r the antipodal pair is best: 2p/(4 - 5p) < r < (4 - 5p)/(2p).

    The two meet in the triple point r = 1, p = 4/7; above it there is no antipodal phase.

    Raises:
        ValueError: if p lies outside (0, 4/5), where the formulas hold.

    >>> [round(r.item(), 3) for r in two_feature_boundaries(4 / 7)]
    [1.0, 1.0]
    """
    p = require_probability("p", p)
    require(((p > 0) & (p < 0.8)).all(), "The boundaries exist for 0 < p < 4/5.")
    return 2 * p / (4 - 5 * p), (4 - 5 * p) / (2 * p)


def best_bias(
    W: Float[Tensor, "d_hidden n_features"], features: SparseFeatures
) -> Float[Tensor, " n_features"]:
    """Find the output bias of lowest exact loss for a given W, each b_i to 1e-4.

    Each b_i enters one output only, so all are looked for side by side: on a grid over all that can be best, then on ever
    finer ones around the best so far. Importance weighs whole outputs, and changes nothing.

    Raises:
        ValueError: as `expected_loss`; for W or features with leading axes.

    >>> best_bias(torch.zeros(2, 3), SparseFeatures(3, 0.2))   # nothing gets through: the mean of x, 0.1
    tensor([0.1000, 0.1000, 0.1000])
    """
    require_float("W", W, "(d_hidden, n_features)", 2)
    p = features.feature_probability.double()
    require(
        W.ndim <= 2 and p.ndim <= 1,
        f"best_bias takes one W of shape (d_hidden, n_features) and one set of features; got {tuple(W.shape)} and {features}.",
    )
    expected_loss(W, W.new_zeros(W.shape[-1]), features)
    G, points = (W.mT @ W).double(), 61  # fewer miss the lower of two minima now and then
    low, high = -G.relu().sum(-1), 1 + (-G).relu().sum(-1)  # always silent; always 1 or more
    share = torch.linspace(0, 1, points, dtype=torch.float64).unsqueeze(-1)
    while (high - low).max() > 1e-4:
        b = low + share * (high - low)
        lowest = _output_losses(G, b, p).argmin(0, keepdim=True)
        low = b.gather(0, (lowest - 1).clamp(min=0)).squeeze(0)
        high = b.gather(0, (lowest + 1).clamp(max=points - 1)).squeeze(0)
    return ((low + high) / 2).to(W.dtype)
