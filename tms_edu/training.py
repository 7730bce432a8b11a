"""The loss and the training loop: one loop, run to its end or in chunks."""

import math
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from numbers import Real
from typing import NamedTuple, Protocol, runtime_checkable

import torch
from jaxtyping import Float
from torch import Generator, Tensor, nn

from tms_edu._validate import (
    broadcasts_to,
    require,
    require_count,
    require_float,
    require_importance,
    require_instances,
)

STEPS, BATCH_SIZE, LR = 800, 128, 6e-2
# That many features at once move an output by that many times the learning rate a step: with more of them it must be lower, or
# what is always on never settles. And the more there are, the more rows it takes to see which of them gain by a direction.
MANY_FEATURES = 100
# While the learning rate rises, squared weights cost something. What is worth little shrinks, and the important features take
# their directions before the others crowd them, which ends in better minima where features are many. The price is a share of
# the first loss: a factor in front of the whole loss changes nothing, and a model that is already trained hardly notices. It
# is paid by inputs that hold something: where these are rare there is room for all features, and none must shrink.
WARM_UP, EARLY_DECAY = 0.1, 0.015  # a share of the steps; of the first loss, for a squared weight of 1


@runtime_checkable
class Features(Protocol):
    """Name what `train` needs of a distribution: how many features, and rows of them.

    One that also has `empty_probability`, the chance (*instances) that a row is all zero, and `sample_active`, which draws
    as `sample` does but never such a row, is not asked for empty rows.
    """

    n_features: int

    def sample(self, batch_size: int, *, instances: tuple[int, ...], generator: Generator) -> Tensor:
        """Draw x of shape (*instances, batch_size, n_features), on the generator's device."""


class Snapshot(NamedTuple):
    """Hold the parameters as they were after `step` updates."""

    step: int
    W: Tensor
    b_final: Tensor


@dataclass(repr=False)
class TrainingRun:
    """Record a training run while it grows.

    Attributes:
        model: the model, trained in place.
        total_steps: the number of updates planned.
        snapshots: the parameters at evenly spaced steps, first and last included, if asked for.
        interrupted: True if the run was stopped by the kernel's interrupt.
    """

    model: nn.Module
    total_steps: int
    snapshots: list[Snapshot] = field(default_factory=list)
    interrupted: bool = False
    # One block for all steps: as many small tensors they would break up the memory between them.
    _log: Tensor = field(default_factory=lambda: torch.empty(0))
    _logged: int = 0

    def __repr__(self) -> str:
        last = f", last loss {self.loss[-1].mean():.3g}" if self._logged else ""
        return f"TrainingRun({self._logged} of {self.total_steps} steps{last})"

    @property
    def steps(self) -> list[int]:
        """List how many updates had been made when each loss was logged: 0, 1, 2, …"""
        return list(range(self._logged))

    @property
    def loss(self) -> Float[Tensor, "logged *instances"]:
        """Return the loss of each step's own batch, before its update, shape (logged, *instances)."""
        return self._log[: self._logged].clone()

    @property
    def done(self) -> bool:
        """Say whether all planned updates have been made."""
        return self._logged == self.total_steps


def reconstruction_loss(
    x: Float[Tensor, "*instances batch n_features"],
    x_hat: Float[Tensor, "*instances batch n_features"],
    importance: float | Tensor = 1.0,
) -> Float[Tensor, "*instances"]:
    """Weigh the squared errors by importance, add over features, average over the batch.

    L = mean over rows of Σ_i I_i (x_i - x'_i)²   (paper, "Demonstrating superposition", summed over features)

    Args:
        x: inputs (*instances, batch, n_features).
        x_hat: reconstructions of the same shape.
        importance: I_i, not negative, broadcasts to (*instances, n_features).

    Returns:
        One loss per instance, shape (*instances).

    Raises:
        ValueError: if the shapes differ or hold no batch axis, for integer, NaN or infinite entries, or an unfit importance.

    >>> reconstruction_loss(torch.tensor([[1.0, 0.5]]), torch.tensor([[0.0, 0.5]]), importance=3.0)
    tensor(3.)
    """
    require_float("x", x, "(*instances, batch, n_features)", 2)
    require_float("x_hat", x_hat, "(*instances, batch, n_features)", 2)
    require(
        x.shape == x_hat.shape,
        f"x and x_hat must have one shape; got {tuple(x.shape)} and {tuple(x_hat.shape)}.",
    )
    weight, dtype = require_importance(importance, x[..., 0, :].shape, x.device), (x - x_hat).dtype
    return _loss(x, x_hat, weight, torch.full(x.shape[:-1], 1 / x.shape[-2], dtype=dtype, device=x.device))


