"""Outcome checks: what a reader's own trained model must show, up to rotation, reflection and the order of its features."""

import torch
from torch import Tensor

from tms_edu import SparseFeatures, feature_norms, gram, read_gram, theory
from tms_edu.checks.exercises import Nearly, kind

# With a column this short (squared length) nothing of the feature gets through, and the bias is the mean alone.
ANSWERS_ITS_MEAN_BELOW = 0.01


def weights(model, d_hidden: int, n_features: int) -> tuple[Tensor, Tensor]:
    """Return W and b of a toy model of the asked-for size, or raise `Nearly` saying what was handed over."""
    W, b = getattr(model, "W", None), getattr(model, "b_final", None)
    if not isinstance(W, Tensor) or not isinstance(b, Tensor):
        what = (
            "the record of a run; its `.model` is what I need" if hasattr(model, "snapshots") else kind(model)
        )
        raise Nearly(f"I expected a ToyModel and got {what}.")
    if W.ndim > 2:
        raise Nearly(
            f"This is {W.shape[0]} models side by side, W of shape {tuple(W.shape)}. I certify one at a time."
        )
    if W.shape != (d_hidden, n_features):
        rows = "1 row (hidden dimension)" if d_hidden == 1 else f"{d_hidden} rows (hidden dimensions)"
        raise Nearly(f"W has shape {tuple(W.shape)}; I expected {rows} and {n_features} columns (features).")
    if not (W.isfinite().all() and b.isfinite().all()):
        raise Nearly("W or b contains NaN or infinity: this run diverged. What does a lower `lr` do?")
    return W.detach(), b.detach()


def gaps(W: Tensor) -> Tensor:
    """Measure the angles in degrees between neighbouring columns of W (*instances, 2, n), once around the circle.

    >>> gaps(theory.polygon(4)).round().tolist()
    [90.0, 90.0, 90.0, 90.0]
    """
    angles = torch.atan2(W[..., 1, :], W[..., 0, :]).rad2deg().remainder(360).sort(dim=-1).values
    return torch.cat([angles, angles[..., :1] + 360], dim=-1).diff()


def certify_pentagon(model, feature_probability: float) -> dict[str, float]:
    """Return the numbers of a trained regular pentagon, or raise `Nearly` with what is missing.

    Gaps 72 ± 5°, norms within 2.5 % and biases within .025 of the exact optimum's, exact loss within 3 % of it.
    """
    W, b = weights(model, 2, 5)
    features = SparseFeatures(5, feature_probability)
    best_W, best_b, best = theory.optimum(features, 2)
    loss = theory.expected_loss(W, b, features).item()
    if (b == 0).all():
        raise Nearly("Every bias is exactly 0, as it is before the first step. Has this model been trained?")
    reading = read_gram(gram(W), b)
    found = gaps(W)
    # A model of another sparsity is a pentagon too, with other lengths and biases: those tell it from an unlucky run.
    if "dropped" in reading.status or (found - 72).abs().max() > 5:
        raise Nearly(_no_pentagon(reading, W, b, loss / best.item()))
    norms, target = feature_norms(W), feature_norms(best_W).mean()
    off_norm, off_bias = (norms / target - 1).abs().max(), (b - best_b).abs().max()
    if off_norm > 0.025 or off_bias > 0.025 or loss > 1.03 * best:
        raise Nearly(
            f"The five columns stand at even gaps, but this is not yet the pentagon for 1 − S = {feature_probability:g}: "
            f"norms around {norms.mean():.2f}, biases around {b.mean():.2f}, loss {loss / best.item() - 1:.0%} above the best known. "
            "Was it trained on this sparsity, and to the end?"
        )
    return {
        "gap": (found - 72).abs().max().item(),
        "norm": norms.mean().item(),
        "bias": b.mean().item(),
        "excess": loss / best.item() - 1,
    }


def _no_pentagon(reading, W: Tensor, b: Tensor, ratio: float) -> str:
    shown = f"This model is {_with_article(reading.shape)}, with gaps of {', '.join(f'{gap:.0f}°' for gap in gaps(W))}"
    dropped, squared = reading.indices("dropped"), feature_norms(W) ** 2
    constant = max((b[i].item() for i in dropped if squared[i] < ANSWERS_ITS_MEAN_BELOW), default=0.0)
    if constant > 0.05:
        return (
            f"{shown}. It answers {constant:.2f} for a feature it dropped, the mean of one that is on {2 * constant:.0%} of the time. "
            "Which `feature_probability` did it see?"
        )
    if any(b[i] > 0.05 for i in dropped):
        return (
            f"{shown}. The bias of a feature that is not kept lies well above 0: the features were on far more often than asked for. "
            "Which `feature_probability` did it see?"
        )
    if ratio > 3:
        return (
            f"{shown}, and its loss is {ratio:.0f} times the best known. How many steps has it been trained?"
        )
    return (
        f"{shown}; its loss is {ratio:.2f} times the best known. Too few steps, another sparsity, or a seed that ended in a local "
        "minimum: which is it, and how would you know?"
    )


def _with_article(shape: str) -> str:
    return f"a {shape}" if shape.split()[0] in ("pentagon", "group") else shape
