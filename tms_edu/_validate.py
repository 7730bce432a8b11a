"""Error messages for the public boundary: what, got, expected, likely confusion."""

import reprlib
from numbers import Integral

import torch
from torch import Tensor


def require(holds, said: str) -> None:
    """Raise ValueError with a sentence unless something holds."""
    if not holds:
        raise ValueError(said)


def require_count(name: str, value, least: int = 1) -> int:
    """Return `value` if it is a whole number of at least `least`, Python's or NumPy's, else raise ValueError."""
    if isinstance(value, bool) or not isinstance(value, Integral) or value < least:
        raise ValueError(f"{name} must be a whole number, {least} or more; got {value!r}.")
    return int(value)


def require_instances(value) -> tuple[int, ...]:
    """Return `value` if it is a tuple of sizes, each at least 1, else raise ValueError."""
    if not isinstance(value, (tuple, list)):
        raise ValueError(f"instances must be a tuple of sizes, such as (3,) for three models; got {value!r}.")
    return tuple(require_count("each of instances", size) for size in value)


def require_numbers(name: str, value, device=None) -> Tensor:
    """Return a number, lists of numbers or a tensor as a float tensor off the graph, else raise ValueError."""
    try:
        return torch.as_tensor(value, dtype=torch.float32, device=device).detach()
    except (TypeError, ValueError, RuntimeError, OverflowError):
        raise ValueError(
            f"{name} must be a number, or a list or tensor of numbers; got {reprlib.repr(value)}."
        ) from None


def require_probability(name: str, value: float | Tensor) -> Tensor:
    """Return `value` as a float tensor if all of it lies in [0, 1], else raise ValueError."""
    p = require_numbers(name, value)
    bad = p[~((p >= 0) & (p <= 1))]
    if bad.numel():
        raise ValueError(
            f"{name} must lie in [0, 1], got {bad[0].item():g}. Did you pass the sparsity S? Use 1 - S, as a fraction."
        )
    return p


def require_float(name: str, value: Tensor, axes: str, n_axes: int) -> Tensor:
    """Return `value` if it is a finite floating-point tensor with at least `n_axes` axes, none empty, else raise ValueError."""
    if not isinstance(value, Tensor):
        raise ValueError(
            f"{name} must be a torch tensor {axes}; got {type(value).__name__}. Use torch.as_tensor(…, dtype=torch.float32)."
        )
    if not value.is_floating_point():
        raise ValueError(f"{name} must hold floating-point numbers; got {value.dtype}. Use {name}.float().")
    if value.ndim < n_axes:
        raise ValueError(f"{name} must have shape {axes}; got {tuple(value.shape)}.")
    if not value.numel():
        raise ValueError(f"{name} must have shape {axes} with no axis empty; got {tuple(value.shape)}.")
    if not value.isfinite().all():
        raise ValueError(
            f"{name} must be finite; got NaN or infinity in {int((~value.isfinite()).sum())} of its entries."
        )
    return value


def require_importance(importance: float | Tensor, shape: tuple[int, ...], device=None) -> Tensor:
    """Return `importance` as a tensor if it is finite, not negative and broadcasts to `shape` without enlarging it."""
    weight = require_numbers("importance", importance, device)
    if not (weight.isfinite() & (weight >= 0)).all():
        raise ValueError(
            f"importance must be finite and not negative; got {weight.min().item():g} among its entries."
        )
    if not broadcasts_to(weight.shape, shape):
        raise ValueError(
            f"importance of shape {tuple(weight.shape)} does not broadcast to (*instances, n_features) = {tuple(shape)}. "
            "One weight per feature has shape (n_features,); one per instance needs a last axis of size 1."
        )
    return weight


def broadcasts_to(shape: tuple[int, ...], target: tuple[int, ...]) -> bool:
    """Say whether a tensor of `shape` expands to exactly `target`."""
    from_the_last = zip(reversed(shape), reversed(target), strict=False)
    return len(shape) <= len(target) and all(size in (1, wanted) for size, wanted in from_the_last)
