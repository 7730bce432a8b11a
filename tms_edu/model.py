"""The toy model: x' = ReLU(WᵀW x + b)."""

import torch
from jaxtyping import Float
from torch import Generator, Tensor, nn

from tms_edu._validate import require_count


class ToyModel(nn.Module):
    """Squeeze n features through d_hidden dimensions and back with one matrix W, used twice.

    h = W x,  x' = ReLU(Wᵀ h + b)   (paper, "Demonstrating superposition", the ReLU output model)

    Column i of W is the direction of feature i in the hidden space. With `instances`, several independent models
    live side by side along leading axes, and every formula stays as it is.

    Args:
        n_features: number of features n, 1 or more.
        d_hidden: number of hidden dimensions m, 1 or more.
        instances: leading axes, one model for each of their indices.
        generator: source of the initial W. None: torch's global one.

    Attributes:
        W: (*instances, d_hidden, n_features), drawn from a normal distribution of variance 2 / (n + m) (Xavier,
            over the two axes of one model's own W).
        b_final: (*instances, n_features), zeros.

    Raises:
        ValueError: if a size is below 1.

    >>> model = ToyModel(n_features=20, d_hidden=10)
    >>> sum(parameter.numel() for parameter in model.parameters())
    220
    """

    def __init__(
        self,
        n_features: int,
        d_hidden: int,
        *,
        instances: tuple[int, ...] = (),
        generator: Generator | None = None,
    ):
        super().__init__()
        self.n_features = require_count("n_features", n_features)
        self.d_hidden = require_count("d_hidden", d_hidden)
        self.instances = tuple(require_count("instances", size) for size in instances)
        device = generator.device if generator is not None else "cpu"
        std = (2 / (n_features + d_hidden)) ** 0.5
        W = std * torch.randn(*self.instances, d_hidden, n_features, generator=generator, device=device)
        self.W = nn.Parameter(W)
        self.b_final = nn.Parameter(torch.zeros(*self.instances, n_features, device=device))

    def extra_repr(self) -> str:
        return f"n_features={self.n_features}, d_hidden={self.d_hidden}, instances={self.instances}"

    def forward(self, x: Float[Tensor, "... n_features"]) -> Float[Tensor, "... n_features"]:
        """Reconstruct x.

        Args:
            x: (*instances, batch, n_features); without instances any leading axes, also none.

        Returns:
            x' of the shape of x.

        Raises:
            ValueError: if the last axis of x is not n_features, or the leading ones do not fit the instances.
        """
        if x.shape[-1:] != (self.n_features,):
            raise ValueError(
                f"x must have {self.n_features} features on its last axis; got shape {tuple(x.shape)}. "
                "Rows are inputs, columns are features."
            )
        if self.instances and x.ndim < 2:
            raise ValueError(f"x must have shape (*instances, batch, n_features); got {tuple(x.shape)}.")
        h = x @ self.W.mT
        b = self.b_final.unsqueeze(-2) if self.instances else self.b_final
        return torch.relu(h @ self.W + b)