def _loss(x: Tensor, x_hat: Tensor, importance: Tensor, row_weight: Tensor) -> Tensor:
    mean_square_error = (row_weight.unsqueeze(-2) @ (x - x_hat).square()).squeeze(-2)
    return (importance * mean_square_error).sum(-1)


@torch.inference_mode(False)  # with gradients, whatever the cell that trains has switched off
def train(
    model: nn.Module,
    features: Features,
    *,
    importance: float | Tensor = 1.0,
    steps: int = STEPS,
    batch_size: int | None = None,
    lr: float | None = None,
    seed: int = 0,
    progress: bool = True,
    snapshots: int = 0,
) -> TrainingRun:
    """Train a model in place and return the record of the run.

    Adam with a learning rate that rises to `lr` and falls to 0 along a cosine, and a little weight decay while it rises. The
    defaults bring a five-feature, two-dimensional model close to its optimum in a fraction of a second; nothing needs
    tuning. The kernel's interrupt ends the run early and leaves the model as it is then, with the record so far.

    Args:
        model: a ToyModel, or any module with parameters that maps x to a reconstruction of the same shape. Several models
            side by side declare it by an attribute `instances`, the tuple of leading axes of their parameters; x then comes
            as (*instances, batch, n_features), each instance has a loss of its own, and none depends on how many there are.
            Without that attribute it is one model, whatever its parameters look like. They are in float32 or float64 and on
            one device, where x is drawn too; those with requires_grad=False stay as they are.
        features: what to sample x from, for example SparseFeatures; `Features` says what it must offer.
        importance: I_i of the loss, broadcasts to (*instances, n_features).
        steps: number of updates.
        batch_size: rows of x per instance and update. None: 128 for up to 100 features, 12.8 √n for n of them beyond.
        lr: highest learning rate. None: 0.06 for up to 100 features, 6 / n for n of them beyond.
        seed: seed of the data. The same seed, model and machine give the same run.
        progress: show a progress bar once a run has taken a second.
        snapshots: how many snapshots of W and b_final to keep, 0 or at least 2.

    Raises:
        ValueError: if an argument is out of range, if model and features do not fit, or if training diverges.
    """
    from tqdm.auto import tqdm

    chunks = train_in_chunks(
        model,
        features,
        importance=importance,
        steps=steps,
        batch_size=batch_size,
        lr=lr,
        seed=seed,
        snapshots=snapshots,
    )
    run = next(chunks)
    with tqdm(total=steps, delay=1, leave=False, disable=not progress, desc="training") as bar:
        try:
            for run in chunks:
                bar.update(len(run.steps) - bar.n)
        except KeyboardInterrupt:
            run.interrupted = True
            bar.write(f"Interrupted after {len(run.steps)} of {steps} steps. The model is usable as it is.")
    return run


