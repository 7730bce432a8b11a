"""How long does it take to read a Gram matrix with hundreds of superposed features, trained or random?

Prints a table of medians, in milliseconds of one core. Half a minute.
"""

from statistics import median
from time import process_time

import torch
from torch.nn.functional import normalize

from tms_edu import SparseFeatures, ToyModel, gram, read_gram, train

ROW = "{:<10} | {:<7} | {:>10} | {:>6} | {:>6}"
REPEATS = 31


def matrices(n: int, m: int) -> dict[str, torch.Tensor]:
    model = ToyModel(n, m, generator=torch.Generator().manual_seed(0))
    train(model, SparseFeatures(n, 0.02), steps=400, lr=0.02, progress=False)
    drawn = torch.randn(m, n, generator=torch.Generator().manual_seed(1))
    return {"trained": gram(model.W.detach()), "random": gram(normalize(drawn, dim=0))}


def seconds_to_read(G: torch.Tensor) -> float:
    before = process_time()
    read_gram(G)
    return process_time() - before


def main() -> None:
    torch.set_num_threads(1)
    print(ROW.format("size", "W", "superposed", "groups", "ms"))
    for n, m in ((200, 20), (400, 30)):
        for name, G in matrices(n, m).items():
            reading = read_gram(G)
            counts = len(reading.indices("superposed")), len(reading.groups)
            milliseconds = 1000 * median(seconds_to_read(G) for _ in range(REPEATS))
            print(ROW.format(f"{n} -> {m}", name, *counts, f"{milliseconds:.1f}"), flush=True)


if __name__ == "__main__":
    main()
