"""Notebook 05: its exercises and predictions."""

import torch
from torch import Tensor

from tms_edu import SparseFeatures, reconstruction_loss
from tms_edu.checks.exercises import Nearly, NotTried, kind, require, same
from tms_edu.checks.forms import experiment, fill, function, normal, outcome
from tms_edu.checks.predictions import Choice, register


@function(
    normal(1, 5, 2),
    torch.tensor([1.5, -0.75]),
    normal(2, 5),
    mistakes=[
        (
            lambda V, b1, b2: b2 - V @ b1,
            "The sign. You cancel V b₁, as in section 1; here the hidden bias goes, and what it did must be kept.",
        ),
        (lambda V, b1, b2: b2, "You dropped b₁ without a trace. What did it add at the outputs?"),
        (
            lambda V, b1, b2: V @ b1,
            "What b₁ adds at the outputs is there. The output bias it had before is not.",
        ),
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
        (
            lambda V, b1, b2: b1,
            "You return two numbers, one per hidden dimension. An output bias has one per feature: take b₁ through V.",
        ),
        (
            lambda V, b1, b2: (V @ b1 + b2)[None],
            "Your result has shape (1, 5): one row. A bias is a vector, shape (5,).",
        ),
        (
            lambda V, b1, b2: V @ b1[:, None] + b2,
            "Your result is a 5 × 5 matrix: a row and a column were added up crosswise. Which of them has an axis too many?",
        ),
        (
            lambda V, b1, b2: (V @ b1 + b2)[:, None],
            "Your result has shape (5, 1): one column. A bias is a vector, shape (5,).",
        ),
    ],
    small=(
        "The shape fits, the numbers do not. Take V = 2, b₁ = −3, b₂ = 1 and x = 0: what stands before the last ReLU? "
        "Your function gives {got}.",
        (torch.tensor([[2.0]]), torch.tensor([-3.0]), torch.tensor([1.0])),
    ),
    otherwise="With one feature and one hidden number it is right, with five and two it is not. Which parts of V b₁ are left out, or mixed?",
    right="One bias less, the same outputs, whatever W is: it never entered. So a hidden bias is redundant beside a free decoder too.",
)
def check_absorbed(V, b1, b2) -> Tensor:
    """Check absorbed(V, b1, b2): the output bias that does the work of a hidden one."""
    return V @ b1 + b2


SIGNS = ["-", "0", "-", "-", "+", "-", "0", "-"]
TURNED = ["+", "0", "+", "+", "-", "+", "0", "+"]


@outcome(
    (lambda m: m.odd is not None, "“{odd}” is none of the three signs, “-”, “0” and “+”."),
    (
        lambda m: set(m.given) == {"0"},
        "All zero is the ideal picture. Is every feature of this one recovered?",
    ),
    (lambda m: m.given == TURNED, "Every sign is turned round. A bias that cuts is subtracted."),
    (
        lambda m: m.given[4] != "+",
        "Feature 4 has a blank row, and you gave it “{given[4]}”. Which constant is the best guess for a feature that is on now and then?",
    ),
    (
        lambda m: m.given[1] != "0" or m.given[6] != "0",
        "Features 1 and 6 hear each other in blue only. What does ReLU do with that, and what is left for a bias?",
    ),
    (
        lambda m: True,
        "Feature {wrong} hears two others in orange, and you gave it “{sign}”. What happens to its output when they are on?",
    ),
    good=lambda m: m.given == SIGNS,
    right="Orange off the diagonal is cut, blue needs no cut, and a blank row answers with its mean. You read b without seeing it.",
)
def check_signs(signs) -> dict:
    """Check eight signs of biases, read off a Gram matrix with a pentagon, a digon and a dropped feature."""
    eight = isinstance(signs, (list, tuple)) and len(signs) == 8
    require(eight, f"`signs` is {kind(signs)}; I expected a list of eight texts.")
    if any(sign is ... for sign in signs):
        raise NotTried
    given = [str(sign).strip().replace("−", "-") for sign in signs]
    odd = next((sign[:12] for sign in given if sign not in ("-", "0", "+")), None)
    wrong = next((i for i in range(8) if given[i] != SIGNS[i]), 0)
    return {"given": given, "odd": odd, "wrong": wrong, "sign": given[wrong]}


