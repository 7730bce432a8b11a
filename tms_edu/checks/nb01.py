"""Notebook 01: its exercises and predictions."""

from itertools import product

import torch
from torch import Tensor

from tms_edu import gram
from tms_edu.checks.exercises import exercise, kind, number, require, run, same, tensor
from tms_edu.checks.forms import detached, fill, function, normal, outcome, reads_seed
from tms_edu.checks.predictions import Choice, Number, register
from tms_edu.checks.result import COUNTED, Result
from tms_edu.digits import (
    DigitsNetwork,
    accuracy,
    class_means,
    digits_per_neuron,
    fires_for,
    load_digits,
    network_of_the_text,
    shared_ink,
)
from tms_edu.wording import join, plain

ACTIVATIONS = torch.relu(normal(1, 57, 3))
LABELS = torch.cat([torch.arange(10), torch.arange(8), torch.arange(9) ** 2 % 10, torch.arange(30) % 7])


def _for_each_digit(summary, h: Tensor, labels: Tensor) -> Tensor:
    return torch.stack([summary(h[labels == k]) for k in range(10)])


def _most_wrong_digit(answer: Tensor, expected: Tensor) -> str:
    row = int((answer - expected).abs().amax(1).argmax())
    return (
        f"The shape fits, the numbers do not, in row {row} most of all. Take `h[labels == {row}]`: how many rows has it, "
        "and what becomes of each column?"
    )


@function(
    ACTIVATIONS,
    LABELS,
    mistakes=[
        (
            lambda h, y: class_means(h, y).mT,
            "You have the right axes the other way round: one row per digit, one column per neuron.",
        ),
        (
            lambda h, y: h.mean(0),
            "You return one mean per neuron, over all images. Each digit gets a row of its own.",
        ),
        (
            lambda h, y: class_means(h, y).mean(1),
            "You return one number per digit: the neurons got averaged away. Which axis holds the images?",
        ),
        (
            lambda h, y: h,
            "You return a row per image. The images of one digit become one row, their mean.",
        ),
        (
            lambda h, y: _for_each_digit(lambda part: part.sum(0), h, y),
            "These are sums. Frequent digits get more than rare ones; a mean does not care.",
        ),
        (
            lambda h, y: _for_each_digit(lambda part: part.sum(0) / len(h), h, y),
            "You divided by the number of all images. Divide by the number of images of that digit.",
        ),
        (
            lambda h, y: _for_each_digit(lambda part: part.amax(0), h, y),
            "This is the strongest answer to each digit, not the mean: one odd image decides.",
        ),
        (
            lambda h, y: _for_each_digit(lambda part: (part > 0).float().mean(0), h, y),
            "This is how often the neuron is on. How strongly it answers is lost.",
        ),
        (
            lambda h, y: _for_each_digit(lambda part: part.sum(0) / (part > 0).sum(0).clamp(min=1), h, y),
            "You averaged only over the images for which the neuron is on. Silence counts too, as 0.",
        ),
        (
            lambda h, y: _for_each_digit(lambda part: part.median(0).values, h, y),
            "This is the median. The mean also hears the few strong answers.",
        ),
    ],
    otherwise=_most_wrong_digit,
    right="One row per digit, one column per neuron: the table that tells what each neuron fires for.",
)
def check_class_means(h, labels) -> Tensor:
    """Check class_means(h, labels): the mean activation of each neuron on each digit."""
    return class_means(h, labels)


