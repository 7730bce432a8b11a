"""Notebook 04: its exercises and predictions."""

import torch
from torch import Tensor, nn

from tms_edu import SparseFeatures, reconstruction_loss
from tms_edu.checks import nb03
from tms_edu.checks.exercises import Nearly, NotTried, call, exercise, kind, mistakes, run, same, tensor
from tms_edu.checks.predictions import Choice, Number, register
from tms_edu.checks.result import Result

PENTAGON_LOSS = 0.0263


PLACED_MISTAKES = [
    (
        lambda W: W * torch.tensor([1.0, 1.0, -1.0]),
        "Your third column is what the first two add up to. Then all three together land on twice that, not on (0, 0).",
    ),
    (
        lambda W: W.flip(0),
        "Your two rows have changed places: `W[0]` holds the first coordinates of all three arrows.",
    ),
    (lambda W: W[:, [1, 0, 2]], "Features 0 and 1 have changed places."),
]


@exercise
def check_placed(W) -> str:
    """Check a W (2, 3) with e_0 -> (0, 1), e_1 -> (-1, 0) and (1, 1, 1) -> (0, 0)."""
    shapes = {
        (
            3,
            2,
        ): "Your W has three rows. A row belongs to a hidden dimension, and there are two; features are columns."
    }
    W = tensor(W, shape=(2, 3), shapes=shapes, name="your W")
    expected = torch.tensor([[0.0, -1.0, 1.0], [1.0, 0.0, -1.0]])
    mistakes(W, expected, PLACED_MISTAKES, expected)
    for i, target in ((0, "(0, 1)"), (1, "(−1, 0)")):
        if not same(W[:, i], expected[:, i]):
            raise Nearly(
                f"Feature {i} lands on {_point(W[:, i])}, and I asked for {target}. It lands where column {i} points."
            )
    if not same(W, expected):
        raise Nearly(
            f"Features 0 and 1 are in place. The input (1, 1, 1) lands on {_point(W.sum(1))}, the sum of all columns."
        )
    return (
        "Feature 2 has no choice: the other two fix it. Three arrows in a plane always depend on one another."
    )


@exercise
def check_lost(x, W: Tensor) -> str:
    """Check an input x (3,) that W (2, 3) sends to 0."""
    shapes = {
        (
            2,
        ): "Your x has two entries: that is a hidden vector. An input has one entry per feature, three here."
    }
    x = tensor(x, shape=(3,), shapes=shapes, name="your x")
    if x.abs().max() < 1e-3:
        raise Nearly(
            "All zero (or nearly) goes to (0, 0) under every W, and nothing is lost by that. Find an x that is not zero."
        )
    h = W @ x
    if h.abs().max() > 1e-3 * x.abs().max():
        mixed = torch.tensor([2.0, -3.0, 1.0])
        if same(x / x[0] if x[0] else x, mixed / 2):
            raise Nearly(
                "The mixture of columns 0 and 1 is right, but you add column 2 to it. It has to cancel."
            )
        raise Nearly(
            f"Your x lands on h = {_point(h)}. Which of the three entries would bring that closer to (0, 0)?"
        )
    return "h is (0, 0), the same as for no input at all. No decoder of any kind can tell the two apart."


DECODER_MISTAKES = [
    (
        lambda W: W.mT,
        "This is Wᵀ. It is right for orthonormal columns only; here V W would be WᵀW, not I.",
    ),
    (
        lambda W: (W / W.square().sum(0)).mT,
        "V W has ones on its diagonal, but not zeros beside it: you mend the lengths of the columns, not the angles between them.",
    ),
    (
        lambda W: (W / W.norm(dim=0)).mT,
        "These are the columns of W at length 1, and feature i comes back as ‖W_i‖ times itself.",
    ),
    (lambda W: W.mT @ W @ W.mT, "You multiply by WᵀW where you should undo it."),
]


