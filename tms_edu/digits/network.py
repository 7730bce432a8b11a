"""A small network that names digits, and its training."""

from functools import lru_cache

import torch
from jaxtyping import Float
from torch import Generator, Tensor, nn

from tms_edu._validate import require_count, require_float
from tms_edu.digits.images import load_digits


class DigitsNetwork(nn.Module):
    """Name a digit from its 64 pixels by way of a few neurons.

    h = ReLU(W₁x + b₁),  scores = W₂h + b₂; the highest of the ten scores is the answer.

    Args:
        d_hidden: number of neurons m in the hidden layer, 1 or more.
        relu: whether the hidden layer has its ReLU; without it h = W₁x + b₁.
        instances: leading axes, one network for each of their indices.
        generator: source of the initial weights. None: torch's global one.

    Attributes:
        W1: (*instances, d_hidden, 64), each row adding up to 0, so that at the start a neuron is on for some images and off for others.
        b1: (*instances, d_hidden), zeros.
        W2: (*instances, 10, d_hidden).
        b2: (*instances, 10), zeros.

    Raises:
        ValueError: if a size is below 1.

    >>> images, _ = load_digits("test")
    >>> network = DigitsNetwork(d_hidden=16)
    >>> network.hidden(images).shape, network(images).shape
    (torch.Size([497, 16]), torch.Size([497, 10]))
    """

    def __init__(
        self,
        d_hidden: int = 16,
        *,
        relu: bool = True,
        instances: tuple[int, ...] = (),
        generator: Generator | None = None,
    ):
        super().__init__()
        require_count("d_hidden", d_hidden)
        self.relu, self.instances = relu, tuple(require_count("instances", size) for size in instances)
        W1 = torch.randn(*self.instances, d_hidden, 64, generator=generator) / 8
        W2 = torch.randn(*self.instances, 10, d_hidden, generator=generator) / d_hidden**0.5
        self.W1, self.b1 = (
            nn.Parameter(W1 - W1.mean(-1, keepdim=True)),
            nn.Parameter(torch.zeros_like(W1[..., 0])),
        )
        self.W2, self.b2 = nn.Parameter(W2), nn.Parameter(torch.zeros_like(W2[..., 0]))

    def hidden(self, images: Float[Tensor, "... 64"]) -> Float[Tensor, "... d_hidden"]:
        """Return the activations h of the hidden layer."""
        if require_float("images", images, "(images, 64)", 1).shape[-1] != 64:
            raise ValueError(
                f"images must have a last axis of 64 pixels; got {tuple(images.shape)}. Use .flatten(1)."
            )
        h = images @ self.W1.mT + self._row(self.b1)
        return torch.relu(h) if self.relu else h

    def forward(self, images: Float[Tensor, "... 64"]) -> Float[Tensor, "... 10"]:
        return self.hidden(images) @ self.W2.mT + self._row(self.b2)

    def _row(self, b: Tensor) -> Tensor:
        return b.unsqueeze(-2) if self.instances else b


def train_digits(
    network: DigitsNetwork,
    *,
    steps: int = 400,
    batch_size: int = 128,
    lr: float = 0.02,
    activity_cost: float = 0.01,
    seed: int = 0,
) -> DigitsNetwork:
    """Train a network in place on the "train" part, and return it.

    Cross-entropy of the ten scores, plus `activity_cost` times the summed size of the activations: a neuron that
    has nothing to say had better be silent. At 0 most neurons are on for nearly every image.

    Args:
        network: all its instances are trained side by side, on the same images in the same order.
        steps: number of updates.
        batch_size: images per update.
        lr: highest learning rate of Adam; it falls to 0 along a cosine.
        activity_cost: price of a unit of activation, 0 or more.
        seed: seed of the order of the images.

    Raises:
        ValueError: if a number is out of range.
    """
    for name, count in {"steps": steps, "batch_size": batch_size}.items():
        require_count(name, count)
    for name, value in {"lr": lr, "activity_cost": activity_cost}.items():
        if not 0 <= value < float("inf"):
            raise ValueError(f"{name} must be a number, 0 or more; got {value!r}.")
    images, labels = load_digits("train")
    generator = Generator().manual_seed(seed)
    optimizer = torch.optim.Adam(network.parameters(), lr=lr)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=steps)
    for _ in range(steps):
        rows = torch.randint(len(images), (batch_size,), generator=generator)
        h = network.hidden(images[rows])
        scores = h @ network.W2.mT + network._row(network.b2)
        wrong = -scores.log_softmax(-1)[..., torch.arange(batch_size), labels[rows]]
        loss = wrong.mean(-1) + activity_cost * h.abs().sum(-1).mean(-1)
        optimizer.zero_grad()
        loss.sum().backward()
        optimizer.step()
        schedule.step()
    return network


def accuracy(network: nn.Module, part: str = "test") -> Float[Tensor, "*instances"]:
    """Return the share of images that a network names right."""
    images, labels = load_digits(part)
    with torch.no_grad():
        return (network(images).argmax(-1) == labels).float().mean(-1)


@lru_cache(maxsize=4)
def network_of_the_text(seed: int = 1) -> DigitsNetwork:
    """Train 16 neurons from a seed, as notebook 01 does with seed 1. One seed, one object: read it, don't change it."""
    return train_digits(DigitsNetwork(16, generator=Generator().manual_seed(seed)), seed=seed)
