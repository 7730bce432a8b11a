"""Notebook 05: its exercises and predictions."""

import torch
from torch import Tensor

from tms_edu import SparseFeatures, reconstruction_loss
from tms_edu.checks import nb03
from tms_edu.checks.exercises import Nearly, NotTried, call, exercise, kind, mistakes, same
from tms_edu.checks.predictions import Choice, register

BASE_LOSS = 0.0263

ABSORBED_MISTAKES = [
    (
        lambda V, b1, b2: b2 - V @ b1,
        "The sign. You cancel V b₁, as in section 1; here the hidden bias goes, and what it did must be kept.",
    ),
    (lambda V, b1, b2: b2, "You dropped b₁ without a trace. What did it add at the outputs?"),
    (lambda V, b1, b2: V @ b1, "What b₁ adds at the outputs is there. The output bias it had before is not."),
    (
        lambda V, b1, b2: torch.relu(V @ b1 + b2),
        "The right sum, cut at 0. The output ReLU comes later, after V W x has been added.",
    ),
    (
        lambda V, b1, b2: torch.relu(V @ b1) + b2,
        "What b₁ adds is cut at 0 before b₂ joins it. The sum is cut, once, at the very end.",
    ),
    (
        lambda V, b1, b2: V @ torch.relu(b1) + b2,
        "You put b₁ through a ReLU. The middle of this model has none.",
    ),
]


@exercise
def check_absorbed(absorbed) -> str:
    """Check absorbed(V, b1, b2): the output bias that does the work of a hidden one."""
    generator = torch.Generator().manual_seed(1)
    V, b2, b1 = (
        torch.randn(5, 2, generator=generator),
        torch.randn(5, generator=generator),
        torch.tensor([1.5, -0.75]),
    )
    shapes = {
        (
            2,
        ): "You return two numbers, one per hidden dimension. An output bias has one per feature: take b₁ through V.",
        (1, 5): "Your result has shape (1, 5): one row. A bias is a vector, shape (5,).",
        (
            5,
            5,
        ): "Your result is a 5 × 5 matrix: a row and a column were added up crosswise. Which of them has an axis too many?",
        (5, 1): "Your result has shape (5, 1): one column. A bias is a vector, shape (5,).",
    }
    answer = call(absorbed, V, b1, b2, shape=(5,), shapes=shapes)
    expected = V @ b1 + b2
    mistakes(answer, expected, ABSORBED_MISTAKES, V, b1, b2)
    if not same(answer, expected):
        tiny = call(absorbed, torch.tensor([[2.0]]), torch.tensor([3.0]), torch.tensor([1.0]))
        raise Nearly(
            "The shape fits, the numbers do not. Take V = 2, b₁ = 3, b₂ = 1 and x = 0: what stands before the last ReLU? "
            f"Your function gives {nb03._row(tiny.reshape(-1))}."
        )
    return "One bias less, the same outputs, whatever W is: it never entered. So a hidden bias is redundant beside a free decoder too."


SIGNS = ["-", "0", "-", "-", "+", "-", "0", "-"]


@exercise
def check_signs(signs) -> str:
    """Check eight signs of biases, read off a Gram matrix with a pentagon, a digon and a dropped feature."""
    if not isinstance(signs, (list, tuple)) or len(signs) != 8:
        raise Nearly(f"`signs` is {kind(signs)}; I expected a list of eight texts.")
    if any(sign is ... for sign in signs):
        raise NotTried
    given = [str(sign).strip().replace("−", "-") for sign in signs]
    for sign in given:
        if sign not in ("-", "0", "+"):
            raise Nearly(f"“{sign[:12]}” is none of the three signs, “-”, “0” and “+”.")
    if given == SIGNS:
        return "Orange off the diagonal is cut, blue needs no cut, and a blank row answers with its mean. You read b without seeing it."
    if set(given) == {"0"}:
        raise Nearly("All zero is the ideal picture. Is every feature of this one recovered?")
    if given == [{"-": "+", "+": "-"}.get(sign, sign) for sign in SIGNS]:
        raise Nearly("Every sign is turned round. A bias that cuts is subtracted.")
    if given[4] != "+":
        raise Nearly(
            f"Feature 4 has a blank row, and you gave it “{given[4]}”. Which constant is the best guess for a feature that is on now and then?"
        )
    if given[1] != "0" or given[6] != "0":
        raise Nearly(
            "Features 1 and 6 hear each other in blue only. What does ReLU do with that, and what is left for a bias?"
        )
    wrong = next(i for i in range(8) if given[i] != SIGNS[i])
    raise Nearly(
        f"Feature {wrong} hears two others in orange, and you gave it “{given[wrong]}”. What happens to its output when they are on?"
    )


