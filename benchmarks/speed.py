"""How long until training is as good as the paper's notebook, and what does one model cost? Time, memory, import.

Prints four tables. Ten to twenty minutes on two cores, nearly all of it for the others' recipes; --quick: only the smallest size.
"""

import statistics
import subprocess
import sys
from collections.abc import Sequence
from time import perf_counter, process_time

import torch
from torch import Generator, Tensor

import rivals
from tms_edu import SparseFeatures, ToyModel, reconstruction_loss, train

SEEDS = range(8)
OTHER_STEPS = (200, 400, 1600)
CLOSE = 1.005
# n, m, 1 - S of each instance, importance of each feature.
SIZES = {
    "5 -> 2, 10 sparsities": (5, 2, 20.0 ** -torch.linspace(0, 1, 10), 0.9 ** torch.arange(5.0)),
    "20 -> 10, 6 sparsities": (20, 10, 20.0 ** -torch.linspace(0, 1, 6), 0.7 ** torch.arange(20.0)),
    "100 -> 20, 20 sparsities": (
        100,
        20,
        20.0 ** -torch.linspace(0, 1, 20),
        100.0 ** -torch.linspace(0, 1, 100),
    ),
}
ROW = "{:<24} | {:<22} | {:>5} | {:>8} | {:>8} | {:>14} | {:>6} | {:>6}"
HEADER = ("size", "recipe", "steps", "seconds", "CPU s", "loss / paper's", "ratio", "strict")