@exercise
def check_best_decoder(best_decoder) -> str:
    """Check best_decoder(W) = (WᵀW)⁻¹Wᵀ."""
    W = torch.randn(5, 3, generator=torch.Generator().manual_seed(4))
    expected = torch.linalg.pinv(W)
    shapes = {
        (5, 3): "Your V has the shape of W. It goes from 5 hidden dimensions back to 3 features: (3, 5).",
        (
            3,
            3,
        ): "Your result is (3, 3), features against features, like WᵀW or its inverse. It has to act on h.",
        (5, 5): "Your result is (5, 5), hidden against hidden. V goes from h to features.",
    }
    answer = _decoder(best_decoder, W, shape=(3, 5), shapes=shapes)
    mistakes(answer, expected, DECODER_MISTAKES, W)
    if same(answer @ W, torch.eye(3), 1e-3) and not same(answer, expected, 1e-3):
        raise Nearly(
            "V W = I, so every x comes back, but your V is not the shortest that does it: for orthonormal columns it is not Wᵀ."
        )
    if not same(answer, expected, 1e-3):
        tiny = _decoder(best_decoder, torch.tensor([[2.0], [0.0]]), shape=(1, 2))
        raise Nearly(
            "The shape fits, V W = I does not hold. For one feature with column (2, 0), V must answer 1 to h = (2, 0). "
            f"Your V there is {_point(tiny[0])}."
        )
    gap = (expected - W.mT).norm() / expected.norm()
    return f"V W = I. For the random W of this check V and Wᵀ differ by {gap:.0%} of V's length; for orthonormal columns by nothing."


def _decoder(student, W: Tensor, **shapes) -> Tensor:
    try:
        return call(student, W, **shapes)
    except Nearly as mistake:
        # Where rounding leaves an inverse of WWᵀ, a column with a zero in it does not.
        if "singular" not in str(mistake):
            raise
        raise Nearly(
            "You invert a matrix that has no inverse. Wᵀ(WWᵀ)⁻¹ is the formula for more features than dimensions; here n ≤ m, and WWᵀ, "
            "(m, m), has rank n only. Which product of W and Wᵀ has full rank?"
        ) from None


@exercise
def check_free_decoder(model) -> str:
    """Check the reader's own 5 → 2 model with a free decoder, trained at 1 − S = 0.1 to a loss below 0.02."""
    W, W_dec, b = _free_weights(model)
    if (b == 0).all():
        raise Nearly("Every bias is exactly 0, as it is before the first step. Has this model been trained?")
    x = SparseFeatures(5, 0.1).sample(50_000, generator=torch.Generator().manual_seed(4))
    with torch.no_grad():
        guess = model(x)
    loss = reconstruction_loss(x, guess).item()
    per_feature = (x - guess).square().mean(0)
    hears = W_dec @ W
    if same(W_dec, W.mT, 1e-3):
        raise Nearly(
            "W_dec and Wᵀ are equal to three digits. Were they trained apart, or do they share their memory?"
        )
    if loss > 0.02:
        raise Nearly(_stuck(loss, per_feature, hears))
    A = torch.linalg.lstsq(W.mT, W_dec).solution
    far = (W_dec - W.mT @ A).norm() / W_dec.norm()
    return (
        f"Loss {loss:.4f}, {1 - loss / PENTAGON_LOSS:.0%} below the pentagon's {PENTAGON_LOSS}. {far:.0%} of your W_dec is not Wᵀ in any basis, "
        f"and W_dec W goes down to {hears.min():.0f}: all of that, ReLU throws away."
    )


def _free_weights(model) -> tuple[Tensor, Tensor, Tensor]:
    if hasattr(model, "snapshots"):
        raise Nearly("This is the record of a run; its `.model` is what I need.")
    if not isinstance(model, nn.Module):
        raise Nearly(f"I expected a trained FreeDecoder and got {kind(model)}.")
    found = [getattr(model, name, None) for name in ("W", "W_dec", "b_final")]
    if not isinstance(found[1], Tensor):
        raise Nearly("This model has no W_dec: its decoder is tied, and I asked for a free one.")
    W, W_dec, b = (value.detach() for value in found)
    if W.ndim > 2:
        raise Nearly(f"This is {W.shape[0]} models side by side. I certify one at a time.")
    if W.shape != (2, 5) or W_dec.shape != (5, 2):
        raise Nearly(
            f"W is {tuple(W.shape)} and W_dec {tuple(W_dec.shape)}; for 5 → 2 they are (2, 5) and (5, 2)."
        )
    if getattr(model, "relu", True) is False:
        raise Nearly("This model has no ReLU, and without one nobody beats keeping two features, at 0.0925.")
    return W, W_dec, b


