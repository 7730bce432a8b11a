"""The toy model: x' = ReLU(WᵀW x + b)."""

import torch
from jaxtyping import Float
from torch import Generator, Tensor, nn

from tms_edu._validate import require_count, require_instances


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
        ValueError: if a size is not a whole number of at least 1.

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
        self.instances = require_instances(instances)
        device = generator.device if generator is not None else "cpu"
        std = (2 / (self.n_features + self.d_hidden)) ** 0.5
        shape = (*self.instances, self.d_hidden, self.n_features)
        self.W = nn.Parameter(std * torch.randn(shape, generator=generator, device=device))
        self.b_final = nn.Parameter(torch.zeros(*self.instances, self.n_features, device=device))

    def extra_repr(self) -> str:
        return f"n_features={self.n_features}, d_hidden={self.d_hidden}, instances={self.instances}"

    def hidden(self, x: Float[Tensor, "... n_features"]) -> Float[Tensor, "... d_hidden"]:
        """Compute h = W x."""
        return x @ self.W.mT

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
        b = self.b_final.unsqueeze(-2) if self.instances else self.b_final
        return torch.relu(self.hidden(x) @ self.W + b)


class HiddenReLU(ToyModel):
    """Put a ReLU into the middle of the toy model, with W still used twice and no bias beside it.

    h = ReLU(W x),  x' = ReLU(Wᵀ h + b)   (paper, "Superposition in a Privileged Basis")

    >>> model = HiddenReLU(n_features=2, d_hidden=1)
    >>> _ = model.W.data.copy_(torch.tensor([[1.0, -1.0]]))
    >>> model(torch.eye(2)).tolist()   # feature 1 pushes the neuron below 0, and nothing comes out of it
    [[1.0, 0.0], [0.0, 0.0]]
    """

    def hidden(self, x: Float[Tensor, "... n_features"]) -> Float[Tensor, "... d_hidden"]:
        """Compute h = ReLU(W x)."""
        return torch.relu(super().hidden(x))
