"""How often does training find the best arrangement of five features, and do its defaults hold for hundreds?

Prints two tables. About a quarter of an hour on two cores; --quick: one sparsity and one size.
"""

import itertools
import sys
from time import perf_counter

import torch
from torch import Tensor

import rivals
from tms_edu import SparseFeatures, ToyModel, feature_norms, reconstruction_loss, train
from tms_edu.geometry import gaps
from tms_edu.theory import expected_loss, optimum
from tms_edu.training import STEPS

N, M, MODELS = 5, 2, 48
PROBABILITIES = (0.15, 0.1, 0.05, 0.02, 0.01)
SEEDS = (0, 1, 2)
ROW = "{:>5} | {:<22} | {:>14} | {:>10} | {:>10} | {:>10} | {:>14} | {:>7}"
HEADER = ("1-S", "recipe", "pentagons", "median", "best", "optimum", "median/optimum", "seconds")

# n, m of the second table, each at four sparsities, two models side by side.
MANY = ((100, 10), (200, 20), (400, 30))
OFTEN, PAIR, CLOSE = (1.0, 0.5, 0.25, 0.1), 2, 1.01
MANY_ROW = "{:>4} -> {:<3} | {:>4} | {:>9} | {:>9} | {:>10} | {:>7} | {:>7}"
MANY_HEADER = ("n", "m", "1-S", "dedicated", "defaults", "4x as long", "ratio", "seconds")


def is_pentagon(W: Tensor) -> Tensor:
    """Say of each W (*instances, 2, 5) whether all five features stand, 72 ± 5 degrees apart."""
    return ((gaps(W) - 72).abs() <= 5).all(-1) & (feature_norms(W) > 0.5).all(-1)


def print_row(
    p: float, recipe: str, runs: list[tuple[Tensor, Tensor]], seconds: float, best_known: float
) -> None:
    features = SparseFeatures(N, p)
    losses = torch.cat([expected_loss(W, b, features) for W, b in runs])
    pentagons = " ".join(str(is_pentagon(W).sum().item()) for W, _ in runs)
    median, best = losses.median().item(), losses.min().item()
    losses_shown = [f"{loss:.5f}" for loss in (median, best, best_known)]
    print(
        ROW.format(p, recipe, pentagons, *losses_shown, f"{median / best_known:.3f}", f"{seconds:.1f}"),
        flush=True,
    )


def ours(p: float) -> tuple[list[tuple[Tensor, Tensor]], float]:
    runs, before = [], perf_counter()
    for seed in SEEDS:
        model = ToyModel(N, M, instances=(MODELS,), generator=torch.Generator().manual_seed(seed))
        train(model, SparseFeatures(N, p), seed=seed, progress=False)
        runs.append((model.W.detach(), model.b_final.detach()))
    return runs, (perf_counter() - before) / len(SEEDS)


def dedicated(n: int, m: int, p: float) -> float:
    """Return the loss of keeping m features, and answering with the mean of each of the others.

    >>> round(dedicated(12, 0, 1.0), 6)   # the variance of a uniform is 1/12
    1.0
    """
    return (n - m) * (p / 3 - p**2 / 4)


def many(n: int, m: int, p: float, **settings) -> tuple[float, float]:
    """Train two models with many features: their mean loss on a large sample that is the same for all, and the seconds."""
    features, losses = SparseFeatures(n, p), []
    model = ToyModel(n, m, instances=(PAIR,), generator=torch.Generator().manual_seed(0))
    before = perf_counter()
    train(model, features, progress=False, **settings)
    seconds, generator = perf_counter() - before, torch.Generator().manual_seed(2022)
    for _ in range(20):
        x = features.sample(1_000, generator=generator).expand(PAIR, -1, -1)
        with torch.no_grad():
            losses.append(reconstruction_loss(x, model(x)).mean().item())
    return sum(losses) / len(losses), seconds


def many_features(sizes: tuple) -> None:
    print(
        "\nMany features, importance 1: losses of `train` with its defaults, of m dedicated features (exact), and"
    )
    print(
        f"of `train` with 4 times the steps; ratio to the better of these, * above {CLOSE}. Means of two models.\n"
    )
    print(MANY_ROW.format(*MANY_HEADER))
    for (n, m), p in itertools.product(sizes, OFTEN):
        ours, seconds = many(n, m, p)
        longer, kept = many(n, m, p, steps=4 * STEPS)[0], dedicated(n, m, p)
        ratio = ours / min(longer, kept)
        shown = f"{ratio:.3f}" + ("" if ratio <= CLOSE else " *")
        losses = [f"{loss:.3f}" for loss in (kept, ours, longer)]
        print(MANY_ROW.format(n, m, p, *losses, shown, f"{seconds:.1f}"), flush=True)


def main(quick: bool) -> None:
    print(
        f"Regular pentagons among {MODELS} models side by side. n = {N}, m = {M}, importance 1, exact losses."
    )
    print(f"`train` with its defaults, seeds {', '.join(map(str, SEEDS))}; seconds are those of one run.\n")
    print(ROW.format(*HEADER))
    for p in PROBABILITIES[1:2] if quick else PROBABILITIES:
        best_known = optimum(SparseFeatures(N, p), M)[2].item()
        print_row(p, "train, defaults", *ours(p), best_known)
        for recipe in (rivals.PAPER, rivals.ARENA):
            W, b, seconds, _ = rivals.run(recipe, M, torch.full((MODELS, 1), p), torch.ones(N))
            print_row(p, recipe.name, [(W, b)], seconds, best_known)
    many_features(MANY[:1] if quick else MANY)


if __name__ == "__main__":
    main("--quick" in sys.argv[1:])