LIFTED = torch.tensor(
    [[0.5, -1.0, -0.25, 2.0, 0.0], [1.0, 0.5, 0.25, 0.75, 2.0], [-0.5, -0.5, 0.25, -1.5, -0.125]]
)


def _too_low_or_high(answer: Tensor, expected: Tensor) -> str:
    low = answer - expected
    what = "too small: some input takes h below 0" if low.min() < -1e-4 else "larger than needed"
    row = LIFTED[low.abs().argmax()]
    return fill("For one of my hidden dimensions your lift is {0}. Its weights are {1}.", what, row)


@function(
    LIFTED,
    mistakes=[
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
        (
            lambda W: -W.clamp(max=0).sum(0),
            "You return five numbers, one per feature. A lift belongs to a hidden dimension: sum along the rows.",
        ),
        (
            lambda W: -W.clamp(max=0).sum(),
            "You return one number. Each of the three hidden dimensions has a lift of its own.",
        ),
        (lambda W: -W.clamp(max=0), "You return one number per weight. The weights of a row add up."),
        (
            lambda W: -W.clamp(max=0).sum(1, keepdim=True),
            "Your result has shape (3, 1): one column. A bias is a vector, shape (3,).",
        ),
    ],
    otherwise=_too_low_or_high,
    right="With this b₁ every hidden ReLU is idle, for every input there can be. Any larger lift would do as well.",
)
def check_lift(W) -> Tensor:
    """Check lift(W): the smallest hidden bias that keeps a hidden ReLU out of work."""
    return -W.clamp(max=0).sum(1)


BASE_LOSS, GOOD_LOSS = 0.0263, 0.018
BESIDE = "Loss {loss:.4f}; the base model has {base}. "


@outcome(
    (
        lambda m: (m.b2 == 0).all(),
        BESIDE
        + "The output biases are all exactly 0, as before the first step. Has this model been trained?",
    ),
    (
        lambda m: same(m.W2, m.W1.T, 1e-6),
        BESIDE + "W₂ is still W₁ᵀ to the last digit: this is the base model in disguise. Now train it.",
    ),
    (
        lambda m: m.silent > 0,
        BESIDE
        + "{silent} of its 5 outputs never move, and their own error no longer teaches them. Train it on, or begin again from another start.",
    ),
    (
        lambda m: m.loss < 0.95 * BASE_LOSS,
        BESIDE + "All outputs move, and it is below the base model. What does it need to come lower still?",
    ),
    (
        lambda m: m.loss > 1.2 * BASE_LOSS,
        BESIDE
        + "All outputs move, but far from well. Which `feature_probability` has it seen, and for how many steps?",
    ),
    (
        lambda m: True,
        BESIDE + "All outputs move, about as well as the base model's. What would more steps do?",
    ),
    good=lambda m: m.loss < GOOD_LOSS,
    right=BESIDE
    + "While something is on, your hidden ReLU cuts {cut:.1%} of h. What this model gains, it gains from a W₂ that is free: "
    "the free decoder of notebook 04 comes as low without any ReLU in the middle.",
)
def check_relu_model(my_relu_model) -> dict:
    """Check the reader's own hidden-ReLU model, 5 → 2 at 1 − S = 0.1: well below the base model's loss."""
    W1, b1, W2, b2 = _parameters(my_relu_model)
    features = SparseFeatures(5, 0.1)
    on = features.sample_active(500_000, generator=torch.Generator().manual_seed(5))
    before, empty = on @ W1.T + b1, features.empty_probability
    x_hat, at_rest = (torch.relu(torch.relu(h) @ W2.T + b2) for h in (before, b1))
    require(
        not callable(my_relu_model) or same(my_relu_model(on[:1000]).detach(), x_hat[:1000]),
        "This model's outputs are not ReLU(W₂ ReLU(W₁ x + b₁) + b₂): its forward does something else with these parameters. "
        "I asked for a HiddenReLU as it stands in section 3.",
    )
    loss = (1 - empty) * reconstruction_loss(on, x_hat) + empty * at_rest.square().sum()
    return {
        "loss": loss,
        "base": BASE_LOSS,
        "silent": int((x_hat.amax(0) - x_hat.amin(0) < 1e-3).sum()),
        "cut": (before < 0).float().mean(),
        "W1": W1,
        "W2": W2,
        "b2": b2,
    }