@outcome(
    (
        lambda m: m.accuracy < 0.8,
        "This network names {accuracy:.0%} of the unseen images right. Has it been trained, and to the end?",
    ),
    (
        lambda m: m.of_the_text,
        "This is the network of section 1. Train one from another seed: its neurons are other ones.",
    ),
    (lambda m: not m.fires, "Neuron {i} is on for hardly any image. Choose one that fires."),
    (
        lambda m: m.missed is not None,
        "On a {missed} neuron {i} has a mean of {mean:.2f}; its favourite is {favourite}, with {most:.2f}. "
        "Firing means at least half of that.",
    ),
    right="Accuracy {accuracy:.0%}, and neuron {i} fires for {named}. Of what excites it in a {a} or a {b}, "
    "{shared:.0%} is ink that both have. Is that one stroke with two names, or two reasons to fire?",
)
def check_polysemantic(network, neuron, digits) -> dict:
    """Check a network of the reader's own, and a neuron in it that fires for two digits."""
    _require_one_network(network)
    i, (a, b), m = _whole(neuron, "my_neuron"), _two_digits(digits), network.W1.shape[0]
    require(0 <= i < m, f"This network has neurons 0 to {m - 1}; there is no neuron {i}.")
    images, labels = load_digits("test")
    means = class_means(network.hidden(images).detach(), labels)[:, i]
    fires = fires_for(means[:, None])[:, 0].nonzero()[:, 0].tolist()
    missed = next((k for k in (a, b) if k not in fires), None)
    return {
        "accuracy": accuracy(network),
        "of_the_text": same(network.W1.detach(), network_of_the_text(1).W1.detach(), 1e-2),
        "i": i,
        "a": a,
        "b": b,
        "fires": fires,
        "named": join(fires),
        "missed": missed,
        "mean": means[missed or 0],
        "favourite": means.argmax(),
        "most": means.max(),
        "shared": shared_ink(network.W1[i].detach(), *(images[labels == k].mean(0) for k in (a, b))),
    }


def _require_one_network(network) -> None:
    trained = f"I expected a trained DigitsNetwork and got {kind(network)}. `train_digits` returns one."
    require(isinstance(network, DigitsNetwork), trained)
    beside = f"These are {join(network.instances)} networks side by side. Hand over one."
    require(not network.instances, beside)


def _whole(value, name: str) -> int:
    found = number(value, name=f"`{name}`")
    require(found == int(found), f"`{name}` is {plain(found, 'g')}, and I expected a whole number.")
    return int(found)


def _two_digits(digits) -> list[int]:
    listed = not isinstance(digits, str) and hasattr(digits, "__len__") and getattr(digits, "ndim", 1) > 0
    require(
        listed and len(digits) == 2,
        f"`my_digits` is {kind(digits)}. Two digits go in as a pair, for example `(0, 1)`.",
    )
    a, b = (_whole(k, "my_digits") for k in digits)
    different = f"`my_digits` is ({a}, {b}): I expected two different digits, each from 0 to 9."
    require(a != b and {a, b} <= set(range(10)), different)
    return [a, b]


@outcome(
    (
        lambda m: m.size < 0.14,
        "This Q flattens the plane onto a line: two features go in, and one number is left of them.",
    ),
    (
        lambda m: not m.keeps_lengths and same(m.Q / m.size @ m.Q.T / m.size, torch.eye(2), 0.02),
        "Your Q turns and also stretches, by {size:.2f}. A rotation keeps lengths: QᵀQ = I.",
    ),
    (
        lambda m: not m.keeps_lengths,
        "QᵀQ is not the identity, so this Q bends angles, and WᵀW with them. A rotation leaves both alone.",
    ),
    (lambda m: same(m.Q, torch.eye(2), 0.02), "Q = I leaves every neuron as it was."),
    (
        lambda m: m.mixed and same(m.Q, m.W, 0.01),
        "Q = W turns once more by what W has turned already. You want to turn back.",
    ),
    (
        lambda m: m.mixed,
        "Q {moves}, and the first column of QW then is ({x:.2f}, {y:.2f}). It should lie on an axis.",
    ),
    right="{mirrored}Each neuron answers to one feature now, and WᵀW is what it was, to {drift:.0e}. "
    "Nothing about the features changed; the neurons did. In a network with a ReLU on the hidden layer you could not do this.",
)
def check_turn(Q, W) -> dict:
    """Check a rotation Q (2, 2) after which each neuron of W (2, 2) answers to one feature."""
    W = tensor(detached(W), shape=(2, 2), name="W")
    Q = tensor(detached(Q), shape=(2, 2), name="Q")
    turned, reflects = Q @ W, bool(Q.det() < 0)
    angle = torch.atan2(Q[1, 0], Q[0, 0]).rad2deg()
    return {
        "Q": Q,
        "W": W,
        "size": Q.det().abs() ** 0.5,
        "keeps_lengths": same(Q.T @ Q, torch.eye(2), 0.02),
        "mixed": bool(((turned.abs() / turned.norm(dim=0)).amin(0) > 0.05).any()),
        "moves": "mirrors the plane" if reflects else fill("turns by {:.0f}°", angle),
        "x": turned[0, 0],
        "y": turned[1, 0],
        "mirrored": "Q is a reflection, which keeps lengths and angles as a rotation does. "
        if reflects
        else "",
        "drift": (gram(turned) - gram(W)).abs().max(),
    }