LIFT_MISTAKES = [
    (
        lambda W: W.clamp(max=0).sum(1),
        "The size is right and the sign is not: this pushes h further down.",
    ),
    (
        lambda W: -W.amin(1).clamp(max=0),
        "This is enough for one feature at a time. Several can be on at once, and their negative weights add up.",
    ),
    (
        lambda W: -W.amin(1),
        "The lowest weight alone: enough for one feature at a time. And a dimension without negative weights needs no lift.",
    ),
    (
        lambda W: W.abs().sum(1),
        "Enough, and more than needed: positive weights never push h down.",
    ),
    (
        lambda W: (-W.sum(1)).clamp(min=0),
        "You switched on all features. A lower h comes from only those with a negative weight.",
    ),
    (
        lambda W: -W.sum(1),
        "You switched on all features, also those that lift h. Which of them should stay off for h to be lowest?",
    ),
    (
        lambda W: (-W.clamp(max=0).sum(1)).amax().expand(len(W)).clone(),
        "Enough for every hidden dimension, but one number for all: each dimension has a smallest lift of its own.",
    ),
    (
        lambda W: -W.clamp(max=0).sum(1) / 2,
        "Half of what is needed. Features go up to 1, and ½ is only their mean.",
    ),
]


@exercise
def check_lift(lift) -> str:
    """Check lift(W): the smallest hidden bias that keeps a hidden ReLU out of work."""
    W = torch.tensor(
        [[0.5, -1.0, -0.25, 2.0, 0.0], [1.0, 0.5, 0.25, 0.75, 2.0], [-0.5, -0.5, 0.25, -1.5, -0.125]]
    )
    shapes = {
        (
            5,
        ): "You return five numbers, one per feature. A lift belongs to a hidden dimension: sum along the rows.",
        (): "You return one number. Each of the three hidden dimensions has a lift of its own.",
        (3, 5): "You return one number per weight. The weights of a row add up.",
        (3, 1): "Your result has shape (3, 1): one column. A bias is a vector, shape (3,).",
    }
    answer, expected = call(lift, W, shape=(3,), shapes=shapes), -W.clamp(max=0).sum(1)
    mistakes(answer, expected, LIFT_MISTAKES, W)
    if not same(answer, expected):
        low = answer - expected
        what = "too small: some input takes h below 0" if low.min() < -1e-4 else "larger than needed"
        raise Nearly(
            f"For one of my hidden dimensions your lift is {what}. Its weights are {nb03._row(W[low.abs().argmax()])}."
        )
    return "With this b₁ every hidden ReLU is idle, for every input there can be. Any larger lift would do as well."


@exercise
def check_relu_model(my_relu_model) -> str:
    """Check the reader's own hidden-ReLU model, 5 → 2 at 1 − S = 0.1: below the base model's loss."""
    W1, b1, W2, b2 = _parameters(my_relu_model)
    x = SparseFeatures(5, 0.1).sample(100_000, generator=torch.Generator().manual_seed(5))
    before = x @ W1.T + b1
    x_hat = torch.relu(torch.relu(before) @ W2.T + b2)
    loss = reconstruction_loss(x, x_hat).item()
    start = f"Loss {loss:.4f}; the base model has {BASE_LOSS}. "
    if loss < 0.025:
        works, cosine = (
            (before < 0).float().mean(),
            torch.nn.functional.cosine_similarity(W1, W2.T, dim=-1).mean(),
        )
        return (
            f"Loss {loss:.4f}, below the base model's {BASE_LOSS}. Your hidden ReLU is at work on {works:.0%} of h, and row against "
            f"column, W₁ and W₂ have a cosine of {cosine:.2f}. What it gains, it gains from a W₂ that is free."
        )
    if (b2 == 0).all():
        raise Nearly(
            start
            + "The output biases are all exactly 0, as before the first step. Has this model been trained?"
        )
    if same(W2, W1.T, 1e-6):
        raise Nearly(
            start + "W₂ is still W₁ᵀ to the last digit: this is the base model in disguise. Now train it."
        )
    silent = int((x_hat.amax(0) - x_hat.amin(0) < 1e-3).sum())
    if silent:
        raise Nearly(
            start
            + f"{silent} of its 5 outputs never move. Where did training start, and is there a better place?"
        )
    if loss > 1.2 * BASE_LOSS:
        raise Nearly(
            start
            + "All outputs move, but far from well. Which `feature_probability` has it seen, and for how many steps?"
        )
    raise Nearly(start + "It is close. More steps, or another base model to start from?")