def _parameters(model) -> list[Tensor]:
    found = [getattr(model, name, None) for name in ("W1", "b1", "W2", "b2")]
    if not all(isinstance(value, Tensor) for value in found):
        tied = hasattr(model, "W") and hasattr(model, "b_final")
        what = "a model with one W and no ReLU in the middle" if tied else kind(model)
        record = "the record of a run; its `.model` is what I need"
        raise Nearly(
            f"I expected a HiddenReLU, with W1, b1, W2 and b2, and got {record if hasattr(model, 'snapshots') else what}."
        )
    shapes = [tuple(value.shape) for value in found]
    require(
        shapes == [(2, 5), (2,), (5, 2), (5,)],
        f"W1 has shape {shapes[0]}; I expected (2, 5), one model of five features in two neurons.",
    )
    require(
        all(value.isfinite().all() for value in found),
        "A parameter is NaN or infinite: this run diverged. What does a lower `lr` do?",
    )
    return [value.detach() for value in found]


def _own(answers: Tensor) -> Tensor:
    return answers[answers.sum(1) == 1].sum(0)


SEVEN_NEURONS = torch.tensor(
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


def _first_wrong(answer: Tensor, expected: Tensor) -> str:
    wrong = int((answer != expected).nonzero()[0])
    return fill(
        "Feature {0}, with the column {1}, gets {2:g} from you. Find the neurons that answer to it, and look along their rows.",
        wrong,
        SEVEN_NEURONS[:, wrong],
        answer[wrong],
    )


@function(
    SEVEN_NEURONS,
    mistakes=[
        (
            lambda W: (W >= 0.4).sum(0),
            "You count every neuron that answers to a feature. Which of them answer to nothing else?",
        ),
        (
            lambda W: ((W >= 0.4).sum(0) == 1).float(),
            "You ask which features move one neuron. That neuron may answer to other features too: look along the row.",
        ),
        (
            lambda W: (W >= 0.4)[(W >= 0.4).sum(1) == 1].any(0).float(),
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
        (
            lambda W: (W >= 0.4).sum(1),
            "Seven numbers, one per neuron. I asked for one per feature: which axis has to disappear?",
        ),
        (
            lambda W: ((W >= 0.4).sum(1) == 1).sum(),
            "One number for all features together. I asked for one per feature.",
        ),
        (
            lambda W: (W >= 0.4).float(),
            "Your result says for each weight whether it counts. Keep some of the rows, then add up.",
        ),
        (
            lambda W: (W >= 0.4)[(W >= 0.4).sum(1) == 1].float(),
            "Four rows are left, one for each neuron that answers to one feature alone. Now add them up.",
        ),
    ],
    otherwise=_first_wrong,
    right="What has a neuron to itself can be read off that neuron. What shares one needs the others to tell it apart.",
)
def check_own_neurons(W) -> Tensor:
    """Check own_neurons(W): how many neurons each feature of a hidden-ReLU model has to itself."""
    return _own(W >= 0.4)


@experiment(returns="words, such as `read_gram(…).shape`")
def check_other_middle(experiment, expected):
    """Check an experiment of the reader's own on the hidden layer: eight seeds against what was expected."""


NEAR_0 = 0.01  # of a bias

register(
    Choice(
        key="05.1",
        question="For which models can an output bias cancel the hidden bias b₁ exactly?",
        rows=[
            (
                "For none: a shift of h cannot be undone",
                lambda share: share == 0,
                "You pictured the shift as lost information. It is a constant, known once and for all, and a constant can be subtracted.",
            ),
            (
                "Where the columns of W are nearly orthonormal",
                lambda share: False,
                "This is the post's reasoning. Multiply out: Wᵀ(Wx + b₁) = WᵀWx + Wᵀb₁ needs nothing of W.",
            ),
            (
                "Where b₁ is small",
                lambda share: False,
                "Size plays no part: a linear map sends a constant to a constant, a large one to a large one.",
            ),
            (
                "For all of them",
                lambda share: share == 1,
                "Some difference was left in this run: more than rounding.",
            ),
        ],
        lesson="Without a ReLU in between, a constant goes in and a constant, Wᵀb₁, comes out.",
    ),
    Choice(
        key="05.2",
        question="Trained from sixteen starts: what is the loss with b₁, beside the loss without?",
        rows=[
            (
                "Lower: there is more to train",
                lambda ratio: ratio < 0.97,
                "More numbers, but no function that was not there before: b₂ could always do what b₁ does.",
            ),
            (
                "The same, within a percent or so",
                lambda ratio: 0.97 <= ratio < 1.03,
                "In this run it was otherwise.",
            ),
            (
                "Higher: there is more to get wrong",
                lambda ratio: ratio >= 1.03,
                "A redundant number gives training a second way to the same place, not a wrong way.",
            ),
        ],
        lesson="Counting parameters is not counting functions.",
    ),
    Choice(
        key="05.3",
        question="Which of the three has its lowest loss within 0.01 of b = 0?",
        rows=[
            (
                "All three",
                lambda best: max(map(abs, best)) < NEAR_0,
                "The ideal picture has b = 0. It fits features that are recovered, not those that are dropped or hear positive crosstalk.",
            ),
            (
                "The digon only",
                lambda best: abs(best[1]) < NEAR_0 <= min(abs(best[0]), abs(best[2])),
                "In this run it was otherwise: look at the three minima.",
            ),
            (
                "The digon and the dropped feature",
                lambda best: max(abs(best[1]), abs(best[2])) < NEAR_0 <= abs(best[0]),
                "Dropped is not silent: its best constant is its mean, (1 − S)/2 = 0.025.",
            ),
            (
                "None of them",
                lambda best: min(map(abs, best)) >= NEAR_0,
                "A digon's partners hear each other in blue, and ReLU removes that for nothing. Its best b is not quite 0, but it is 0.0004.",
            ),
        ],
        lesson="Cut what is positive, leave what is negative, answer with the mean where nothing is known.",
    ),
    Choice(
        key="05.4",
        question="Every bias is held at 0. What does training find?",
        rows=[
            (
                "A pentagon, about as good as before",
                lambda seen: seen[0] >= 8 and seen[1] < 1.2,
                "You gave the bias little to do. It is what cuts the crosstalk of two neighbours.",
            ),
            (
                "A pentagon, with a clearly higher loss",
                lambda seen: seen[0] >= 8 and seen[1] >= 1.2,
                "In this run it was otherwise: see the line above.",
            ),
            (
                "No pentagon any more",
                lambda seen: seen[0] < 8,
                "You thought of the bias as what makes the pentagon possible. Five directions with some crosstalk still beat a lost feature.",
            ),
        ],
        lesson="The arrangement stays, the price rises: lengths below 1 do what the bias did, and worse.",
    ),
    Choice(
        key="05.5",
        question="Is there a model with a ReLU in the middle that gives the very same outputs?",
        rows=[
            (
                "No: what ReLU cuts off h is lost",
                lambda apart: False,
                "What is cut off is lost. But a b₁ can lift h so far that nothing is cut. A large b₁ keeps h above 0, and b₂ takes the lift back.",
            ),
            (
                "Only if W has no negative entry",
                lambda apart: False,
                "Negative entries can be outweighed: add to h more than they can ever take away.",
            ),
            (
                "Yes, for every base model",
                lambda apart: apart < 1e-5,
                "In this run the outputs differed.",
            ),
        ],
        lesson="Features are bounded, so a bounded lift keeps the ReLU idle.",
    ),
    Choice(
        key="05.6",
        question="Where do the sixteen runs with a ReLU and W₂ free end, seen from the base model?",
        rows=[
            (
                "All below: they can do what it can, and more",
                lambda runs: runs[0] > 8 and runs[1] == 0,
                "True of the best model, not of every one that training finds. Some starts lose an output on the way.",
            ),
            (
                "All about the same as the base model",
                lambda runs: sum(runs) <= 8,
                "You expected training to find the base model again. It goes past it, or loses an output on the way.",
            ),
            (
                "Some far below it, some far above",
                lambda runs: min(runs) > 0 and sum(runs) > 8,
                "In this run they agreed.",
            ),
            (
                "All above: the ReLU throws half of h away",
                lambda runs: runs[1] > 8 and runs[0] == 0,
                "It would, without b₁. With it training lifts h out of the ReLU's reach.",
            ),
        ],
        lesson="What a model can do and what training finds are two things, and training may find either of two.",
    ),
    Choice(
        key="05.7",
        question="Which of the two changes brings runs far below the base model?",
        rows=[
            (
                "The ReLU",
                lambda best: best[1] < 0.8 <= best[0],
                "With W used twice the ReLU is there and at work, and gains a twentieth. Without it, W₂ free gains more than a third.",
            ),
            (
                "The way back of its own",
                lambda best: best[0] < 0.8 <= best[1],
                "In this run it was otherwise: compare the columns.",
            ),
            (
                "Only both together",
                lambda best: min(best) >= 0.8,
                "Without a ReLU in the middle, W₂ free is enough to get there.",
            ),
        ],
        lesson="Two changes at once are no experiment. One at a time, and the ReLU turns out to matter little here.",
    ),
    Choice(
        key="05.8",
        question="Is entry (i, j) equal to entry (j, i) here too?",
        rows=[
            (
                "Yes: what i hears of j, j hears of i",
                lambda lopsided: lopsided < 0.02,
                "That is so because one W is used twice. Two matrices need not agree on anything.",
            ),
            (
                "Nearly: training brings W₂ close to W₁ᵀ",
                lambda lopsided: 0.02 <= lopsided < 0.3,
                "The tie is something that we impose. Nothing in the loss asks for it when the two are free.",
            ),
            (
                "No: they may be far apart",
                lambda lopsided: lopsided >= 0.3,
                "In this run they were close.",
            ),
        ],
        lesson="Crosstalk is mutual only where one matrix is used twice.",
    ),
    Choice(
        key="05.9",
        question="A trained model is turned, with b kept. Does its loss change?",
        rows=[
            (
                "Never: a turn keeps lengths and angles",
                lambda spread: max(spread) <= 2,
                "It does, and a ReLU does not look at those. It looks at the sign of each neuron by itself.",
            ),
            (
                "Only with a ReLU in the middle",
                lambda spread: spread[0] <= 2 < spread[1],
                "In this run it was otherwise: look at the curves.",
            ),
            (
                "Always: each neuron gets other weights",
                lambda spread: min(spread) > 2,
                "They do, but without a ReLU no output depends on a neuron by itself: WᵀW stays.",
            ),
        ],
        lesson="Without a ReLU there are directions and no neurons. The ReLU makes the difference.",
    ),
    Choice(
        key="05.10",
        question="How many of the five neurons answer to one feature alone?",
        rows=[
            (
                "All five, or nearly",
                lambda count: count > 4,
                "In this run fewer did.",
            ),
            (
                "About half of them",
                lambda count: 1 < count <= 4,
                "You pictured opposites sharing a neuron, as they share a line in the base model. Behind a ReLU one of the two is cut.",
            ),
            (
                "None, or nearly",
                lambda count: count <= 1,
                "You pictured the base model, where neurons mean nothing. A ReLU makes them count.",
            ),
        ],
        lesson="On so often, only opposites could share, and a ReLU leaves no room for two opposites in one neuron.",
    ),
)
