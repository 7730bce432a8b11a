"""Notebook 04: its exercises and predictions."""

import torch
from torch import Tensor, nn

from tms_edu import SparseFeatures, reconstruction_loss
from tms_edu.checks.exercises import Nearly, NotTried, call, exercise, kind, require, run, same, tensor
from tms_edu.checks.forms import experiment, function, normal, outcome, reject
from tms_edu.checks.predictions import Choice, Number, register
from tms_edu.wording import join, number_word

PLACED = torch.tensor([[0.0, -1.0, 1.0], [1.0, 0.0, -1.0]])


@outcome(
    (
        lambda m: same(m.W, PLACED * torch.tensor([1.0, 1.0, -1.0])),
        "Your third column is what the first two add up to. Then all three together land on twice that, not on (0, 0).",
    ),
    (
        lambda m: same(m.W, PLACED.flip(0)),
        "Your two rows have changed places: `W[0]` holds the first coordinates of all three arrows.",
    ),
    (lambda m: same(m.W, PLACED[:, [1, 0, 2]]), "Features 0 and 1 have changed places."),
    (
        lambda m: not same(m.W[:, :2], PLACED[:, :2]),
        "Feature {i} lands on {lands}, and I asked for {asked}. It lands where column {i} points.",
    ),
    (
        lambda m: True,
        "Features 0 and 1 are in place. The input (1, 1, 1) lands on {total}, the sum of all columns.",
    ),
    good=lambda m: same(m.W, PLACED),
    right="Feature 2 has no choice: the other two fix it. Three arrows in a plane always depend on one another.",
)
def check_placed(W) -> dict:
    """Check a W (2, 3) with e_0 -> (0, 1), e_1 -> (-1, 0) and (1, 1, 1) -> (0, 0)."""
    turned = (
        "Your W has three rows. A row belongs to a hidden dimension, and there are two; features are columns."
    )
    W = tensor(W, shape=(2, 3), shapes={(3, 2): turned}, name="your W")
    i = 1 if same(W[:, 0], PLACED[:, 0]) else 0
    return {"W": W, "i": i, "lands": W[:, i], "asked": PLACED[:, i], "total": W.sum(1)}


@outcome(
    (
        lambda m: m.size < 1e-3,
        "All zero (or nearly) goes to (0, 0) under every W, and nothing is lost by that. Find an x that is not zero.",
    ),
    (
        lambda m: m.x[0] != 0 and same(m.x / m.x[0], torch.tensor([1.0, -1.5, 0.5])),
        "The mixture of columns 0 and 1 is right, but you add column 2 to it. It has to cancel.",
    ),
    (
        lambda m: True,
        "Your x lands on h = {h}. Which of the three entries would bring that closer to (0, 0)?",
    ),
    good=lambda m: m.size >= 1e-3 and m.h.abs().max() <= 1e-3 * m.size,
    right="h is (0, 0), the same as for no input at all. No decoder of any kind can tell the two apart.",
)
def check_lost(x, W: Tensor) -> dict:
    """Check an input x (3,) that W (2, 3) sends to 0."""
    hidden = (
        "Your x has two entries: that is a hidden vector. An input has one entry per feature, three here."
    )
    x = tensor(x, shape=(3,), shapes={(2,): hidden}, name="your x")
    return {"x": x, "h": W @ x, "size": x.abs().max()}


def _decoder(student, W: Tensor) -> Tensor:
    """Return the student's V for W; a V that brings all back but is not the shortest leaves the check."""
    try:
        V, best = call(student, W), torch.linalg.pinv(W)
    except Nearly as mistake:
        # Where rounding leaves an inverse of WWᵀ, a column with a zero in it does not.
        singular = "You invert a matrix that has no inverse. Wᵀ(WWᵀ)⁻¹ is the formula for more features than dimensions; here n ≤ m, and WWᵀ, (m, m), has rank n only. Which product of W and Wᵀ has full rank?"
        raise (Nearly(singular) if "singular" in str(mistake) else mistake) from None
    undone = V.shape == best.shape and same(V @ W, torch.eye(W.shape[1]), 1e-3)
    require(
        not undone or same(V, best, 1e-3),
        "V W = I, so every x comes back, but your V is not the shortest that does it: for orthonormal columns it is not Wᵀ.",
    )
    return V


THREE_IN_FIVE = normal(4, 5, 3)


