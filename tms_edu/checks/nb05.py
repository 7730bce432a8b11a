"""Notebook 05: its exercises and predictions."""

import torch
from torch import Tensor

from tms_edu import SparseFeatures, reconstruction_loss
from tms_edu.checks import nb03
from tms_edu.checks.exercises import Nearly, NotTried, call, exercise, kind, mistakes, same
from tms_edu.checks.predictions import Choice, register
from tms_edu.checks.result import Result

BASE_LOSS, GOOD_LOSS = 0.0263, 0.018

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
        tiny = call(absorbed, torch.tensor([[2.0]]), torch.tensor([-3.0]), torch.tensor([1.0]))
        raise Nearly(
            "The shape fits, the numbers do not. Take V = 2, b₁ = −3, b₂ = 1 and x = 0: what stands before the last ReLU? "
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
        "This is the lift of the cell above: enough, and more than needed. Positive weights never push h down.",
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
    """Check the reader's own hidden-ReLU model, 5 → 2 at 1 − S = 0.1: well below the base model's loss."""
    W1, b1, W2, b2 = _parameters(my_relu_model)
    features = SparseFeatures(5, 0.1)
    on = features.sample_active(500_000, generator=torch.Generator().manual_seed(5))
    before = on @ W1.T + b1

    def answer(h):
        return torch.relu(torch.relu(h) @ W2.T + b2)

    empty, x_hat = features.empty_probability.item(), answer(before)
    if callable(my_relu_model) and not same(my_relu_model(on[:1000]).detach(), x_hat[:1000]):
        raise Nearly(
            "This model's outputs are not ReLU(W₂ ReLU(W₁ x + b₁) + b₂): its forward does something else with these parameters. I asked for a HiddenReLU as it stands in section 3."
        )
    loss_on = reconstruction_loss(on, x_hat).item()
    loss = (1 - empty) * loss_on + empty * answer(b1).square().sum().item()
    silent = int((x_hat.amax(0) - x_hat.amin(0) < 1e-3).sum())
    if loss >= GOOD_LOSS:
        raise Nearly(
            f"Loss {loss:.4f}; the base model has {BASE_LOSS}. {_why_not_good(loss, silent, W1, W2, b2)}"
        )
    return (
        f"Loss {loss:.4f}; the base model has {BASE_LOSS}. While something is on, your hidden ReLU cuts "
        f"{(before < 0).float().mean():.1%} of h. What this model gains, it gains from a W₂ that is free: the free decoder of "
        "notebook 04 comes as low without any ReLU in the middle."
    )


def _why_not_good(loss: float, silent: int, W1: Tensor, W2: Tensor, b2: Tensor) -> str:
    if (b2 == 0).all():
        return "The output biases are all exactly 0, as before the first step. Has this model been trained?"
    if same(W2, W1.T, 1e-6):
        return "W₂ is still W₁ᵀ to the last digit: this is the base model in disguise. Now train it."
    if silent:
        return f"{silent} of its 5 outputs never move, and training on will not wake them. Begin again: another start, or more steps?"
    if loss < 0.95 * BASE_LOSS:
        return "All outputs move, and it is below the base model. What does it need to come lower still?"
    if loss > 1.2 * BASE_LOSS:
        return "All outputs move, but far from well. Which `feature_probability` has it seen, and for how many steps?"
    return "All outputs move, about as well as the base model's. What would more steps do?"


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


def _own(answers: Tensor) -> Tensor:
    return answers[answers.sum(1) == 1].sum(0)


OWN_MISTAKES = [
    (
        lambda W: (W >= 0.4).sum(0),
        "You count every neuron that answers to a feature. Which of them answer to nothing else?",
    ),
    (
        lambda W: (W >= 0.4).sum(0) == 1,
        "You ask which features move one neuron. That neuron may answer to other features too: look along the row.",
    ),
    (
        lambda W: (W >= 0.4)[(W >= 0.4).sum(1) == 1].any(0),
        "You say whether there is such a neuron, not how many there are.",
    ),
    (
        lambda W: _own(W.abs() >= 0.4),
        "You count strong negative weights too. A feature with a weight of −1 does not drive a ReLU, it holds it at 0.",
    ),
    (lambda W: _own(W > 0), "Every positive weight counts in your answer. It takes 0.4."),
    (lambda W: _own(W > 0.4), "Right but for a weight of exactly 0.4: “at least” includes it."),
    (
        lambda W: _own(W / W.amax(1, keepdim=True) >= 0.4),
        "You measured against the largest weight of each neuron. The 0.4 is meant as it stands.",
    ),
    (
        lambda W: torch.nn.functional.one_hot(W.argmax(1), W.shape[1]).sum(0),
        "You gave every neuron to its strongest feature. Some of them answer to several features, or to none.",
    ),
]


@exercise
def check_own_neurons(own_neurons) -> str:
    """Check own_neurons(W): how many neurons each feature of a hidden-ReLU model has to itself."""
    W = torch.tensor(
        [
            [0.5, -1.0, 0.25, 2.0, 0.5],
            [0.0, -0.125, 0.25, -0.5, -0.1],
            [-0.9, 0.4, 0.0, 0.0, 0.1],
            [0.1, 0.7, 0.2, -0.1, 0.0],
            [0.0, 0.3, 1.0, 0.3, 0.2],
            [1.2, -0.1, 0.6, 0.0, -0.3],
            [0.1, 0.0, 0.9, 0.1, -0.5],
        ]
    )
    shapes = {
        (7,): "Seven numbers, one per neuron. I asked for one per feature: which axis has to disappear?",
        (): "One number for all features together. I asked for one per feature.",
        (7, 5): "Your result says for each weight whether it counts. Keep some of the rows, then add up.",
        (4, 5): "Four rows are left, one for each neuron that answers to one feature alone. Now add them up.",
    }
    answer, expected = call(own_neurons, W, shape=(5,), shapes=shapes), _own(W >= 0.4).float()
    mistakes(answer, expected, [(lambda W, f=f: f(W).float(), said) for f, said in OWN_MISTAKES], W)
    if not same(answer, expected):
        wrong = int((answer != expected).nonzero()[0])
        raise Nearly(
            f"Feature {wrong}, with the column {nb03._row(W[:, wrong])}, gets {answer[wrong]:g} from you. Find the "
            "neurons that answer to it, and look along their rows."
        )
    return "What has a neuron to itself can be read off that neuron. What shares one needs the others to tell it apart."


@exercise
def check_other_middle(experiment, expected) -> Result:
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


def _read_gain(ratio) -> str:
    if ratio < 0.97:
        return "Lower: there is more to train"
    return "The same, within a percent or so" if ratio < 1.03 else "Higher: there is more to get wrong"


def _read_trained(observed) -> str:
    below, above = (int(value) for value in observed)
    if below and above and below + above > 8:
        return "Some far below it, some far above"
    if below > 8:
        return "All below: they can do what it can, and more"
    return (
        "All above: the ReLU throws half of h away" if above > 8 else "All about the same as the base model"
    )


def _read_which(observed) -> str | None:
    free, relu = (float(value) for value in observed)
    return {
        (True, False): "The way back of its own",
        (False, True): "The ReLU",
        (False, False): "Only both together",
    }.get((free < 0.8, relu < 0.8))


def _read_mutual(lopsided) -> str:
    if lopsided < 0.02:
        return "Yes: what i hears of j, j hears of i"
    return "Nearly: training brings W₂ close to W₁ᵀ" if lopsided < 0.3 else "No: they may be far apart"


def _read_turned(spread) -> str | None:
    without, with_relu = (float(value) > 1.02 for value in spread)
    return {
        (False, True): "Only with a ReLU in the middle",
        (True, True): "Always: each neuron gets other weights",
        (False, False): "Never: a turn keeps lengths and angles",
    }.get((without, with_relu))


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
        question="Trained from sixteen starts: what is the loss with b₁, beside the loss without?",
        options={
            "Lower: there is more to train": "More numbers, but no function that was not there before: b₂ could always do what b₁ does.",
            "The same, within a percent or so": "In this run it was otherwise.",
            "Higher: there is more to get wrong": "A redundant number gives training a second way to the same place, not a wrong way.",
        },
        observe=_read_gain,
        lesson="Counting parameters is not counting functions.",
    ),
    Choice(
        key="05.3",
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
        key="05.4",
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
        key="05.5",
        question="Is there a model with a ReLU in the middle that gives the very same outputs?",
        options={
            "No: what ReLU cuts off h is lost": "What is cut off is lost. But a b₁ can lift h so far that nothing is cut. A large b₁ keeps h above 0, and b₂ takes the lift back.",
            "Only if W has no negative entry": "Negative entries can be outweighed: add to h more than they can ever take away.",
            "Yes, for every base model": "In this run the outputs differed.",
        },
        observe=lambda apart: "Yes, for every base model" if apart < 1e-5 else None,
        lesson="Features are bounded, so a bounded lift keeps the ReLU idle.",
    ),
    Choice(
        key="05.6",
        question="Where do the sixteen runs with a ReLU and W₂ free end, seen from the base model?",
        options={
            "All below: they can do what it can, and more": "True of the best model, not of every one that training finds. Some starts lose an output on the way, for ever.",
            "All about the same as the base model": "You expected training to find the base model again. It goes past it, or loses an output on the way.",
            "Some far below it, some far above": "In this run they agreed.",
            "All above: the ReLU throws half of h away": "It would, without b₁. With it training lifts h out of the ReLU's reach.",
        },
        observe=_read_trained,
        lesson="What a model can do and what training finds are two things, and training may find either of two.",
    ),
    Choice(
        key="05.7",
        question="Which of the two changes brings runs far below the base model?",
        options={
            "The ReLU": "With W used twice the ReLU is there and at work, and gains a twentieth. Without it, W₂ free gains more than a third.",
            "The way back of its own": "In this run it was otherwise: compare the columns.",
            "Only both together": "Without a ReLU in the middle, W₂ free is enough to get there.",
        },
        observe=_read_which,
        lesson="Two changes at once are no experiment. One at a time, and the ReLU turns out to matter little here.",
    ),
    Choice(
        key="05.8",
        question="Is entry (i, j) equal to entry (j, i) here too?",
        options={
            "Yes: what i hears of j, j hears of i": "That is so because one W is used twice. Two matrices need not agree on anything.",
            "Nearly: training brings W₂ close to W₁ᵀ": "The tie is something that we impose. Nothing in the loss asks for it when the two are free.",
            "No: they may be far apart": "In this run they were close.",
        },
        observe=_read_mutual,
        lesson="Crosstalk is mutual only where one matrix is used twice.",
    ),
    Choice(
        key="05.9",
        question="The pentagon is turned, with b kept. Does its loss change?",
        options={
            "Never: a turn keeps lengths and angles": "It does, and a ReLU does not look at those. It looks at the sign of each neuron by itself.",
            "Only with a ReLU in the middle": "In this run it was otherwise: look at the two curves.",
            "Always: each neuron gets other weights": "They do, but without a ReLU no output depends on a neuron by itself: WᵀW stays.",
        },
        observe=_read_turned,
        lesson="Without a ReLU there are directions and no neurons. The ReLU makes the difference.",
    ),
    Choice(
        key="05.10",
        question="How many of the five neurons answer to one feature alone?",
        options={
            "All five, or nearly": "In this run fewer did.",
            "About half of them": "You pictured opposites sharing a neuron, as they share a line in the base model. Behind a ReLU one of the two is cut.",
            "None, or nearly": "You pictured the base model, where neurons mean nothing. A ReLU makes them count.",
        },
        observe=lambda count: (
            "All five, or nearly" if count > 4 else "About half of them" if count > 1 else "None, or nearly"
        ),
        lesson="On so often, only opposites could share, and a ReLU leaves no room for two opposites in one neuron.",
    ),
)