def _stuck(loss: float, per_feature: Tensor, hears: Tensor) -> str:
    # A feature that is given up costs its variance, 0.031 at 1 − S = 0.1, or a little more.
    lost = int((per_feature > 0.02).sum())
    start = f"Loss {loss:.4f}, and below 0.02 is possible. "
    if lost == 0:
        rest = "All five features come back, but not well. Was it trained on 1 − S = 0.1, and to the end?"
    elif lost == 5:
        rest = "None of the five features comes back. Was it trained on sparse features?"
    else:
        word = (
            "one feature: its output never follows its input"
            if lost == 1
            else f"{lost} features: their outputs never follow their inputs"
        )
        rest = f"Your model has given up {word}. Where does a surer start lie?"
    return start + rest


TIED_MISTAKES = [
    (lambda x, W, b: x @ W.mT @ W + b, "Some outputs are negative: the ReLU at the end is missing."),
    (
        lambda x, W, b: torch.relu(torch.relu(x @ W.mT) @ W + b),
        "There is a ReLU in the middle. h has none; only the output has one.",
    ),
    (lambda x, W, b: torch.relu(x @ W.mT @ W), "The bias is trained but never used."),
    (lambda x, W, b: torch.relu(x @ W.mT @ W) + b, "The bias is added after the ReLU."),
]


@exercise
def check_tied(module) -> str:
    """Check a module class with one W (m, n), used twice, and one b (n,)."""
    if isinstance(module, nn.Module):
        raise Nearly(
            "This is a model; I need the class, without brackets, so that I can make one of my own size."
        )
    model = run(module, 5, 2)
    if not isinstance(model, nn.Module):
        raise Nearly(f"Your class gives {kind(model)}, not a torch module.")
    parameters = list(model.parameters())
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(7, 5, generator=generator)
    if not parameters:
        if run(model, x) is None:
            raise NotTried
        raise Nearly(
            "Your model has nothing to train: `model.parameters()` is empty. Only an `nn.Parameter` set on `self` counts."
        )
    W = _one_matrix(parameters)
    with torch.no_grad():
        for parameter in parameters:
            parameter.copy_(torch.randn(parameter.shape, generator=generator))
    b = next(p for p in parameters if p.ndim == 1)
    _same_outputs(model, x, W.detach(), b.detach())
    _whole_slope(model, x, W, b)
    _stays_tied(model, x, W, b.detach())
    return "15 numbers, ten of them used twice, and the whole slope arrives. Nothing can come apart, as there is nothing to keep together."


def _one_matrix(parameters: list) -> Tensor:
    matrices, count = [p for p in parameters if p.ndim == 2], sum(p.numel() for p in parameters)
    if len(matrices) > 1:
        equal = same(matrices[0].detach(), matrices[1].detach().mT)
        raise Nearly(
            "You have two matrices that start out equal. From the first step on they are trained apart: "
            f"{count} numbers instead of 15."
            if equal
            else f"You have two matrices, {count} numbers to train. The tied model has 15: one W, one b."
        )
    if not matrices:
        raise Nearly("There is no matrix among your parameters. Is W wrapped in `torch.nn.Parameter`?")
    if matrices[0].shape == (5, 2):
        raise Nearly("Your W is (n, m). In this course a column of W is a feature's direction: (m, n).")
    if matrices[0].shape != (2, 5):
        raise Nearly(f"Your matrix has shape {tuple(matrices[0].shape)}; for n = 5 and m = 2 it is (2, 5).")
    if count != 15 or len(parameters) != 2:
        hint = "Where is the bias?" if count < 15 else "Is there a bias too many?"
        if count == 12:
            hint = "Your bias has m entries, one for each hidden number; b belongs to the output and has n."
        raise Nearly(f"Your model trains {count} numbers; the tied one trains 15, W and b. {hint}")
    return matrices[0]


def _same_outputs(model, x: Tensor, W: Tensor, b: Tensor) -> None:
    result = run(model, x)
    if not isinstance(result, Tensor):
        raise Nearly(f"`forward` returns {kind(result)}. Does it end in `return …`?")
    shapes = {(7, 2): "`forward` returns h, two numbers a row. The way up is missing."}
    answer = tensor(result.detach(), shape=(7, 5), shapes=shapes, name="what forward returns")
    expected = torch.relu(x @ W.mT @ W + b)
    mistakes(answer, expected, TIED_MISTAKES, x, W, b)
    if not same(answer, expected):
        raise Nearly(
            "I set W and b to numbers of my own, and the output is not ReLU(WᵀW x + b) for them. "
            "Does `forward` use something that was computed once, in `__init__`?"
        )


