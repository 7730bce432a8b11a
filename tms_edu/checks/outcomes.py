"""The weights of a reader's own trained model."""

from torch import Tensor

from tms_edu.checks.exercises import Nearly, kind, require

# With a column this short (squared length) nothing of the feature gets through, and the bias is the mean alone.
ANSWERS_ITS_MEAN_BELOW = 0.01


def weights(model, d_hidden: int, n_features: int) -> tuple[Tensor, Tensor]:
    """Return W and b of a trained toy model of the asked-for size, or raise `Nearly` saying what was handed over."""
    W, b = getattr(model, "W", None), getattr(model, "b_final", None)
    if not isinstance(W, Tensor) or not isinstance(b, Tensor):
        record = hasattr(model, "snapshots")
        what = "the record of a run; its `.model` is what I need" if record else kind(model)
        raise Nearly(f"I expected a ToyModel and got {what}.")
    require(
        W.ndim <= 2,
        f"This is {len(W)} models side by side, W of shape {tuple(W.shape)}. I certify one at a time.",
    )
    rows = "1 row (hidden dimension)" if d_hidden == 1 else f"{d_hidden} rows (hidden dimensions)"
    require(
        W.shape == (d_hidden, n_features),
        f"W has shape {tuple(W.shape)}; I expected {rows} and {n_features} columns (features).",
    )
    require(
        W.isfinite().all() and b.isfinite().all(),
        "W or b contains NaN or infinity: this run diverged. What does a lower `lr` do?",
    )
    require(
        (b != 0).any(),
        "Every bias is exactly 0, as it is before the first step. Has this model been trained?",
    )
    return W.detach(), b.detach()