@function(
    THREE_IN_FIVE,
    read=_decoder,
    tolerance=1e-3,
    mistakes=[
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
        (
            lambda W: W,
            "Your V has the shape of W. It goes from 5 hidden dimensions back to 3 features: (3, 5).",
        ),
        (
            lambda W: torch.linalg.inv(W.mT @ W),
            "Your result is (3, 3), features against features, like WᵀW or its inverse. It has to act on h.",
        ),
        (
            lambda W: W @ torch.linalg.pinv(W),
            "Your result is (5, 5), hidden against hidden. V goes from h to features.",
        ),
    ],
    small=(
        "The shape fits, V W = I does not hold. For one feature with column (2, 0), V must answer 1 to h = (2, 0). Your V there is {got}.",
        (torch.tensor([[2.0], [0.0]]),),
    ),
    otherwise="The shape fits, V W = I does not hold, though it does for one feature alone. What does your V answer to column 1 at output 0?",
    right="V W = I. For the random W of this check V and Wᵀ differ by "
    f"{(torch.linalg.pinv(THREE_IN_FIVE) - THREE_IN_FIVE.mT).norm() / torch.linalg.pinv(THREE_IN_FIVE).norm():.0%}"
    " of V's length; for orthonormal columns by nothing.",
)
def check_best_decoder(W) -> Tensor:
    """Check best_decoder(W) = (WᵀW)⁻¹Wᵀ."""
    return torch.linalg.pinv(W)


PENTAGON_LOSS = 0.0263
STUCK = "Loss {loss:.4f}, and below 0.02 is possible. "


@outcome(
    (
        lambda m: (m.model.b_final == 0).all(),
        "Every bias is exactly 0, as it is before the first step. Has this model been trained?",
    ),
    (
        lambda m: same(m.model.W_dec, m.model.W.mT, 1e-3),
        "W_dec and Wᵀ are equal to three digits. Were they trained apart, or do they share their memory?",
    ),
    (
        lambda m: m.loss > 0.02 and m.lost == 0,
        STUCK + "All five features come back, but not well. Was it trained on 1 − S = 0.1, and to the end?",
    ),
    (
        lambda m: m.loss > 0.02 and m.lost == 5,
        STUCK + "None of the five features comes back. Was it trained on sparse features?",
    ),
    (
        lambda m: m.loss > 0.02 and m.lost == 1,
        STUCK
        + "Your model has given up one feature: its output never follows its input. Where does a surer start lie?",
    ),
    (
        lambda m: m.loss > 0.02,
        STUCK
        + "Your model has given up {lost} features: their outputs never follow their inputs. Where does a surer start lie?",
    ),
    right="Loss {loss:.4f}, {gain:.0%} below the pentagon's {pentagon}. {far:.0%} of your W_dec is not Wᵀ in any basis, "
    "and W_dec W goes down to {lowest:.0f}: all of that, ReLU throws away.",
)
def check_free_decoder(model) -> dict:
    """Check the reader's own 5 → 2 model with a free decoder, trained at 1 − S = 0.1 to a loss below 0.02."""
    reject(*NOT_FREE, model=model, kind=kind(model))
    down, back = tuple(model.W.shape), tuple(model.W_dec.shape)
    require(
        (down, back) == ((2, 5), (5, 2)),
        f"W is {down} and W_dec {back}; for 5 → 2 they are (2, 5) and (5, 2).",
    )
    x = SparseFeatures(5, 0.1).sample(50_000, generator=torch.Generator().manual_seed(4))
    with torch.no_grad():
        guess, hears = model(x), model.W_dec @ model.W
        A = torch.linalg.lstsq(model.W.mT, model.W_dec).solution
        far = (model.W_dec - model.W.mT @ A).norm() / model.W_dec.norm()
    loss = reconstruction_loss(x, guess).item()
    return {
        "model": model,
        "loss": loss,
        # A feature that is given up costs its variance, 0.031 at 1 − S = 0.1, or a little more.
        "lost": int(((x - guess).square().mean(0) > 0.02).sum()),
        "gain": 1 - loss / PENTAGON_LOSS,
        "pentagon": PENTAGON_LOSS,
        "far": far,
        "lowest": hears.min(),
    }


NOT_FREE = (
    (
        lambda m: hasattr(m.model, "snapshots"),
        "This is the record of a run; its `.model` is what I need.",
    ),
    (
        lambda m: not isinstance(m.model, nn.Module),
        "I expected a trained FreeDecoder and got {kind}.",
    ),
    (
        lambda m: not isinstance(getattr(m.model, "W_dec", None), Tensor),
        "This model has no W_dec: its decoder is tied, and I asked for a free one.",
    ),
    (
        lambda m: not all(isinstance(getattr(m.model, name, None), Tensor) for name in ("W", "b_final")),
        "This model has a W_dec, but no W or no b_final. I asked for a FreeDecoder as it stands in section 5.",
    ),
    (
        lambda m: m.model.W.ndim > 2,
        "This is {model.W.shape[0]} models side by side. I certify one at a time.",
    ),
    (
        lambda m: getattr(m.model, "relu", True) is False,
        "This model has no ReLU, and without one nobody beats keeping two features, at 0.0925.",
    ),
    (
        lambda m: not all(p.isfinite().all() for p in (m.model.W, m.model.W_dec, m.model.b_final)),
        "A parameter is NaN or infinite: this run diverged. What does a lower `lr` do?",
    ),
)