DETECTORS = {"whiskers": 1.0, "tail": 0.5, "ear": 2.0}


@outcome(
    (
        lambda m: m.silent,
        "This neuron never fires, not even for whiskers, tail and ear together. What is the sum when all three are on?",
    ),
    (
        lambda m: m.wrongly > 1e-4,
        "With {there} on, and {missing} off, it gives {wrongly:.2f}: {sum}. I asked for 0 there.",
    ),
    (
        lambda m: abs(m.cat - 1) > 1e-3,
        "It fires for all three and nothing else, with {cat:.2f}. I asked for 1.",
    ),
    right="An intersection: a loud detector gets a small weight, a quiet one a large weight, and the bias takes back what any two can bring.",
)
def check_wiring(w, b) -> dict:
    """Check ReLU(w·x + b) for detectors that give 1, 0.5 and 2 when they are on: 1 for all three, 0 for every other case."""
    shapes = {
        (1, 3): "w has shape (1, 3): one neuron needs one weight per detector, shape (3,).",
        (): "One weight for all? Each detector has its own: shape (3,).",
    }
    w, b = tensor(w, shape=(3,), shapes=shapes, name="`w`"), number(b, name="`b`")
    on = torch.tensor(list(product((False, True), repeat=3)))
    brought = on * torch.tensor(list(DETECTORS.values())) * w
    out = torch.relu(brought.sum(-1) + b)
    case = int((out[:-1] > 1e-4).int().argmax())
    parts = [plain(part, ".2f") for part in brought[case][on[case]]]
    return {
        "silent": bool((out < 1e-4).all()),
        "cat": out[-1].item(),
        "wrongly": out[case],
        "there": " and ".join(name for name, is_on in zip(DETECTORS, on[case], strict=True) if is_on)
        or "nothing",
        "missing": " and ".join(name for name, is_on in zip(DETECTORS, on[case], strict=True) if not is_on),
        "sum": f"{' + '.join(parts) or '0'} {'−' if b < 0 else '+'} {abs(b):.2f}",
    }


ANIMALS = torch.tensor(
    [
        [1.0, 1, 1],
        [0, 0, 0],
        [1, 1, 0],
        [0, 1, 1],
        [3, 0, 0],
        [0, 2.5, 0],
        [2, 2, 0],
        [3, 1.5, 1],
        [1.5, 3, 2],
        [0.5, 0.6, 0.7],
        [0.001, 1, 1],
        [0.999, 1, 1],
        [0.9, 0.8, 3],
        [0.7, 1, 0.8],
        [2, 0.9, 0.6],
    ]
)


def _most_wrong_animal(answer: Tensor, expected: Tensor) -> str:
    row = int((answer - expected).abs().argmax())
    return fill(
        "For (whiskers, tail, ear) = {0} your cat gives {1:.2f}. Follow this animal through your lines by hand.",
        ANIMALS[row],
        answer[row],
    )


