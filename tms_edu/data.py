"""Sparse features: where the inputs of the toy model come from."""

import torch
from jaxtyping import Float
from torch import Generator, Tensor

from tms_edu._validate import require_count, require_instances, require_probability


class SparseFeatures:
    """Draw independent features that are mostly zero.

    Each x_i is 0 with probability S_i and otherwise uniform on [0, 1] (paper, "Demonstrating superposition").
    `feature_probability` is 1 - S, the chance that a feature is on.

    It knows its `empty_probability` and has `sample_active`, so that `train` spends no rows on inputs in which nothing is on.

    Args:
        n_features: number of features n, 1 or more.
        feature_probability: 1 - S in [0, 1]: a number, or a tensor that broadcasts to (*instances, n_features).

    Raises:
        ValueError: if `n_features` is below 1 or `feature_probability` is out of range or of an unfit shape.

    >>> features = SparseFeatures(n_features=3, feature_probability=torch.tensor([0.0, 1.0, 1.0]))
    >>> (features.sample(4) > 0).int()[:, 0].tolist()
    [0, 0, 0, 0]
    """

    def __init__(self, n_features: int, feature_probability: float | Tensor):
        self.n_features = require_count("n_features", n_features)
        p = require_probability("feature_probability", feature_probability)
        if p.ndim and p.shape[-1] not in (1, self.n_features):
            raise ValueError(
                f"feature_probability has a last axis of size {p.shape[-1]}, expected n_features = {n_features} or 1. "
                "One value per instance needs shape (*instances, 1)."
            )
        self.feature_probability = p.expand(*p.shape[:-1], self.n_features)

    def __repr__(self) -> str:
        p = self.feature_probability
        shown = f"{p[0]:g}" if p.ndim == 1 and (p == p[0]).all() else f"tensor of shape {tuple(p.shape)}"
        return f"SparseFeatures(n_features={self.n_features}, feature_probability={shown})"

    def sample(
        self, batch_size: int, *, instances: tuple[int, ...] = (), generator: Generator | None = None
    ) -> Float[Tensor, "*instances batch_size n_features"]:
        """Draw rows of x.

        Args:
            batch_size: rows per instance, 1 or more.
            instances: leading axes; they broadcast with those of `feature_probability`.
            generator: source of randomness; the draw happens on its device. None: torch's global one.

        Returns:
            Values in [0, 1], shape (*instances, batch_size, n_features).
        """
        u, _ = self._uniform_over_p(batch_size, instances, generator)
        return torch.where(u <= 1, u, 0.0)

    @property
    def empty_probability(self) -> Float[Tensor, "*instances"]:
        """Return the chance that every feature of a row is off, Π_i (1 - p_i), shape (*instances)."""
        return (1 - self.feature_probability.cpu().double()).prod(-1).float()

    def sample_active(
        self, batch_size: int, *, instances: tuple[int, ...] = (), generator: Generator | None = None
    ) -> Float[Tensor, "*instances batch_size n_features"]:
        """Draw rows of x given that at least one feature is on.

        The first feature that is on is drawn from its own distribution, P(first = i) ∝ p_i Π_{j<i} (1 - p_j); those
        before it are off, those after it are as in `sample`. The cost does not depend on how rare features are.

        Raises:
            ValueError: if no feature can be on.
        """
        u, p = self._uniform_over_p(batch_size, instances, generator)
        off = 1 - p.cpu().double()  # not every GPU has double precision
        first_on = p.cpu() * torch.cat([torch.ones_like(off[..., :1]), off[..., :-1].cumprod(-1)], dim=-1)
        if (first_on.sum(-1) == 0).any():
            raise ValueError(
                "feature_probability is 0 for every feature of an instance, so no row can have one on."
            )
        cumulative = (first_on.cumsum(-1) / first_on.sum(-1, keepdim=True)).float().to(u.device)
        pick = torch.rand(*u.shape[:-1], 1, generator=generator, device=u.device)
        first = (pick >= cumulative).sum(-1, keepdim=True).clamp(max=self.n_features - 1)
        index = torch.arange(self.n_features, device=u.device)
        later = torch.where((index > first) & (u <= 1), u, 0.0)
        return torch.where(index == first, u * p, later)

    def _uniform_over_p(self, batch_size: int, instances: tuple[int, ...], generator: Generator | None):
        # u uniform on [0, 1/p) serves as mask and value at once: it falls in [0, 1] with probability p, and is uniform there.
        batch_size, instances = require_count("batch_size", batch_size), require_instances(instances)
        device = generator.device if generator is not None else "cpu"
        p = self.feature_probability.to(device)
        try:
            leading = torch.broadcast_shapes(instances, p.shape[:-1])
        except RuntimeError:
            raise ValueError(
                f"instances {instances} do not broadcast with the leading axes {tuple(p.shape[:-1])} "
                "of feature_probability."
            ) from None
        p = p.unsqueeze(-2) if p.ndim > 1 else p
        r = torch.rand(*leading, batch_size, self.n_features, generator=generator, device=device)
        return r / p, p