@exercise
def check_tied(module) -> str:
    """Check a module class with one W (m, n), used twice, and one b (n,)."""
    one = isinstance(module, nn.Module)
    require(
        not one,
        "This is a model; I need the class, without brackets, so that I can make one of my own size.",
    )
    model, x = run(module, 5, 2), normal(0, 7, 5)
    require(isinstance(model, nn.Module), f"Your class gives {kind(model)}, not a torch module.")
    W, b = _one_of_each(model, x)
    with torch.no_grad():
        W.copy_(normal(1, 2, 5))
        b.copy_(normal(2, 5))
    result = run(model, x)
    require(isinstance(result, Tensor), f"`forward` returns {kind(result)}. Does it end in `return …`?")
    halfway = {(7, 2): "`forward` returns h, two numbers a row. The way up is missing."}
    answer = tensor(result.detach(), shape=(7, 5), shapes=halfway, name="what forward returns")
    if not same(answer, _tied(x, W, b)):
        reject(*WRONG_OUTPUTS, answer=answer, x=x, W=W.detach(), b=b.detach())
    _whole_slope(model, x, W, b)
    model.double().float()  # a move gives parameters new memory, and a transpose kept on the side stays behind
    with torch.no_grad():
        W.copy_(normal(3, 2, 5))
        require(
            same(model(x), _tied(x, W, b)),
            "Right until the model is moved: `.to(…)` gives W new memory, and the transpose that `__init__` has kept stays behind. "
            "Write the transpose in `forward`, where it is used.",
        )
    _at_another_size(module)
    return "15 numbers, ten of them used twice, and the whole slope arrives. Nothing can come apart, as there is nothing to keep together."


def _at_another_size(module) -> None:
    model, x = run(module, 7, 3), normal(4, 4, 7)
    shapes = sorted(tuple(p.shape) for p in model.parameters())
    fits = shapes == [(3, 7), (7,)]
    require(
        fits and same(run(model, x).detach(), _tied(x, *_by_axes(model)).detach()),
        f"Right for n = 5 and m = 2, not for n = 7 and m = 3, where your class trains {join(shapes)}. Is a size written into it?",
    )


def _by_axes(model: nn.Module) -> list[Tensor]:
    return sorted(model.parameters(), key=lambda parameter: -parameter.ndim)


def _tied(x: Tensor, W: Tensor, b: Tensor, up: Tensor | None = None) -> Tensor:
    return torch.relu(x @ W.mT @ (W if up is None else up) + b)


def _one_of_each(model: nn.Module, x: Tensor) -> tuple[Tensor, Tensor]:
    """Return the one W and the one b that a model for five features in two dimensions trains."""
    parameters = list(model.parameters())
    if not parameters and run(model, x) is None:
        raise NotTried
    matrices = [p.detach() for p in parameters if p.ndim == 2]
    reject(
        *WRONG_PARAMETERS,
        parameters=parameters,
        matrices=matrices,
        many=number_word(len(matrices)),
        shape=tuple(matrices[0].shape) if matrices else (),
        odd=next((tuple(p.shape) for p in parameters if p.numel() == 5 and p.ndim != 1), None),
        count=sum(p.numel() for p in parameters),
        pieces=number_word(len(parameters)),
    )
    W, b = _by_axes(model)
    return W, b


