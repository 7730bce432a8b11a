"""What a neuron of the digits network answers to."""

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from tms_edu.digits.images import load_digits
from tms_edu.digits.network import DigitsNetwork


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


def digits_per_neuron(network: DigitsNetwork) -> float:
    """Average, over the neurons that fire at all, for how many digits of the "test" part they fire; 0 if none does."""
    images, labels = load_digits("test")
    with torch.no_grad():
        counts = fires_for(class_means(network.hidden(images), labels)).sum(0).float()
    return counts[counts > 0].mean().item() if counts.any() else 0.0


def shared_ink(w: Float[Tensor, "64"], a: Float[Tensor, "64"], b: Float[Tensor, "64"]) -> float:
    """Measure how much of what excites a neuron in one of two images is ink that both have, 0 to 1.

    Σ min(e_a, e_b) / Σ max(e_a, e_b) over the pixels, with e = ReLU(w · image); 0 if neither excites it.

    Args:
        w: the neuron's weights.
        a: an image, or a mean of images.
        b: the other one.

    >>> shared_ink(torch.ones(64), torch.ones(64), torch.ones(64) / 2)
    0.5
    """
    excited = torch.stack([torch.relu(w * a), torch.relu(w * b)])
    return (excited.amin(0).sum() / excited.amax(0).sum().clamp(min=1e-12)).item()