class Judge:
    """Measure the loss, mean over instances, on one large sample that is the same for all."""

    def __init__(self, n: int, probability: Tensor, importance: Tensor, rows: int = 20_000):
        self.importance, self.instances = importance, (len(probability),)
        self.features, self.rows = SparseFeatures(n, probability.unsqueeze(-1)), rows

    @torch.no_grad()
    def __call__(self, W: Tensor, b: Tensor, part: int = 2_000) -> float:
        generator, losses = Generator().manual_seed(2022), []
        for _ in range(self.rows // part):
            x = self.features.sample(part, instances=self.instances, generator=generator)
            x_hat = torch.relu(x @ W.mT @ W + b.unsqueeze(-2))
            losses.append(reconstruction_loss(x, x_hat, self.importance).double().mean())
        return torch.stack(losses).mean().item()


def first_within(history: list[tuple[float, float]], goal: float) -> float:
    return next((seconds for seconds, loss in history if loss <= goal), float("nan"))


def ours(m: int, judge: Judge, seeds: Sequence[int], **settings) -> tuple[int, float, float, list[float]]:
    """Train with the defaults but for `settings`, once a seed: steps, mean seconds, also of CPU, losses."""
    seconds, cpu_seconds, losses, n = [], [], [], judge.features.n_features
    for seed in seeds:
        model = ToyModel(n, m, instances=judge.instances, generator=Generator().manual_seed(seed))
        before, cpu_before = perf_counter(), process_time()
        run = train(model, judge.features, importance=judge.importance, seed=seed, progress=False, **settings)
        seconds.append(perf_counter() - before)
        cpu_seconds.append(process_time() - cpu_before)
        losses.append(judge(model.W, model.b_final))
    return run.total_steps, statistics.mean(seconds), statistics.mean(cpu_seconds), losses


def race(
    recipe: rivals.Recipe, m: int, judge: Judge, seeds: Sequence[int]
) -> tuple[list[tuple[float, float]], float]:
    """Train as a rival does: seconds and loss along the way, the judging not counted; seconds of CPU. Means over seeds."""
    histories, cpu_seconds = [], []
    for seed in seeds:
        history = []
        trained = rivals.run(
            recipe,
            m,
            judge.features.feature_probability[:, :1],
            judge.importance,
            seed,
            watch=lambda W, b, seconds, history=history: history.append((seconds, judge(W, b))),
        )
        histories.append(history)
        cpu_seconds.append(trained.cpu_seconds)
    mean = torch.tensor(histories, dtype=torch.float64).mean(0)
    return [tuple(moment) for moment in mean.tolist()], statistics.mean(cpu_seconds)


def row(name: str, recipe: str, steps, seconds: float, cpu_seconds: float, loss: str, *ratios: float) -> None:
    shown = [f"{ratio:.0f}x" for ratio in ratios] or ["", ""]
    print(ROW.format(name, recipe, steps, f"{seconds:.2f}", f"{cpu_seconds:.2f}", loss, *shown), flush=True)


def time_to_the_same_loss(name: str) -> None:
    n, m, probability, importance = SIZES[name]
    judge, raced = Judge(n, probability, importance), {}
    # The rivals take minutes a seed at the largest size.
    few, many = (SEEDS[:1], SEEDS[:3]) if n == 100 else (SEEDS, SEEDS)
    for recipe in (rivals.PAPER, rivals.ARENA):
        raced[recipe] = history, cpu_seconds = race(recipe, m, judge, few)
        whole, goal = raced[rivals.PAPER][0][-1]
        seconds, loss = history[-1]
        row(name, recipe.name, recipe.steps, seconds, cpu_seconds, f"{loss / goal:.4f}")
    there = first_within(raced[rivals.PAPER][0], CLOSE * goal)
    row(name, "  the former, so far that", "", there, there / whole * raced[rivals.PAPER][1], "< 1.005")
    for settings in ({}, *({"steps": steps} for steps in OTHER_STEPS)):
        steps, seconds, cpu_seconds, losses = ours(m, judge, many, **settings)
        mean = statistics.mean(losses) / goal
        shown = f"{mean:.4f}" + ("" if mean <= CLOSE else " *")
        label = "train" if settings else "train, defaults"
        row(name, label, steps, seconds, cpu_seconds, shown, whole / seconds, there / seconds)


def one_model() -> None:
    print("\nOne model, `train` with its defaults, 1-S = 0.1, median of 7 runs")
    for n, m in ((5, 2), (20, 10), (100, 20)):
        seconds = []
        for seed in range(8):
            model = ToyModel(n, m, generator=Generator().manual_seed(seed))
            before = perf_counter()
            train(model, SparseFeatures(n, 0.1), seed=seed, progress=False)
            seconds.append(perf_counter() - before)
        print(f"{n:>3} -> {m:<3} {statistics.median(seconds[1:]):.2f} s   (fastest {min(seconds):.2f} s)")


def in_a_fresh_process(code: str) -> list[float]:
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    return [float(word) for word in done.stdout.split()]


MEMORY = """
import pathlib, re, resource, torch
from tms_edu import SparseFeatures, ToyModel, train
def peak():
    # On Linux ru_maxrss starts at the size of the process that started this one.
    status = pathlib.Path("/proc/self/status")
    if status.exists():
        return int(re.search(r"VmHWM:\\s+(\\d+)", status.read_text())[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
before = peak()
"""
SWEEP = """
p = 20.0 ** -torch.linspace(0, 1, 20)
train(ToyModel(100, 20, instances=(20,)), SparseFeatures(100, p[:, None]), steps=60, progress=False)
print(before, peak())
"""
LONG = """
for steps in (20, 3_980):
    train(ToyModel(400, 30, instances=(10,)), SparseFeatures(400, 0.1), steps=steps, batch_size=256, progress=False)
    print(peak())
"""
IMPORT = """
from time import perf_counter
start = perf_counter(); import torch
between = perf_counter(); import tms_edu
print(between - start, perf_counter() - between)
"""


def memory_and_import() -> None:
    before, peak = in_a_fresh_process(MEMORY + SWEEP)
    print("\nMemory of the whole process, 100 -> 20, 20 sparsities side by side")
    print(f"after the imports {before:.0f} MB, peak while training {peak:.0f} MB")
    short, long = in_a_fresh_process(MEMORY + LONG)
    print("Memory of the whole process, 400 -> 30, 10 models side by side, batch 256")
    print(f"peak after 20 steps {short:.0f} MB, after 4,000 {long:.0f} MB")
    imports = torch.tensor([in_a_fresh_process(IMPORT) for _ in range(7)])
    of_torch, of_ours = imports.median(0).values.tolist()
    print("\nImports, fresh process, median of 7")
    print(f"torch {of_torch * 1000:.0f} ms, tms_edu after it {of_ours * 1000:.0f} ms")


def main(quick: bool) -> None:
    print("Time to the same loss. Means over eight seeds (100 -> 20: one for the rivals, three for `train`).")
    print(
        "ratio: the paper's whole recipe to ours. strict: the paper's recipe, stopped when its loss first comes"
    )
    print("within 0.5 % of its own last, to ours. *: a mean loss more than 0.5 % above the paper's.\n")
    print(ROW.format(*HEADER))
    for name in list(SIZES)[:1] if quick else SIZES:
        time_to_the_same_loss(name)
    one_model()
    memory_and_import()


if __name__ == "__main__":
    main("--quick" in sys.argv[1:])