WRONG_PARAMETERS = (
    (
        lambda m: not m.parameters,
        "Your model has nothing to train: `model.parameters()` is empty. Only an `nn.Parameter` set on `self` counts.",
    ),
    (lambda m: m.odd, "Your bias has shape {odd}. A bias is a vector, (5,) for n = 5."),
    (
        lambda m: len(m.matrices) > 1 and same(m.matrices[0], m.matrices[1].mT),
        "You have two matrices that start out equal. From the first step on they are trained apart: {count} numbers instead of 15.",
    ),
    (
        lambda m: len(m.matrices) > 1,
        "You have {many} matrices, {count} numbers to train. The tied model has 15: one W, one b.",
    ),
    (
        lambda m: not m.matrices,
        "There is no matrix among your parameters. Is W wrapped in `torch.nn.Parameter`?",
    ),
    (
        lambda m: m.shape == (5, 2),
        "Your W is (n, m). In this course a column of W is a feature's direction: (m, n).",
    ),
    (lambda m: m.shape != (2, 5), "Your matrix has shape {shape}; for n = 5 and m = 2 it is (2, 5)."),
    (
        lambda m: m.count == 12,
        "Your model trains 12 numbers; the tied one trains 15, W and b. "
        "Your bias has m entries, one for each hidden number; b belongs to the output and has n.",
    ),
    (
        lambda m: m.count < 15,
        "Your model trains {count} numbers; the tied one trains 15, W and b. Where is the bias?",
    ),
    (
        lambda m: m.count > 15,
        "Your model trains {count} numbers; the tied one trains 15, W and b. Is there a bias too many?",
    ),
    (
        lambda m: len(m.parameters) > 2,
        "15 numbers are right, and yours come in {pieces} pieces. One W (2, 5) and one b (5,) are all that there is to train.",
    ),
)

WRONG_OUTPUTS = (
    (
        lambda m: same(m.answer, m.x @ m.W.mT @ m.W + m.b),
        "Some outputs are negative: the ReLU at the end is missing.",
    ),
    (
        lambda m: same(m.answer, torch.relu(torch.relu(m.x @ m.W.mT) @ m.W + m.b)),
        "There is a ReLU in the middle. h has none; only the output has one.",
    ),
    (
        lambda m: same(m.answer, torch.relu(m.x @ m.W.mT @ m.W)),
        "The bias is trained but never used.",
    ),
    (
        lambda m: same(m.answer, torch.relu(m.x @ m.W.mT @ m.W) + m.b),
        "The bias is added after the ReLU.",
    ),
    (
        lambda m: True,
        "I set W and b to numbers of my own, and the output is not ReLU(WᵀW x + b) for them. "
        "Does `forward` use something that was computed once, in `__init__`?",
    ),
)


def _whole_slope(model: nn.Module, x: Tensor, W: Tensor, b: Tensor) -> None:
    def slope(down: Tensor, up: Tensor) -> Tensor:
        return torch.autograd.grad(reconstruction_loss(x, _tied(x, down, b.detach(), up)), W)[0]

    model.zero_grad()
    output = model(x)
    if output.requires_grad:
        reconstruction_loss(x, output).backward()
    reject(
        (
            lambda m: W.grad is None,
            "The outputs are right, but no slope arrives at W. `.data` or `.detach()` stands in both its places.",
        ),
        (
            lambda m: same(W.grad, slope(W, W.detach())),
            "The outputs are right, but W learns only from the way down: on the way up it is cut off the graph.",
        ),
        (
            lambda m: same(W.grad, slope(W.detach(), W)),
            "The outputs are right, but W learns only from the way up: on the way down it is cut off the graph.",
        ),
        (
            lambda m: not same(W.grad, slope(W, W)),
            "The outputs are right, but the slope that arrives at W is not that of the loss. What happens between W and the output?",
        ),
    )


@experiment(returns="words, such as `read_gram(…).shape`")
def check_freedom(experiment, expected):
    """Check an experiment of the reader's own on tied and free decoders: eight seeds against what was expected."""


STARTS = 48  # of each kind, in section 5