def _whole_slope(model, x: Tensor, W, b) -> None:
    def slope(way_down, way_up):
        output = torch.relu(x @ way_down.mT @ way_up + b.detach())
        return torch.autograd.grad(reconstruction_loss(x, output), W)[0]

    model.zero_grad()
    output = model(x)
    if output.requires_grad:
        reconstruction_loss(x, output).backward()
    if W.grad is None:
        raise Nearly(
            "The outputs are right, but no slope arrives at W. `.data` or `.detach()` stands in both its places."
        )
    if same(W.grad, slope(W, W.detach())):
        raise Nearly(
            "The outputs are right, but W learns only from the way down: on the way up it is cut off the graph."
        )
    if same(W.grad, slope(W.detach(), W)):
        raise Nearly(
            "The outputs are right, but W learns only from the way up: on the way down it is cut off the graph."
        )
    if not same(W.grad, slope(W, W)):
        raise Nearly(
            "The outputs are right, but the slope that arrives at W is not that of the loss. What happens between W and the output?"
        )


def _stays_tied(model, x: Tensor, W: Tensor, b: Tensor) -> None:
    model.double().float()  # a move gives parameters new memory, and a transpose kept on the side stays behind
    with torch.no_grad():
        W.copy_(torch.randn(W.shape, generator=torch.Generator().manual_seed(1)))
        if not same(model(x), torch.relu(x @ W.mT @ W + b)):
            raise Nearly(
                "Right until the model is moved: `.to(…)` gives W new memory, and the transpose that `__init__` has kept stays behind. "
                "Write the transpose in `forward`, where it is used."
            )


@exercise
def check_freedom(experiment, expected) -> Result:
    """Check an experiment of the reader's own on tied and free decoders: eight seeds against what was expected."""
    return nb03.check_experiment.__wrapped__(experiment, expected)


def _point(values: Tensor) -> str:
    return "(" + ", ".join(f"{value:.3g}" for value in values.tolist()).replace("-", "−") + ")"


def _read_landing(h: Tensor) -> str | None:
    places = {"−0.5 and 0.8": (-0.5, 0.8), "0.2 and 0.8": (0.2, 0.8), "0.9 and 0.2": (0.9, 0.2)}
    return next((words for words, place in places.items() if same(h, torch.tensor(place))), None)


def _read_identities(distances) -> str:
    inner, outer = (float(distance) < 1e-4 for distance in distances)
    return {(True, False): "WᵀW only", (False, True): "WWᵀ only", (True, True): "Both"}.get(
        (inner, outer), "Neither"
    )


def _read_ratio(ratio) -> str | None:
    if 0.8 < ratio < 1.25:
        return "About 0.1"
    return "About 0.01" if ratio < 0.3 else "About 0.3" if ratio > 2 else None


def _read_factor(observed) -> str | None:
    factor, aside = (float(value) for value in observed)
    if aside > 0.2:
        return "Another direction altogether"
    return (
        "Shorter than Wᵀ, same directions"
        if factor < 0.9
        else "Wᵀ"
        if factor < 1.1
        else "Longer than Wᵀ, same directions"
    )


def _read_length(factor) -> str:
    return (
        "Shorter than Wᵀ, as without ReLU"
        if factor < 0.95
        else "Wᵀ itself"
        if factor < 1.05
        else "Longer than Wᵀ"
    )


STARTS = 48  # of each kind, in section 5


def _read_freedom(observed) -> str | None:
    lower, higher = (int(count) for count in observed)
    if lower == higher == 0:
        return "The same: the extra numbers are redundant"
    if min(lower, higher) > 0:
        return "Lower from some starts, higher from others"
    return (
        "Lower from every start"
        if lower == STARTS
        else "Higher from every start"
        if higher == STARTS
        else None
    )


def _read_share(share) -> str | None:
    if share > 0.95:
        return "All of it: the two are equal"
    return (
        "About half: the way down"
        if 0.25 < share < 0.75
        else "None of it: copying cuts the gradient"
        if share < 0.05
        else None
    )