@function(
    ANIMALS,
    mistakes=[
        (
            lambda x: torch.relu(x.sum(-1) - 2),
            "This is the neuron you had before: whiskers of 3 alone still make a cat. What could keep a detector from saying more than 1?",
        ),
        (
            lambda x: torch.relu((x > 0).float().sum(-1) - 2),
            "A detector that whispers 0.001 counts as if it were sure: `x > 0` jumps. It is no weighted sum with a ReLU.",
        ),
        (
            lambda x: (x >= 1).all(-1).float(),
            "A test such as `x >= 1` jumps: whiskers of 0.999 are no whiskers. Sums and ReLUs cannot jump. How would they come near?",
        ),
        (
            lambda x: x.amin(-1),
            "The smallest of three is an intersection for detectors that stop at 1. Yours do not, and a ReLU neuron adds and does not compare.",
        ),
        (
            lambda x: x.clamp(max=1).amin(-1),
            "You clipped, and then took the smallest: what a second detector lacks is lost. A ReLU neuron adds and does not compare. "
            "What bias turns a sum of three into an intersection?",
        ),
        (lambda x: x.prod(-1), "A product is an intersection too, but no ReLU neuron multiplies its inputs."),
        (
            lambda x: x.clamp(max=1).prod(-1),
            "You clipped, and then multiplied. A ReLU neuron adds: what bias turns a sum of three into an intersection?",
        ),
        (
            lambda x: x.clamp(max=1).sum(-1) - 2,
            "Some of your answers are negative. The last ReLU is missing.",
        ),
        (
            lambda x: x.clamp(max=1).sum(-1),
            "The bias is missing: nothing is taken back, so one detector is enough.",
        ),
        (
            lambda x: torch.relu(x - 1).sum(-1),
            "You kept what a detector says beyond 1. Take that away from x, and keep the rest.",
        ),
        (
            lambda x: torch.relu(x.sum(-1) - 2).clamp(max=1),
            "You limited the sum, after the damage: whiskers of 3 alone are still a cat. Limit each detector first.",
        ),
        (
            lambda x: torch.relu(x.clamp(max=1).sum(-1) - 2).sum(),
            "You return one number for a whole batch. Sum over the detectors of each row, `dim=-1`.",
        ),
        (
            lambda x: torch.relu(x.clamp(max=1).sum(0) - 2),
            "You return one number per detector: the sum ran over the animals. Which axis holds the detectors?",
        ),
        (
            lambda x: torch.relu(x.clamp(max=1) - 2),
            "You return three numbers per animal. Where are they added up?",
        ),
        (
            lambda x: torch.relu(x.clamp(max=1).sum(-1, keepdim=True) - 2),
            "You return a column, and I expected a row: one number per animal, without `keepdim`.",
        ),
    ],
    otherwise=_most_wrong_animal,
    right="min(x, 1) = x − ReLU(x − 1): a layer of three neurons tames the detectors, one more takes their intersection.",
)
def check_cat(x) -> Tensor:
    """Check cat(x) for rows of three detector values from 0 to 3: 1 less what they lack to 1 together, at least 0."""
    return torch.relu(x.clamp(max=1).sum(-1) - 2)


