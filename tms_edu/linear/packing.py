"""Unit vectors that are almost at right angles: a search that packs them, and bounds on how many there can be."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import normalize

STEPS, CHUNK, PATIENCE, MOST = 4000, 20, 200, 256
ROUNDING = 1e-6


def most_that_can_fit(d: int, epsilon: float) -> int | None:
    """Bound the number of unit vectors with |cos| ≤ ε in d dimensions from above; None where no bound here applies.

    In the plane π / arccos ε, exactly. Else the smaller of d (1 - ε²) / (1 - dε²) for dε² < 1 (Welch; Lemmens and
    Seidel) and d (d + 2) (1 - ε²) / (3 - (d + 2) ε²) for (d + 2) ε² < 3 (Levenshtein).

    >>> most_that_can_fit(3, 1 / math.sqrt(5)), most_that_can_fit(8, 0.5), most_that_can_fit(64, 0.5)
    (6, 120, None)
    """
    square = epsilon**2
    if d == 2:
        return math.floor(math.pi / math.acos(epsilon) + 1e-9)
    bounds = []
    if d * square < 1:
        bounds.append(d * (1 - square) / (1 - d * square))
    if (d + 2) * square < 3:
        bounds.append(d * (d + 2) * (1 - square) / (3 - (d + 2) * square))
    return math.floor(min(bounds) + 1e-9) if bounds else None


@dataclass(frozen=True)
class Packing:
    """Hold the vectors packed so far, the larger set that is being tried, and how often each size was reached.

    Attributes:
        vectors: (N, d), all |cos| ≤ ε.
        trial: (more than N, d), on the way there or not.
        history: after which step the search held how many.
        step: of the search.
    """

    vectors: Tensor
    trial: Tensor
    history: tuple[tuple[int, int], ...]
    step: int


def packings(d: int, epsilon: float, seed: int = 0, steps: int = STEPS) -> Iterator[Packing]:
    """Search for unit vectors with |cos| ≤ ε; hand over the state now and then, the best found at last.

    Start from d vectors at right angles. Again and again add some, the least crowded of many random ones, and let all
    repel: gradient descent with momentum on Σ max(0, |cos| - ε)². If in 200 steps all come within ε, keep them; if not,
    add fewer; if one is too many, also try a fresh random set of that size. What it finds is a lower bound.

    >>> *_, last = packings(3, 0.5)
    >>> last.vectors.shape
    torch.Size([6, 3])
    """
    generator = torch.Generator().manual_seed(seed)
    kept, added, failed, step = torch.eye(d), max(1, d // 2), 0, 0
    history = ((0, d),)
    most = min(MOST, most_that_can_fit(d, epsilon) or MOST)
    while len(kept) < most and step < steps:
        added = min(added, most - len(kept))
        trial = _more(kept, added, generator) if failed % 2 == 0 else _random(len(kept) + 1, d, generator)
        velocity, fits = torch.zeros_like(trial), False
        for _ in range(min(PATIENCE, steps - step)):
            if step % CHUNK == 0:
                yield Packing(kept, trial, history, step)
            trial, velocity, fits = _repel(trial, velocity, epsilon)
            step += 1
            if fits:
                break
        if fits:
            kept, history = trial, (*history, (step, len(trial)))
            added, failed = min(2 * added, max(1, len(kept) // 2)), 0
        else:
            added, failed = max(1, added // 4), failed + (added == 1)
    yield Packing(kept, kept, (*history, (step, len(kept))), step)


def _random(count: int, d: int, generator: torch.Generator) -> Tensor:
    return normalize(torch.randn(count, d, generator=generator), dim=1)


def _more(kept: Tensor, count: int, generator: torch.Generator) -> Tensor:
    candidates = _random(64 * count, kept.shape[1], generator)
    crowded = (candidates @ kept.T).abs().amax(dim=1)
    return torch.cat([kept, candidates[crowded.argsort()[:count]]])


def _repel(trial: Tensor, velocity: Tensor, epsilon: float) -> tuple[Tensor, Tensor, bool]:
    # Aiming a little below ε brings the last pairs inside in finite time.
    cosines = (trial @ trial.T).fill_diagonal_(0)
    if cosines.abs().max() <= epsilon + ROUNDING:
        return trial, velocity, True
    excess = cosines.sign() * (cosines.abs() - (epsilon - 1e-3)).clamp(min=0)
    velocity = 0.5 * velocity + excess @ trial
    return normalize(trial - 0.3 * velocity, dim=1), velocity, False