def _parameters(model) -> list[Tensor]:
    names = ("W1", "b1", "W2", "b2")
    found = [getattr(model, name, None) for name in names]
    if not all(isinstance(value, Tensor) for value in found):
        what = (
            "the record of a run; its `.model` is what I need" if hasattr(model, "snapshots") else kind(model)
        )
        if hasattr(model, "W") and hasattr(model, "b_final"):
            what = "a model with one W and no ReLU in the middle"
        raise Nearly(f"I expected a HiddenReLU, with W1, b1, W2 and b2, and got {what}.")
    shapes = [tuple(value.shape) for value in found]
    if shapes != [(2, 5), (2,), (5, 2), (5,)]:
        raise Nearly(
            f"W1 has shape {shapes[0]}; I expected (2, 5), one model of five features in two neurons."
        )
    if not all(value.isfinite().all() for value in found):
        raise Nearly("A parameter is NaN or infinite: this run diverged. What does a lower `lr` do?")
    return [value.detach() for value in found]


ANSWERS_MISTAKES = [
    (
        lambda W: (W.abs() >= 0.4).sum(1),
        "You count strong negative weights too. A feature with a weight of −1 does not drive a ReLU, it holds it at 0.",
    ),
    (
        lambda W: (W > 0).sum(1),
        "Every positive weight counts in your answer. It takes 0.4.",
    ),
    (
        lambda W: (W > 0.4).sum(1),
        "Right but for a weight of exactly 0.4: “at least” includes it.",
    ),
    (
        lambda W: (W / W.amax(1, keepdim=True) >= 0.4).sum(1),
        "You measured against the largest weight of each neuron. The 0.4 is meant as it stands.",
    ),
    (
        lambda W: W.clamp(min=0).sum(1),
        "You added up weights. The question is how many features reach 0.4.",
    ),
]


@exercise
def check_answers_to(answers_to) -> str:
    """Check answers_to(W): for how many features each neuron of a hidden-ReLU model fires."""
    W = torch.tensor([[0.5, -1.0, 0.25, 2.0, 0.5], [0.0, 0.125, 0.25, -0.5, 0.1], [0.4, 0.6, 0.7, -0.1, 0.0]])
    shapes = {
        (
            5,
        ): "Five numbers, one per feature: this says how many neurons answer to a feature. I asked the other way round.",
        (): "One number for all neurons together. I asked for one per neuron.",
        (3, 5): "Your result says for each weight whether it counts. Now add up, along the right axis.",
    }
    answer, expected = call(answers_to, W, shape=(3,), shapes=shapes), (W >= 0.4).sum(1).float()
    mistakes(answer, expected, [(lambda W, f=f: f(W).float(), said) for f, said in ANSWERS_MISTAKES], W)
    if not same(answer, expected):
        raise Nearly(
            f"Not yet. A neuron with the weights {nb03._row(W[0])} gets {answer[0]:g} from you. Count by eye: who reaches 0.4?"
        )
    return "One is monosemantic, more is polysemantic, and 0 is a neuron that no single feature drives."


@exercise
def check_other_middle(experiment, expected) -> str:
    """Check an experiment of the reader's own on the hidden layer: eight seeds against what was expected."""
    return nb03.check_experiment.__wrapped__(experiment, expected)


def _read_wants(best) -> str | None:
    pentagon, digon, dropped = (abs(value) < 0.01 for value in best)
    return {
        (False, True, False): "The digon only",
        (True, True, True): "All three",
        (False, True, True): "The digon and the dropped feature",
        (False, False, False): "None of them",
    }.get((pentagon, digon, dropped))


def _read_forced(observed) -> str | None:
    pentagons, ratio = (float(value) for value in observed)
    if pentagons < 8:
        return "No pentagon any more"
    return "A pentagon, about as good as before" if ratio < 1.2 else "A pentagon, with a clearly higher loss"


def _read_trained(observed) -> str:
    ratio, below = (float(value) for value in observed)
    if ratio < 0.9:
        return "Lower: it can do all that the base model can, and more"
    return "About the same" if ratio < 1.1 and below < 8 else "Higher"


def _read_alike(cosine) -> str:
    if cosine > 0.95:
        return "1: W₂ is W₁ᵀ, up to lengths"
    return "Around 0.6: alike, and not the same" if cosine > 0.25 else "0: nothing in common"


