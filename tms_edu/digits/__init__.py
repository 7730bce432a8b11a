"""Real handwritten digits, and a small network that names them."""

from collections.abc import Sequence
from importlib.resources import files

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Generator, Tensor, nn

from tms_edu._validate import require_count, require_float

N_TRAIN = 1300
PARTS = {"all": slice(None), "train": slice(N_TRAIN), "test": slice(N_TRAIN, None)}


def load_digits(part: str = "all") -> tuple[Float[Tensor, "images 64"], Int[Tensor, "images"]]:
    """Return handwritten digits and what each of them is.

    1,797 images of 8 × 8 pixels, rows one after the other, 0 (paper) to 1 (ink), in the order of the source:
    the first 1,300 are the "train" part, the last 497 the "test" part.
    Source: E. Alpaydin and C. Kaynak, Optical Recognition of Handwritten Digits, UCI, 1998; CC BY 4.0.

    Args:
        part: "all", "train" or "test".

    Raises:
        ValueError: for another part.

    >>> images, labels = load_digits("test")
    >>> images.shape, labels[:5].tolist()
    (torch.Size([497, 64]), [3, 4, 5, 6, 7])
    """
    if part not in PARTS:
        raise ValueError(f"part must be one of {', '.join(PARTS)}; got {part!r}.")
    with files(__package__).joinpath("digits.npz").open("rb") as file, np.load(file) as stored:
        images, labels = (torch.from_numpy(stored[name][PARTS[part]]) for name in ("images", "labels"))
    return images.flatten(1).float() / 16, labels.long()


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


def class_means(
    h: Float[Tensor, "*instances images d_hidden"], labels: Int[Tensor, "images"]
) -> Float[Tensor, "*instances 10 d_hidden"]:
    """Average the activations over the images of each class.

    Args:
        h: activations, one row an image.
        labels: what each image is, 0 to 9, each at least once.

    >>> class_means(torch.arange(20.0)[:, None], torch.arange(20) % 10)[:, 0].tolist()
    [5.0, 6.0, 7.0, 8.0, 9.0, 10.0, 11.0, 12.0, 13.0, 14.0]
    """
    return torch.stack([h[..., labels == k, :].mean(-2) for k in range(10)], dim=-2)


def fires_for(
    means: Float[Tensor, "*instances 10 d_hidden"], share: float = 0.5
) -> Bool[Tensor, "*instances 10 d_hidden"]:
    """Say for which classes a neuron fires: those with at least `share` of the mean of its favourite class.

    A neuron that is never on fires for none.

    >>> means = torch.tensor([[0.0, 2.0, 0.9, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]]).T
    >>> fires_for(means)[:, 0].nonzero()[:, 0].tolist()
    [1, 3]
    """
    favourite = means.amax(-2, keepdim=True)
    return (means >= share * favourite) & (favourite > 1e-3)


def in_words(classes: Sequence[int]) -> str:
    """Write a list of digits as a reader would say it.

    >>> in_words([3]), in_words([1, 4, 7])
    ('3', '1, 4 and 7')
    """
    *first, last = [str(k) for k in classes]
    return f"{', '.join(first)} and {last}" if first else last