register(
    Choice(
        key="04.1",
        question="Only feature 1 is on, with value 1. Which two numbers stand in h?",
        rows=[
            (
                "0.9 and 0.2",
                lambda h: same(h, torch.tensor([0.9, 0.2])),
                "That is column 0. The features are counted from 0, so feature 1 is the second column.",
            ),
            (
                "−0.5 and 0.8",
                lambda h: same(h, torch.tensor([-0.5, 0.8])),
                "This run used another W than the text.",
            ),
            (
                "0.2 and 0.8",
                lambda h: same(h, torch.tensor([0.2, 0.8])),
                "You read along the second row. A row belongs to a hidden dimension and holds all three features; a feature is a column.",
            ),
        ],
        lesson="W e₁ is column 1.",
    ),
    Choice(
        key="04.2",
        question="Which product is an identity?",
        rows=[
            (
                "WᵀW only",
                lambda off: off[0] < 1e-4 <= off[1],
                "This W has no orthonormal columns.",
            ),
            (
                "WWᵀ only",
                lambda off: off[1] < 1e-4 <= off[0],
                "You multiplied rows. WᵀW compares columns with columns, and it is the columns that are orthonormal.",
            ),
            (
                "Both",
                lambda off: max(off) < 1e-4,
                "That is so for square matrices. Three columns cannot fill four dimensions, so WWᵀ has rank 3 and is no identity.",
            ),
            (
                "Neither",
                lambda off: min(off) >= 1e-4,
                "Write one entry out: row i of Wᵀ is column i of W, so entry (i, j) of WᵀW is W_i·W_j, which is 1 or 0.",
            ),
        ],
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
        rows=[
            (
                "About 0.01",
                lambda ratio: ratio < 0.3,
                "You expected a second-order effect. Off-angles disturb the decoder at first order: it has to cancel each of them.",
            ),
            (
                "About 0.1",
                lambda ratio: 0.8 < ratio < 1.25,
                "This run was an unusual one.",
            ),
            (
                "About 0.3",
                lambda ratio: ratio > 2,
                "You expected small errors to be blown up. That happens near dependent columns; near orthonormal ones nothing is.",
            ),
        ],
        lesson="One for one: V ≈ Wᵀ − E Wᵀ with E = WᵀW − I.",
    ),
    Choice(
        key="04.5",
        question="The best linear decoder for the pentagon's five columns of length 1 is …?",
        rows=[
            (
                "Wᵀ",
                lambda seen: 0.9 <= seen[0] < 1.1 and seen[1] <= 0.2,
                "That is the conclusion of the argument, but its premise fails: WᵀW is far from I, as five columns in a plane must be.",
            ),
            (
                "Shorter than Wᵀ, same directions",
                lambda seen: seen[0] < 0.9 and seen[1] <= 0.2,
                "This run used other columns than the pentagon's.",
            ),
            (
                "Longer than Wᵀ, same directions",
                lambda seen: seen[0] >= 1.1 and seen[1] <= 0.2,
                "Listening more also means hearing more of the others. A linear decoder does better to listen less.",
            ),
            (
                "Another direction altogether",
                lambda seen: seen[1] > 0.2,
                "By symmetry each feature's own direction is as good as any it could prefer. What changes is the length.",
            ),
        ],
        lesson="Neighbours disturb, so listening less is better: 0.4 Wᵀ, as WWᵀ = 2.5 I.",
    ),
    Choice(
        key="04.6",
        question="With bias and ReLU behind it, the V that training finds for the pentagon is …?",
        rows=[
            (
                "Shorter than Wᵀ, as without ReLU",
                lambda factor: factor < 0.95,
                "Without ReLU, crosstalk must be kept small. With it, a bias can cut crosstalk off, and length pays back the cut.",
            ),
            (
                "Wᵀ itself",
                lambda factor: 0.95 <= factor < 1.05,
                "Then the bias, which cuts the crosstalk, would take from the feature as well, and nothing would pay it back.",
            ),
            (
                "Longer than Wᵀ",
                lambda factor: factor >= 1.05,
                "This run stopped short; train again.",
            ),
        ],
        lesson="The bias cuts the crosstalk, the extra length pays back what it takes from the feature.",
    ),
    Choice(
        key="04.7",
        question="How will the loss of the free models compare with that of the tied ones?",
        rows=[
            (
                "The same: the extra numbers are redundant",
                lambda starts: max(starts) == 0,
                "True without ReLU. Behind a ReLU a decoder can make crosstalk hugely negative at no cost, which WᵀW cannot: its entries are bounded by the lengths of the columns.",
            ),
            (
                "Lower from every start",
                lambda starts: starts[0] == STARTS,
                "Every tied model is also a free one, so the best free one is at least as good. But training has to find it, and mostly does not.",
            ),
            (
                "Lower from some starts, higher from others",
                lambda starts: min(starts) > 0,
                "This run is a rarer one.",
            ),
            (
                "Higher from every start",
                lambda starts: starts[1] == STARTS,
                "Harder to train, yes. But the freedom is real: some starts find a loss that no tied model can have.",
            ),
        ],
        lesson="The best free models are far better, and most starts get stuck on the way there.",
    ),
    Choice(
        key="04.8",
        question="W and its fresh copy are equal. Which part of the slope does W's gradient hold?",
        rows=[
            (
                "All of it: the two are equal",
                lambda share: share > 0.95,
                "Equal numbers are not one parameter. What W does on the way back is recorded with the copy.",
            ),
            (
                "About half: the way down",
                lambda share: 0.25 < share < 0.75,
                "This run was an unusual one: try another seed.",
            ),
            (
                "About half: the way back",
                lambda share: False,
                "The other half. W itself is used on the way down; on the way back it is the copy that is used.",
            ),
            (
                "None of it: copying cuts the gradient",
                lambda share: share < 0.05,
                "Only the way back is cut off. The way down still reports to W.",
            ),
        ],
        lesson="The way down reports to W, the way back to the copy, and overwriting throws that away.",
    ),
)
