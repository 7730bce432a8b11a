"""Codes that store which of n animals is present in one or two activations, and decoders that read them back."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Generator, Tensor, nn
from torch.nn.functional import normalize
from torch.nn.utils import skip_init
from torch.special import ndtr

INTEGER_PART, SIZE, DIRECTIONS = "integer part", "small to large", "two directions"
LOW, HIGH = 1.0, 9.0  # a present animal's activation lies between, evenly spread
STEPS, CHUNK, FRESH = 600, 20, 20_000


@dataclass(frozen=True)
class Encoding:
    """Store which of n animals is present in one or two activations, with Gaussian noise on each.

    "integer part": one activation; its integer part, 1 to 8, tells the animal in turn (two animals: odd is cat, even is
    dog). "small to large": one activation; the range from 1 to 9 is cut into n equal pieces. "two directions": an
    animal has a direction in the plane, 360°/n apart but never more than 90°, and any strength from 1 to 9.

    Args:
        kind: one of the three.
        n_animals: n, 2, 4 or 8, equally likely.
        noise: σ.
    """

    kind: str
    n_animals: int
    noise: float

    @property
    def angle(self) -> float:
        """Return the angle between neighbouring directions, in radians."""
        return min(math.pi / 2, 2 * math.pi / self.n_animals)

    @property
    def directions(self) -> Float[Tensor, "2 n_animals"]:
        """Return the animals' directions in the plane, as columns."""
        turn = self.angle * torch.arange(self.n_animals)
        return torch.stack([turn.cos(), turn.sin()])

    def draw(self, rows: int, generator: Generator) -> tuple[Float[Tensor, "rows d"], Int[Tensor, " rows"]]:
        """Draw activations, and the animal behind each.

        >>> h, animal = Encoding("integer part", 2, noise=0.0).draw(5, torch.Generator().manual_seed(0))
        >>> bool((h[:, 0].long() % 2 == 1 - animal).all())
        True
        """
        n = self.n_animals
        animal = torch.randint(n, (rows,), generator=generator)
        u = torch.rand(rows, generator=generator)
        if self.kind == DIRECTIONS:
            h = (LOW + (HIGH - LOW) * u)[:, None] * self.directions.T[animal]
        elif self.kind == SIZE:
            h = (LOW + (HIGH - LOW) * (animal + u) / n)[:, None]
        else:
            band = n * torch.randint(8 // n, (rows,), generator=generator) + animal
            h = (LOW + band + u)[:, None]
        return h + self.noise * torch.randn(h.shape, generator=generator), animal

    def ideal(self, h: Float[Tensor, "... d"]) -> Float[Tensor, "... n_animals"]:
        """Score each animal so that the highest score is the likeliest animal."""
        if self.kind == DIRECTIONS:
            # The likelihood grows with the component along the animal's direction, whatever the length of h.
            return h @ self.directions.to(h.dtype)
        # Further out every density is rounded to 0, and the nearest piece is still the likeliest.
        reach = 5 * self.noise
        return self._densities(h[..., 0].double().clamp(LOW - reach, HIGH + reach))

    def ideal_accuracy(self) -> float:
        """Compute how often the likeliest animal is the right one, by integrating over the activation.

        >>> round(Encoding("two directions", 2, noise=0.1).ideal_accuracy(), 6)
        1.0
        """
        a, sigma = self._line(), self.noise
        if self.kind != DIRECTIONS:
            right = self._densities(a).amax(-1) / self.n_animals
        else:
            # Along its own direction an activation spreads over 1 to 9 and noise; across, it is noise alone.
            along = _spread(a, LOW, HIGH, sigma)
            if self.n_animals == 2:
                right = along * ndtr(a / sigma)
            else:
                right = along * (2 * ndtr(a.clamp(min=0) * math.tan(self.angle / 2) / sigma) - 1)
        return torch.trapezoid(right, a).item()

    def best_cut_accuracy(self) -> float:
        """Compute how often a threshold is right at best: one animal below it and the other above, in one direction.

        Raises:
            ValueError: for two directions or more than two animals.

        >>> round(Encoding("integer part", 2, noise=0.1).best_cut_accuracy(), 3)
        0.615
        """
        if self.kind == DIRECTIONS or self.n_animals != 2:
            raise ValueError("A threshold tells two animals apart in one direction.")
        a = self._line()
        first, second = self._densities(a).T / 2
        return 0.5 + torch.cumulative_trapezoid(first - second, a).abs().max().item()

    def _line(self) -> Tensor:
        return torch.linspace(LOW - 8 * self.noise, HIGH + 8 * self.noise, 40_001, dtype=torch.float64)

    def _densities(self, a: Tensor) -> Tensor:
        n = self.n_animals
        width = 1.0 if self.kind == INTEGER_PART else 8 / n
        pieces = torch.stack(
            [_spread(a, LOW + k * width, LOW + (k + 1) * width, self.noise) for k in range(round(8 / width))],
            -1,
        )
        return pieces.unflatten(-1, (-1, n)).mean(-2)


def _spread(a: Tensor, low: float, high: float, sigma: float) -> Tensor:
    return (ndtr((a - low) / sigma) - ndtr((a - high) / sigma)) / (high - low)


def decoders(
    encoding: Encoding, hidden_units: int, seed: int = 0, steps: int = STEPS
) -> Iterator[tuple[int, nn.Module]]:
    """Train a decoder from activations to animals; hand over (steps made, the growing decoder) now and then.

    Without hidden units it is a linear probe: a score per animal, linear in h, and the highest wins. With them, a network
    of one hidden ReLU layer whose bends start spread over the range. Adam on cross-entropy, 256 new rows a step.
    """
    generator = torch.Generator().manual_seed(seed)
    decoder = _untrained(2 if encoding.kind == DIRECTIONS else 1, hidden_units, encoding.n_animals, generator)
    lr = 3e-2 if hidden_units else 0.3
    optimizer = torch.optim.Adam(decoder.parameters(), lr=lr, fused=True)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, lr, total_steps=steps)
    for step in range(steps):
        if step % CHUNK == 0:
            yield step, decoder
        h, animal = encoding.draw(256, generator)
        loss = nn.functional.cross_entropy(decoder(h), animal)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    yield steps, decoder


class _Centred(nn.Module):
    def forward(self, h: Float[Tensor, "*rows d"]) -> Float[Tensor, "*rows d"]:
        return (h - (LOW + HIGH) / 2) / 4 if h.shape[-1] == 1 else h / 4


def _untrained(d: int, hidden_units: int, n_animals: int, generator: Generator) -> nn.Module:
    last = skip_init(nn.Linear, hidden_units or d, n_animals)
    nn.init.normal_(last.weight, std=0.1, generator=generator)
    nn.init.zeros_(last.bias)
    if not hidden_units:
        return nn.Sequential(_Centred(), last)
    first = skip_init(nn.Linear, d, hidden_units)
    with torch.no_grad():
        first.weight.copy_(4 * normalize(torch.randn(hidden_units, d, generator=generator), dim=1))
        first.bias.copy_(8 * torch.rand(hidden_units, generator=generator) - 4)
    return nn.Sequential(_Centred(), first, nn.ReLU(), last)


@torch.no_grad()
def accuracy(decoder: Callable[[Tensor], Tensor], encoding: Encoding, rows: int = FRESH) -> float:
    """Measure how often the highest score is the right animal's, on rows that no decoder was trained on."""
    h, animal = encoding.draw(rows, Generator().manual_seed(10_000))
    return (decoder(h).argmax(-1) == animal).float().mean().item()