register(
    Choice(
        key="04.1",
        question="Only feature 1 is on, with value 1. Which two numbers stand in h?",
        options={
            "0.9 and 0.2": "That is column 0. The features are counted from 0, so feature 1 is the second column.",
            "−0.5 and 0.8": "This run used another W than the text.",
            "0.2 and 0.8": "You read along the second row. A row belongs to a hidden dimension and holds all three features; a feature is a column.",
        },
        observe=_read_landing,
        lesson="W e₁ is column 1.",
    ),
    Choice(
        key="04.2",
        question="Which product is an identity?",
        options={
            "WᵀW only": "This W has no orthonormal columns.",
            "WWᵀ only": "You multiplied rows. WᵀW compares columns with columns, and it is the columns that are orthonormal.",
            "Both": "That is so for square matrices. Three columns cannot fill four dimensions, so WWᵀ has rank 3 and is no identity.",
            "Neither": "Write one entry out: row i of Wᵀ is column i of W, so entry (i, j) of WᵀW is W_i·W_j, which is 1 or 0.",
        },
        observe=_read_identities,
        lesson="Entry (i, j) of WᵀW is W_i·W_j: 1 on the diagonal, 0 elsewhere.",
    ),
    Number(
        key="04.3",
        question="How small can you make the largest |cos| between two of the three arrows?",
        exact=0.02,
        far=0.4,
        too_low="In the plane a third arrow has nowhere to go that is nearly at right angles to two others. 60° between the lines is the best.",
        too_high="The three lines can share the half turn evenly, 60° each, and cos 60° = ½.",
        lesson="Three lines share 180° evenly: 60° apart, and cos 60° = ½.",
    ),
    Choice(
        key="04.4",
        question="‖WᵀW − I‖ = 0.1. How large is ‖V − Wᵀ‖ for the best decoder V?",
        options={
            "About 0.01": "You expected a second-order effect. Off-angles disturb the decoder at first order: it has to cancel each of them.",
            "About 0.1": "This run was an unusual one.",
            "About 0.3": "You expected small errors to be blown up. That happens near dependent columns; near orthonormal ones nothing is.",
        },
        observe=_read_ratio,
        lesson="One for one: V ≈ Wᵀ − E Wᵀ with E = WᵀW − I.",
    ),
    Choice(
        key="04.5",
        question="The best linear decoder for the pentagon's five columns of length 1 is …?",
        options={
            "Wᵀ": "That is the conclusion of the argument, but its premise fails: WᵀW is far from I, as five columns in a plane must be.",
            "Shorter than Wᵀ, same directions": "This run used other columns than the pentagon's.",
            "Longer than Wᵀ, same directions": "Listening more also means hearing more of the others. A linear decoder does better to listen less.",
            "Another direction altogether": "By symmetry each feature's own direction is as good as any it could prefer. What changes is the length.",
        },
        observe=_read_factor,
        lesson="Neighbours disturb, so listening less is better: 0.4 Wᵀ, as WWᵀ = 2.5 I.",
    ),
    Choice(
        key="04.6",
        question="With bias and ReLU behind it, the V that training finds for the pentagon is …?",
        options={
            "Shorter than Wᵀ, as without ReLU": "Without ReLU, crosstalk must be kept small. With it, a bias can cut crosstalk off, and length pays back the cut.",
            "Wᵀ itself": "Then the bias, which cuts the crosstalk, would take from the feature as well, and nothing would pay it back.",
            "Longer than Wᵀ": "This run stopped short; train again.",
        },
        observe=_read_length,
        lesson="The bias cuts the crosstalk, the extra length pays back what it takes from the feature.",
    ),
    Choice(
        key="04.7",
        question="How will the loss of the free models compare with that of the tied ones?",
        options={
            "The same: the extra numbers are redundant": "True without ReLU. Behind a ReLU a decoder can make crosstalk hugely negative at no cost, which WᵀW cannot: its entries are bounded by the lengths of the columns.",
            "Lower from every start": "Every tied model is also a free one, so the best free one is at least as good. But training has to find it, and mostly does not.",
            "Lower from some starts, higher from others": "This run is a rarer one.",
            "Higher from every start": "Harder to train, yes. But the freedom is real: some starts find a loss that no tied model can have.",
        },
        observe=_read_freedom,
        lesson="The best free models are far better, and most starts get stuck on the way there.",
    ),
    Choice(
        key="04.8",
        question="W and its fresh copy are equal. Which part of the slope does W's gradient hold?",
        options={
            "All of it: the two are equal": "Equal numbers are not one parameter. What W does on the way back is recorded with the copy.",
            "About half: the way down": "This run was an unusual one: try another seed.",
            "About half: the way back": "The other half. W itself is used on the way down; on the way back it is the copy that is used.",
            "None of it: copying cuts the gradient": "Only the way back is cut off. The way down still reports to W.",
        },
        observe=_read_share,
        lesson="The way down reports to W, the way back to the copy, and overwriting throws that away.",
    ),
)
