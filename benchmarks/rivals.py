"""Two widely used recipes for the same model, written from their descriptions, to be measured beside `train`."""

from collections.abc import Callable, Iterator
from time import perf_counter, process_time
from typing import NamedTuple

import torch
from torch import Tensor


class Recipe(NamedTuple):
    name: str
    optimizer: type[torch.optim.Optimizer]
    steps: int
    batch_size: int = 1024
    lr: float = 1e-3


PAPER = Recipe("the paper's notebook", torch.optim.AdamW, 10_000)
ARENA = Recipe("ARENA", torch.optim.Adam, 5_000)


class Trained(NamedTuple):
    """W (instances, m, n) and b (instances, n) at the end, and what the loop took, without `watch`."""

    W: Tensor
    b: Tensor
    seconds: float
    cpu_seconds: float


def run(
    recipe: Recipe,
    m: int,
    probability: Tensor,
    importance: Tensor,
    seed: int = 0,
    watch: Callable[[Tensor, Tensor, float], None] | None = None,
    watch_every: int = 500,
) -> Trained:
    """Train as `recipe` says.

    Args:
        m: hidden dimensions.
        probability: 1 - S, (instances, 1).
        importance: (n,).
        watch: called with W, b and the seconds so far, every `watch_every` steps; its own time does not count.
    """
    torch.manual_seed(seed)
    torch.set_num_threads(_faster_number_of_threads(recipe, m, probability, importance))
    loop = _steps(recipe, m, probability, importance)
    seconds = cpu_seconds = 0.0
    for step in range(1, recipe.steps + 1):
        before, cpu_before = perf_counter(), process_time()
        W, b = next(loop)
        seconds += perf_counter() - before
        cpu_seconds += process_time() - cpu_before
        if watch and step % watch_every == 0:
            watch(W.detach().mT, b.detach(), seconds)
    return Trained(W.detach().mT, b.detach(), seconds, cpu_seconds)


def _steps(
    recipe: Recipe, m: int, probability: Tensor, importance: Tensor
) -> Iterator[tuple[Tensor, Tensor]]:
    instances, n = len(probability), len(importance)
    # Transposed against ours, and Xavier over all three axes: its spread depends on the number of instances.
    W = torch.nn.Parameter(torch.nn.init.xavier_normal_(torch.empty(instances, n, m)))
    b = torch.nn.Parameter(torch.zeros(instances, n))
    optimizer = recipe.optimizer([W, b], lr=recipe.lr)
    while True:
        optimizer.zero_grad(set_to_none=True)
        value = torch.rand(recipe.batch_size, instances, n)
        on = torch.rand(recipe.batch_size, instances, n) <= probability
        x = torch.where(on, value, torch.zeros(()))
        h = torch.einsum("bif,ifh->bih", x, W)
        x_hat = torch.relu(torch.einsum("bih,ifh->bif", h, W) + b)
        loss = (importance * (x - x_hat) ** 2).mean((0, 2)).sum()
        loss.backward()
        optimizer.step()
        yield W, b


def _faster_number_of_threads(recipe: Recipe, m: int, probability: Tensor, importance: Tensor) -> int:
    seconds = {}
    for threads in {1, default_threads}:
        torch.set_num_threads(threads)
        loop = _steps(recipe, m, probability, importance)
        next(loop)
        before = perf_counter()
        for _ in range(30):
            next(loop)
        seconds[threads] = perf_counter() - before
    return min(seconds, key=seconds.get)


default_threads = torch.get_num_threads()