@exercise
def check_firing(experiment, expected) -> Result:
    """Check an experiment of the reader's own on networks trained differently: four seeds against the network of the text."""
    word = expected.strip().lower() if isinstance(expected, str) else ""
    got = f"“{word[:20]}”" if word else kind(expected)
    require(
        word in ("more", "fewer"),
        f'`expected` is {got}. Write "more" or "fewer": digits per firing neuron, against the network of this notebook.',
    )
    mine = [_digits_of_run(experiment, seed) for seed in range(4)]
    require(
        reads_seed(experiment),
        "Your experiment never uses its seed, so nobody can repeat one of its four runs, or tell them apart.",
    )
    require(all(mine), "In one of your networks no neuron fires at all. What made them all silent?")
    require(
        len({round(count, 3) for count in mine}) > 1,
        "Four seeds gave one and the same network. Does `seed` reach the generator of the weights?",
    )
    plain_ones = [digits_per_neuron(network_of_the_text(seed)) for seed in range(4)]
    more = [a - b for a, b in zip(mine, plain_ones, strict=True)]
    ties = sum(abs(difference) < 1e-6 for difference in more)
    require(
        ties < 4,
        "Nothing moved: all four networks fire for as many digits as those of the text. What did you change?",
    )
    hits = sum((difference if word == "more" else -difference) > 1e-6 for difference in more)
    tally = "; ".join(f"{a:.1f} against {b:.1f}" for a, b in zip(mine, plain_ones, strict=True))
    tied = f"Ties: {ties}; a tie is neither more nor fewer. " if ties else ""
    verdict = {
        0: "Which part of your picture has to give?",
        4: "All went as you expected: what would you change next, to prove yourself wrong?",
    }.get(hits, "How many seeds would you want before you believe either side?")
    counted = f"{hits} of 4 networks do" if hits else "None of 4 networks does"
    return Result(COUNTED, f"You expected {word} digits per neuron. {counted} ({tally}). {tied}{verdict}")


def _digits_of_run(experiment, seed: int) -> float:
    network = run(experiment, seed)
    require(
        isinstance(network, DigitsNetwork) and not network.instances,
        f"For seed {seed} your experiment returns {kind(network)}. Let it return one trained DigitsNetwork.",
    )
    return digits_per_neuron(network)


def _gains(digits_each: dict[float, float]) -> float:
    return float(digits_each[0.0] - digits_each[0.01])


