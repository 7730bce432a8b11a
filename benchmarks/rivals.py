"""Two widely used recipes for the same model, written from their descriptions, to be measured beside `train`."""

import time
from typing import NamedTuple

import torch
from torch import Tensor


class Recipe(NamedTuple):
    name: str
    optimizer: type[torch.optim.Optimizer]
    steps: int
    batch_size: int = 1024
    lr: float = 1e-3


PAPER = Recipe("paper's notebook", torch.optim.AdamW, steps=10_000)
ARENA = Recipe("ARENA", torch.optim.Adam, steps=5_000)


def train_rival(recipe: Recipe, p: Tensor, importance: Tensor, d_hidden: int, steps: int | None = None):
    """Train one model per row of p, (instances, n_features); return W (instances, m, n), b and the seconds.

    Constant learning rate, `xavier_normal_` on the three-dimensional tensor, einsum forward, two uniform draws a
    batch, loss summed over instances.
    """
    instances, n_features = p.shape
    torch.manual_seed(0)
    W = torch.nn.Parameter(torch.nn.init.xavier_normal_(torch.empty(instances, n_features, d_hidden)))
    b = torch.nn.Parameter(torch.zeros(instances, n_features))
    optimizer = recipe.optimizer([W, b], lr=recipe.lr)
    start = time.perf_counter()
    for _ in range(steps or recipe.steps):
        shape = (recipe.batch_size, instances, n_features)
        x = torch.where(torch.rand(shape) <= p, torch.rand(shape), torch.zeros(()))
        h = torch.einsum("bif,ifh->bih", x, W)
        x_hat = torch.relu(torch.einsum("bih,ifh->bif", h, W) + b)
        loss = (importance * (x - x_hat) ** 2).sum(-1).mean(0).sum()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    seconds = time.perf_counter() - start
    return W.detach().mT, b.detach(), seconds


def use_the_faster_number_of_threads(recipe: Recipe, p: Tensor, importance: Tensor, d_hidden: int) -> int:
    """Give a rival as many threads as serve it best on this machine at this moment."""
    seconds = {}
    for threads in (torch.get_num_threads(), 1):
        torch.set_num_threads(threads)
        train_rival(recipe, p, importance, d_hidden, steps=3)
        seconds[threads] = train_rival(recipe, p, importance, d_hidden, steps=15)[2]
    best = min(seconds, key=seconds.get)
    torch.set_num_threads(best)
    return best