def train_in_chunks(
    model: nn.Module,
    features: Features,
    *,
    importance: float | Tensor = 1.0,
    steps: int = STEPS,
    batch_size: int | None = None,
    lr: float | None = None,
    seed: int = 0,
    snapshots: int = 0,
    chunk: int = 20,
) -> Iterator[TrainingRun]:
    """Train as `train` does, and hand over the same growing record before the first step and after every `chunk` steps.

    Whoever iterates may draw between chunks, and stops the run by leaving the loop. The result does not depend on `chunk`.

    Raises:
        ValueError: as `train`.
    """
    parameters, instances = _require_model(model)
    lr, rows = _settings(features, lr, batch_size)
    steps, chunk, like = require_count("steps", steps), require_count("chunk", chunk), parameters[0]
    weight = require_importance(importance, (*instances, features.n_features), like.device).to(like.dtype)
    keep_at = _snapshot_steps(model, snapshots, steps)
    start = [parameter.detach().clone() for parameter in parameters]

    batches = _batches(features, rows, instances, like, seed=require_count("seed", seed, least=0))
    optimizer = torch.optim.Adam(parameters, betas=(0.85, 0.95), fused=True)
    run = TrainingRun(model, total_steps=steps, _log=like.new_empty(steps, *instances))
    with _one_thread():
        for step in range(steps + 1):
            if step in keep_at:
                run.snapshots.append(Snapshot(step, model.W.detach().clone(), model.b_final.detach().clone()))
            if step % chunk == 0 or step == steps:
                _require_sane(run, zip(parameters, start, strict=True), lr, since=step - chunk)
                yield run
            if step == steps:
                return
            optimizer.param_groups[0].update(lr=lr * _share_of_lr(step, steps))
            with torch.enable_grad():
                x, row_weight = next(batches)
                loss = _loss(x, model(x) if step else _first_output(model, x), weight, row_weight)
                run._log[step], run._logged = loss.detach(), step + 1
                if step < WARM_UP * steps:
                    loss = loss + run._log[0] * _early_price(parameters, row_weight[..., :rows])
                optimizer.zero_grad()
                loss.sum().backward()
                optimizer.step()


def _require_model(model: nn.Module) -> tuple[list[nn.Parameter], tuple[int, ...]]:
    """Return the parameters that training may change, and the instances."""
    require(
        isinstance(model, nn.Module), f"model must be a torch module, made, not its class; got {model!r:.60}."
    )
    parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
    require(
        parameters,
        f"{type(model).__name__} has no parameter that training could change: none at all, or all frozen.",
    )
    for name, values in model.named_parameters():
        lost = values.numel() - int(values.isfinite().sum())
        require(
            not lost and values.dtype in (torch.float32, torch.float64),
            f"{name} holds {values.dtype} numbers, {lost} of them NaN or infinite, before the first step; they must be "
            "finite, and in float32 or float64. Make a new model, or use model.float().",
        )
    return parameters, require_instances(getattr(model, "instances", ()))


def _settings(features: Features, lr: float | None, rows: int | None) -> tuple[float, int]:
    """Choose from the number of features what is left open."""
    require(
        not isinstance(features, type) and isinstance(features, Features),
        f"features must offer n_features and sample, as SparseFeatures(5, 0.1) does; got {features!r:.60}.",
    )
    crowd = max(1.0, require_count("features.n_features", features.n_features) / MANY_FEATURES)
    lr = LR / crowd if lr is None else lr
    require(
        not isinstance(lr, bool) and isinstance(lr, Real) and 0 < lr < math.inf,
        f"lr must be a positive number; got {lr!r}.",
    )
    return float(lr), round(BATCH_SIZE * crowd**0.5) if rows is None else require_count("batch_size", rows)


def _first_output(model: nn.Module, x: Tensor) -> Tensor:
    try:
        x_hat = model(x)
    except RuntimeError as error:
        raise ValueError(f"The model does not take x of shape {tuple(x.shape)}: {error}") from error
    _require_shape("A reconstruction has the shape of x: model(x)", x_hat, x.shape)
    require(
        x_hat.requires_grad,
        "model(x) does not depend on any parameter that training could change. Is there a detach(), a .data or a "
        "no_grad() in its forward?",
    )
    return x_hat


def _require_shape(what: str, x: Tensor, expected: tuple[int, ...]) -> None:
    if not isinstance(x, Tensor) or x.shape != expected:
        got = f"shape {tuple(x.shape)}" if isinstance(x, Tensor) else f"a {type(x).__name__}"
        raise ValueError(
            f"{what} gives {got}, expected shape {tuple(expected)}. Several models side by side must say so by an attribute "
            "`instances`, the tuple of their leading axes; x then has them too."
        )