register(
    Number(
        "01.1",
        "For how many of the ten digits does a single neuron do about as well as the weighted sum?",
        exact=1.0,
        far=5.0,
        too_low="You trusted single neurons too little. For some digits one of them is nearly as good as all sixteen.",
        too_high="You trusted single neurons too much. For most digits the best of them is beaten: the detector is spread over several.",
        lesson="Some digits have a good neuron, most are spread over several.",
    ),
    Choice(
        "01.2",
        "Rotate the hidden layer of two networks, and undo it afterwards. What becomes of their answers?",
        [
            (
                "Neither changes its answers",
                lambda falls: falls[0] <= 0.02 and falls[1] <= 0.02,
                "What is rotated and rotated back is unchanged only if nothing happened in between. A ReLU happened.",
            ),
            (
                "Both get worse",
                lambda falls: falls[0] > 0.02 and falls[1] > 0.02,
                "Without a ReLU the two rotations cancel exactly, QᵀQ = I, and nobody downstream can tell.",
            ),
            (
                "Only the one with the ReLU gets worse",
                lambda falls: falls[1] > 0.02,
                "This run differs: look at the two accuracies again.",
            ),
            (
                "Only the one without the ReLU gets worse",
                lambda falls: falls[0] > 0.02,
                "It is the ReLU that cares about axes: it cuts each neuron on its own.",
            ),
        ],
        lesson="A ReLU cuts along the axes, so the axes matter. Without one, no axis is special.",
    ),
    # Seen: runs; with a ReLU, those with a neuron per feature, and those of them that lose nothing; without a ReLU, those
    # with a neuron per feature.
    Choice(
        "01.3",
        "With a ReLU on three neurons, do three features get a neuron each?",
        [
            (
                "Yes, in every run",
                lambda seen: seen[1] == seen[0],
                "Being best is not being found: about one run in four gets stuck at a mixture, and pays for it.",
            ),
            (
                "In some runs, and those lose nothing",
                lambda seen: seen[3] < seen[1] == seen[2],
                "Here the runs went another way; look at the two counts.",
            ),
            (
                "No more often than without a ReLU",
                lambda seen: seen[1] <= seen[3],
                "The ReLU is what makes a neuron per feature worth something: mixtures lose a part of what is cut away.",
            ),
        ],
        lesson="The ReLU rewards a neuron per feature. It does not guarantee it.",
    ),
    Number(
        "01.4",
        "Sixteen neurons, ten digits. How many digits get a neuron that fires for them alone?",
        exact=1.0,
        far=6.0,
        too_low="A few specialists there are; look for the columns with one dot.",
        too_high="There is room for ten specialists, and training does not ask for them: a stroke that several digits share is more useful.",
        lesson="A few specialists, and many neurons that serve several digits.",
    ),
    # Seen: runs in which both neurons answer to both features; runs.
    Choice(
        "01.5",
        "Two features, two neurons, nothing lost. What do the neurons answer to?",
        [
            (
                "One feature each",
                lambda seen: seen[0] == 0,
                "Nothing asks for it: any rotation of a perfect W is perfect too, and a random one mixes the neurons.",
            ),
            (
                "Both to both, in most runs",
                lambda seen: seen[0] > seen[1] / 2,
                "This time most runs landed near the axes; try another seed.",
            ),
        ],
        lesson="Polysemantic neurons, and not a trace of superposition.",
    ),
    Number(
        "01.6",
        "One neuron carries two features. Shown one at a time, for how many of them is its activation above 0?",
        exact=0.0,
        far=1.0,
        too_low="It has to fire for something: a neuron that stays at 0 or below on both could not tell the first from nothing, after a ReLU.",
        too_high="You counted answers of either sign. The second feature pushes the activation below 0, and a ReLU would show nothing.",
        lesson="One pushes up, the other down: two features, and only one for which the neuron fires.",
    ),
    Choice(
        "01.7",
        "All weights are 1, detectors are 0 or 1. Which bias makes the neuron fire for all three, and never for fewer?",
        [
            (
                "0",
                lambda bias: bias == 0,
                "Without a bias one detector is enough: the sum is 1, and that is above 0.",
            ),
            (
                "−1",
                lambda bias: bias == -1,
                "With −1 two detectors are enough: 2 − 1 is above 0. What is the most that two can bring?",
            ),
            ("−2", lambda bias: bias == -2, "This run took other weights; look at the list."),
            (
                "−3",
                lambda bias: bias == -3,
                "With −3 even all three cannot lift it above 0: 3 − 3 is 0, and a ReLU fires above it.",
            ),
        ],
        lesson="Two can bring 2, three bring 3; the bias stands between.",
    ),
    # Seen: S of the independent set, of the one that is on together, of the one that never is.
    Choice(
        "01.8",
        "Three sets of ten features, each feature on one time in ten. Which set has the highest S?",
        [
            (
                "The set that is never on together",
                lambda S: S[2] > max(S[:2]) + 0.02,
                "S asks how often one feature is off, and nothing about its company.",
            ),
            (
                "The set that is always on together",
                lambda S: S[1] > max(S[0], S[2]) + 0.02,
                "S asks how often one feature is off, and nothing about its company.",
            ),
            (
                "All three have the same S",
                lambda S: max(S) - min(S) < 0.02,
                "In this draw they differ by chance; take more rows.",
            ),
        ],
        lesson="S is about one feature at a time. How often two meet is another number.",
    ),
    Choice(
        "01.9",
        "Activity costs nothing any more. For how many digits does a firing neuron fire, on average?",
        [
            (
                "For fewer: free to specialise",
                lambda digits_each: _gains(digits_each) <= -0.5,
                "Nothing in the loss asks for specialists. A neuron that may fire at no cost fires for more.",
            ),
            (
                "For as many: the price was small",
                lambda digits_each: abs(_gains(digits_each)) < 0.5,
                "Small against the loss, but it is all that speaks for silence. Without it there is no reason to be off.",
            ),
            (
                "For more: nothing asks for silence",
                lambda digits_each: _gains(digits_each) >= 0.5,
                "This run went another way; look at the two numbers.",
            ),
        ],
        lesson="Silence has to be paid for; what is free is used.",
    ),
)
