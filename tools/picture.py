"""Draw the README's picture, docs/superposition.png, from three models trained here and now."""

from pathlib import Path

import matplotlib

matplotlib.use("agg")
import matplotlib.pyplot as plt
import torch

from tms_edu import SparseFeatures, ToyModel, gram, plots, read_gram, train

TARGET = Path(__file__).parents[1] / "docs" / "superposition.png"


def main() -> None:
    figure, axes = plt.subplots(2, 3, figsize=(10.5, 7.2), layout="constrained")
    importance = 0.9 ** torch.arange(5)
    for p, (above, below) in zip((1.0, 0.2, 0.05), axes.T, strict=True):
        model = ToyModel(5, 2, generator=torch.Generator().manual_seed(2))
        train(model, SparseFeatures(5, p), importance=importance, progress=False)
        plots.plot_columns(model.W, ax=above)
        plots.plot_gram(gram(model.W), model.b_final, ax=below)
        reading = read_gram(gram(model.W), model.b_final)
        above.set_title(f"sparsity S = {1 - p:g}, 1 − S = {p:g}\n{reading.shape}", fontsize=12)
    figure.savefig(TARGET, dpi=90)


if __name__ == "__main__":
    main()