register(
    Choice(
        key="05.1",
        question="For which models can an output bias cancel the hidden bias b₁ exactly?",
        options={
            "For none: a shift of h cannot be undone": "You pictured the shift as lost information. It is a constant, known once and for all, and a constant can be subtracted.",
            "Where the columns of W are nearly orthonormal": "This is the post's reasoning. Multiply out: Wᵀ(Wx + b₁) = WᵀWx + Wᵀb₁ needs nothing of W.",
            "Where b₁ is small": "Size plays no part: a linear map sends a constant to a constant, a large one to a large one.",
            "For all of them": "Some difference was left in this run: more than rounding.",
        },
        observe=lambda share: "For all of them" if share == 1 else None,
        lesson="Without a ReLU in between, a constant goes in and a constant, Wᵀb₁, comes out.",
    ),
    Choice(
        key="05.2",
        question="Which of the three has its lowest loss at b = 0?",
        options={
            "All three": "The ideal picture has b = 0. It fits features that are recovered, not those that are dropped or hear positive crosstalk.",
            "The digon only": "In this run it was otherwise: look at the three minima.",
            "The digon and the dropped feature": "Dropped is not silent: its best constant is its mean, (1 − S)/2 = 0.025.",
            "None of them": "A digon's partners hear each other in blue, and ReLU removes that for nothing. No bias is needed.",
        },
        observe=_read_wants,
        lesson="Cut what is positive, leave what is negative, answer with the mean where nothing is known.",
    ),
    Choice(
        key="05.3",
        question="Every bias is held at 0. What does training find?",
        options={
            "A pentagon, about as good as before": "You gave the bias little to do. It is what cuts the crosstalk of two neighbours.",
            "A pentagon, with a clearly higher loss": "In this run it was otherwise: see the line above.",
            "No pentagon any more": "You thought of the bias as what makes the pentagon possible. Five directions with some crosstalk still beat a lost feature.",
        },
        observe=_read_forced,
        lesson="The arrangement stays, the price rises: lengths below 1 do what the bias did, and worse.",
    ),
    Choice(
        key="05.4",
        question="Is there a model with a ReLU in the middle that gives the very same outputs?",
        options={
            "No: what ReLU cuts off h is lost": "It would be, if h were negative. A large b₁ keeps h above 0, and b₂ takes the lift back.",
            "Only if W has no negative entry": "Negative entries can be outweighed: add to h more than they can ever take away.",
            "Yes, for every base model": "In this run the outputs differed.",
        },
        observe=lambda apart: "Yes, for every base model" if apart < 1e-5 else None,
        lesson="Features are bounded, so a bounded lift keeps the ReLU idle.",
    ),
    Choice(
        key="05.5",
        question="How will the loss with a ReLU in the middle compare, in the median run?",
        options={
            "Lower: it can do all that the base model can, and more": "True of the best model, not of the one that training finds. From a random start outputs die, and a dead one never comes back.",
            "About the same": "You expected training to find its way around the ReLU. Most runs lose several outputs on the way.",
            "Higher": "In this run it was not.",
        },
        observe=_read_trained,
        lesson="What a model can do and what training finds are two things.",
    ),
    Choice(
        key="05.6",
        question="What is the cosine between a neuron's row of W₁ and its column of W₂, in the median neuron?",
        options={
            "1: W₂ is W₁ᵀ, up to lengths": "The tie is something that we impose. Nothing in the loss asks for it when the two are free.",
            "Around 0.6: alike, and not the same": "In this run it was otherwise.",
            "0: nothing in common": "They are free, but they have one job: a neuron that listens to a feature should speak to it.",
        },
        observe=_read_alike,
        lesson="A neuron speaks mostly to those it listens to, and to others as well.",
    ),
    Choice(
        key="05.7",
        question="A base model in disguise, trained on with all four parameters free: where does its loss go?",
        options={
            "It stays: the base model was at its lowest": "Lowest among base models. With W₂ free of W₁ there are more ways down from there.",
            "Down": "In this run it did not.",
            "Up: the ReLU starts to cut": "You pictured the ReLU as an obstacle. Lifted by b₁ it is idle, and training has no reason to wake it.",
        },
        observe=lambda ratio: (
            "Down"
            if ratio < 0.97
            else "It stays: the base model was at its lowest"
            if ratio < 1.03
            else "Up: the ReLU starts to cut"
        ),
        lesson="The base model is one point among the models with a ReLU in the middle, and not their lowest.",
    ),
    Choice(
        key="05.8",
        question="How many of the five neurons answer to one feature alone?",
        options={
            "All five, or nearly": "In this run fewer did.",
            "About half of them": "You pictured some sharing. Features that are on half of the time collide too often for that.",
            "None, or nearly": "You pictured the base model, where neurons mean nothing. A ReLU makes them count.",
        },
        observe=lambda count: (
            "All five, or nearly" if count > 4 else "About half of them" if count > 1 else "None, or nearly"
        ),
        lesson="On so often, no two features can share, and a ReLU makes the neurons the natural places.",
    ),
)