def _early_price(parameters: list[nn.Parameter], row_weight: Tensor) -> Tensor:
    """Add up the squares of each instance's parameters, of a shared one for each, and weigh them by the rows that hold something."""
    total, instances = torch.zeros_like(row_weight[..., 0]), row_weight.shape[:-1]
    for parameter in parameters:
        own = parameter.shape[: len(instances)] == instances
        total = total + parameter.square().reshape(*(instances if own else ()), -1).sum(-1)
    return EARLY_DECAY * row_weight.sum(-1) * total


def _share_of_lr(step: int, steps: int) -> float:
    # Up over the first tenth, then down to 0 along a cosine. Without the gentle start, biases are pushed so far down that now
    # and then an output is off for every input, and stays so; without the end, the last steps still jump about the minimum.
    return min(1.0, (step + 1) / (WARM_UP * steps)) * 0.5 * (1 + math.cos(math.pi * step / steps))


def _batches(features: Features, rows: int, instances: tuple, like: Tensor, seed: int):
    """Yield x (*instances, rows, n) and the weight of its rows (*instances, rows), which adds up to 1; both as `like` is kept."""
    # Where features are rare, nearly every row is all zero, and says what all the others say. Features that know how often
    # that happens are drawn non-empty instead, and one zero row stands for all the empty ones, at its exact weight:
    #   E[loss] = (1 - P(empty)) E[loss | not empty] + P(empty) loss(0).
    empty = torch.as_tensor(getattr(features, "empty_probability", 1.0), dtype=like.dtype, device=like.device)
    require(
        broadcasts_to(empty.shape, instances),
        f"features have the leading axes {tuple(empty.shape)}, and the model has instances {instances}. "
        "Give the model instances to match, one for each.",
    )
    stratified, row_weight = bool((empty < 1).all()), like.new_full((*instances, rows), 1 / rows)
    if stratified:
        row_weight = torch.cat(
            [(1 - empty).unsqueeze(-1) * row_weight, empty.expand(instances).unsqueeze(-1)], dim=-1
        )
    sample = features.sample_active if stratified else features.sample
    generator = Generator(like.device).manual_seed(seed % 2**63)
    # Drawing the rows of several steps at once saves calls; the block stays small enough for the cache.
    at_once = max(1, min(32, 2**18 // (row_weight.numel() * features.n_features)))
    while True:
        x = sample(rows * at_once, instances=instances, generator=generator)
        _require_shape("features.sample", x, (*instances, rows * at_once, features.n_features))
        blocks = nn.functional.pad(x.to(like).unflatten(-2, (at_once, rows)), (0, 0, 0, int(stratified)))
        for block in blocks.unbind(-3):
            yield block, row_weight


@contextmanager
def _one_thread():
    # Models of this size gain little from a second thread, and wait for it many times over where another process holds a core.
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def _require_sane(run: TrainingRun, starts: Iterable, lr: float, since: int) -> None:
    # Not finite, or once far above the loss it set out with: nothing that the falling learning rate repairs.
    first, recent = run._log[0], run._log[max(since, 0) : run._logged]
    if (recent <= 1000 * first + 1000).all():
        return
    with torch.no_grad():
        for parameter, start in starts:
            parameter.copy_(start)
    cause = (
        f"The learning rate lr={lr:g} is too high here; without `lr`, one is chosen."
        if first.isfinite().all()
        else "It was so before the first update: look at what features.sample draws, and at what the model makes of it."
    )
    raise ValueError(
        f"Training diverged: within {run._logged} steps the loss was {recent.max().item():.3g}. {cause} The model has been "
        "put back as it was before the run."
    )


def _snapshot_steps(model: nn.Module, snapshots: int, steps: int) -> set[int]:
    require(
        require_count("snapshots", snapshots, least=0) != 1,
        "snapshots must be 0 (none) or at least 2 (the first and the last); got 1.",
    )
    require(
        not snapshots or hasattr(model, "W") and hasattr(model, "b_final"),
        "snapshots keep W and b_final, and this model has no such attributes. Use snapshots=0.",
    )
    return {round(k * steps / (snapshots - 1)) for k in range(snapshots)}
