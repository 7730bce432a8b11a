"""How often does training find the best arrangement, and how close does its loss come? Five features, two dimensions.

Prints a table. About ten minutes on two cores; --quick: one sparsity instead of five.
"""

import sys
from time import perf_counter

import torch
from torch import Tensor

import rivals
from tms_edu import SparseFeatures, ToyModel, feature_norms, train
from tms_edu.checks.outcomes import gaps
from tms_edu.theory import expected_loss, optimum

N, M, MODELS = 5, 2, 48
PROBABILITIES = (0.15, 0.1, 0.05, 0.02, 0.01)
SEEDS = (0, 1, 2)
ROW = "{:>5} | {:<22} | {:>14} | {:>10} | {:>10} | {:>10} | {:>14} | {:>7}"
HEADER = ("1-S", "recipe", "pentagons", "median", "best", "optimum", "median/optimum", "seconds")


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


if __name__ == "__main__":
    main("--quick" in sys.argv[1:])
