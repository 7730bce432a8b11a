"""Notebook 01: its exercises and predictions."""

from functools import lru_cache
from itertools import product

import torch
from torch import Generator, Tensor

from tms_edu import gram
from tms_edu.checks.exercises import Nearly, call, exercise, kind, mistakes, number, run, same, tensor
from tms_edu.checks.predictions import Choice, Number, register
from tms_edu.checks.result import COUNTED, Result
from tms_edu.digits import (
    DigitsNetwork,
    accuracy,
    class_means,
    fires_for,
    in_words,
    load_digits,
    train_digits,
)

MEANS_SHAPES = {
    (3, 10): "You have the right axes the other way round: one row per digit, one column per neuron.",
    (3,): "You return one mean per neuron, over all images. Each digit gets a row of its own.",
    (10,): "You return one number per digit: the neurons got averaged away. Which axis holds the images?",
    (57, 3): "You return a row per image. The images of one digit become one row, their mean.",
}
MEANS_MISTAKES = [
    (
        lambda h, y: _stacked(h, y, lambda part: part.sum(0)),
        "These are sums. Frequent digits get more than rare ones; a mean does not care.",
    ),
    (
        lambda h, y: _stacked(h, y, lambda part: part.sum(0) / len(h)),
        "You divided by the number of all images. Divide by the number of images of that digit.",
    ),
    (
        lambda h, y: _stacked(h, y, lambda part: part.amax(0)),
        "This is the strongest answer to each digit, not the mean: one odd image decides.",
    ),
    (
        lambda h, y: _stacked(h, y, lambda part: (part > 0).float().mean(0)),
        "This is how often the neuron is on. How strongly it answers is lost.",
    ),
    (
        lambda h, y: _stacked(h, y, lambda part: part.sum(0) / (part > 0).sum(0).clamp(min=1)),
        "You averaged only over the images for which the neuron is on. Silence counts too, as 0.",
    ),
    (
        lambda h, y: _stacked(h, y, lambda part: part.median(0).values),
        "This is the median. The mean also hears the few strong answers.",
    ),
]


@exercise
def check_class_means(class_means) -> str:
    """Check class_means(h, labels): the mean activation of each neuron on each digit."""
    generator = Generator().manual_seed(1)
    h = torch.relu(torch.randn(57, 3, generator=generator))
    labels = torch.cat([torch.arange(10), torch.arange(8), torch.arange(9) ** 2 % 10, torch.arange(30) % 7])
    expected = _stacked(h, labels, lambda part: part.mean(0))
    answer = call(class_means, h, labels, shape=(10, 3), shapes=MEANS_SHAPES)
    mistakes(answer, expected, MEANS_MISTAKES, h, labels)
    if not same(answer, expected):
        row = int((answer - expected).abs().amax(1).argmax())
        raise Nearly(
            f"The shape fits, the numbers do not, in row {row} most of all. Take `h[labels == {row}]`: how many rows has it, "
            "and what becomes of each column?"
        )
    return "One row per digit, one column per neuron: the table that tells what each neuron fires for."


def _stacked(h: Tensor, labels: Tensor, summary) -> Tensor:
    return torch.stack([summary(h[labels == k]) for k in range(10)])


@exercise
def check_polysemantic(network, neuron, digits) -> str:
    """Check a network of the reader's own, and a neuron in it that fires for two digits."""
    network, i, (a, b) = _own_network(network), _whole(neuron, "my_neuron"), _two_digits(digits)
    m = network.W1.shape[0]
    if not 0 <= i < m:
        raise Nearly(f"This network has neurons 0 to {m - 1}; there is no neuron {i}.")
    right = accuracy(network).item()
    if right < 0.8:
        raise Nearly(
            f"This network names {right:.0%} of the unseen images right. Has it been trained, and to the end?"
        )
    if same(network.W1.detach(), _first_network().W1.detach(), 1e-2):
        raise Nearly(
            "This is the network of section 1. Train one from another seed: its neurons are other ones."
        )
    images, labels = load_digits("test")
    with torch.no_grad():
        means = class_means(network.hidden(images), labels)
    fires = fires_for(means)[:, i].nonzero()[:, 0].tolist()
    if not fires:
        raise Nearly(f"Neuron {i} is on for hardly any image. Choose one that fires.")
    for k in (a, b):
        if k not in fires:
            favourite = means[:, i].argmax().item()
            raise Nearly(
                f"On a {k} neuron {i} has a mean of {means[k, i]:.2f}; its favourite is {favourite}, with {means[favourite, i]:.2f}. "
                "Firing means at least half of that."
            )
    shared = _shared_ink(network.W1[i].detach(), images[labels == a].mean(0), images[labels == b].mean(0))
    return (
        f"Accuracy {right:.0%}, and neuron {i} fires for {in_words(fires)}. Of what excites it in a {a} or a {b}, "
        f"{shared:.0%} is ink that both have. Is that one stroke with two names, or two reasons to fire?"
    )


def _shared_ink(w: Tensor, a: Tensor, b: Tensor) -> float:
    excited = torch.stack([torch.relu(w * a), torch.relu(w * b)])
    return (excited.amin(0).sum() / excited.amax(0).sum()).item()


def _own_network(network) -> DigitsNetwork:
    if not isinstance(network, DigitsNetwork):
        raise Nearly(
            f"I expected a trained DigitsNetwork and got {kind(network)}. `train_digits` returns one."
        )
    if network.instances:
        raise Nearly(f"These are {network.instances[0]} networks side by side. Hand over one.")
    return network


def _whole(value, name: str) -> int:
    plain = number(value, name=f"`{name}`")
    if plain != int(plain):
        raise Nearly(f"`{name}` is {plain:g}, and I expected a whole number.")
    return int(plain)


def _two_digits(digits) -> list[int]:
    if isinstance(digits, str) or not hasattr(digits, "__len__") or len(digits) != 2:
        raise Nearly(f"`my_digits` is {kind(digits)}. Two digits go in as a pair, for example `(0, 1)`.")
    pair = [_whole(k, "my_digits") for k in digits]
    if pair[0] == pair[1] or not all(0 <= k <= 9 for k in pair):
        raise Nearly(
            f"`my_digits` is ({pair[0]}, {pair[1]}): I expected two different digits, each from 0 to 9."
        )
    return pair


@lru_cache(maxsize=1)
def _first_network() -> DigitsNetwork:
    return train_digits(DigitsNetwork(16, generator=Generator().manual_seed(1)), seed=1)


@exercise
def check_turn(Q, W) -> str:
    """Check a rotation Q (2, 2) after which each neuron of W (2, 2) answers to one feature."""
    W = tensor(W.detach() if isinstance(W, Tensor) else W, shape=(2, 2), name="W")
    Q = tensor(Q.detach() if isinstance(Q, Tensor) else Q, shape=(2, 2), name="Q")
    eye = torch.eye(2)
    if not same(Q.T @ Q, eye, 0.02):
        raise Nearly(_no_rotation(Q))
    if same(Q, eye, 0.02):
        raise Nearly("Q = I leaves every neuron as it was.")
    turned = Q @ W
    parts = turned.abs() / turned.norm(dim=0)
    if (parts.amin(0) > 0.05).any():
        if same(Q, W, 0.01):
            raise Nearly("Q = W turns once more by what W has turned already. You want to turn back.")
        angle = torch.atan2(Q[1, 0], Q[0, 0]).rad2deg()
        moves = f"turns by {angle:.0f}°" if Q.det() > 0 else "mirrors the plane"
        raise Nearly(
            f"Q {moves}, and the first column of QW then is ({turned[0, 0]:.2f}, {turned[1, 0]:.2f}). It should lie on an axis."
        )
    mirrored = "Q is a reflection, which keeps lengths and angles as a rotation does. " if Q.det() < 0 else ""
    return (
        f"{mirrored}Each neuron answers to one feature now, and WᵀW is what it was, to {(gram(turned) - gram(W)).abs().max():.0e}. "
        "Nothing about the features changed; the neurons did. In a network with a ReLU on the hidden layer you could not do this."
    )


def _no_rotation(Q: Tensor) -> str:
    if Q.det().abs() < 0.02:
        return "This Q flattens the plane onto a line: two features go in, and one number is left of them."
    if same(Q / Q.det().abs() ** 0.5 @ (Q / Q.det().abs() ** 0.5).T, torch.eye(2), 0.02):
        return f"Your Q turns and also stretches, by {Q.det().abs() ** 0.5:.2f}. A rotation keeps lengths: QᵀQ = I."
    return "QᵀQ is not the identity, so this Q bends angles, and WᵀW with them. A rotation leaves both alone."


STRENGTHS = (1.0, 0.5, 2.0)
DETECTORS = ("whiskers", "tail", "ear")


@exercise
def check_wiring(w, b) -> str:
    """Check ReLU(w·x + b) for detectors that give 1, 0.5 and 2 when they are on: 1 for all three, 0 for every other case."""
    shapes = {
        (1, 3): "w has shape (1, 3): one neuron needs one weight per detector, shape (3,).",
        (): "One weight for all? Each detector has its own: shape (3,).",
    }
    w, b = tensor(w, shape=(3,), shapes=shapes, name="`w`"), number(b, name="`b`")
    on = torch.tensor(list(product((0.0, 1.0), repeat=3)))
    out = torch.relu((on * torch.tensor(STRENGTHS)) @ w + b)
    if (out < 1e-4).all():
        raise Nearly(
            "This neuron never fires, not even for whiskers, tail and ear together. What is the sum when all three are on?"
        )
    for case, value in zip(on[:-1], out[:-1], strict=True):
        if value > 1e-4:
            there = [name for name, is_on in zip(DETECTORS, case, strict=True) if is_on]
            missing = [name for name, is_on in zip(DETECTORS, case, strict=True) if not is_on]
            raise Nearly(
                f"With {' and '.join(there) or 'nothing'} on, and {' and '.join(missing)} off, it gives {value:.2f}: {_added_up(w, b, case)}. "
                "I asked for 0 there."
            )
    if abs(out[-1] - 1) > 1e-3:
        raise Nearly(f"It fires for all three and nothing else, with {out[-1]:.2f}. I asked for 1.")
    return "An intersection: a loud detector gets a small weight, a quiet one a large weight, and the bias takes back what any two can bring."


def _added_up(w: Tensor, b: float, case: Tensor) -> str:
    parts = [f"{float(w[i] * STRENGTHS[i]):.2f}" for i in range(3) if case[i]]
    return f"{' + '.join(parts) or '0'} {'−' if b < 0 else '+'} {abs(b):.2f}"


CAT_SHAPES = {
    (): "You return one number for a whole batch. Sum over the detectors of each row, `dim=-1`.",
    (3,): "You return one number per detector: the sum ran over the animals. Which axis holds the detectors?",
    (12, 3): "You return three numbers per animal. Where are they added up?",
    (12, 1): "You return shape (12, 1), and I expected (12,): one number per animal.",
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
    ]
)
JUDGED = 9  # the task leaves the animals after these open; they only tell products and steps from ReLUs


CAT_MISTAKES = [
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
        "You clipped, and then took the smallest: right in value, but a ReLU neuron adds and does not compare. What bias turns a sum of three into an intersection?",
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
]


@exercise
def check_cat(cat) -> str:
    """Check cat(x) for rows of three detector values from 0 to 3: 1 where all reach 1, 0 where one is missing."""
    expected = torch.relu(ANIMALS.clamp(max=1).sum(-1) - 2)
    answer = call(cat, ANIMALS, shape=(12,), shapes=CAT_SHAPES)
    mistakes(answer, expected, CAT_MISTAKES, ANIMALS)
    answer, expected = answer[:JUDGED], expected[:JUDGED]
    if not same(answer, expected):
        row = int((answer - expected).abs().argmax())
        values = ", ".join(f"{value:g}" for value in ANIMALS[row].tolist())
        raise Nearly(
            f"For (whiskers, tail, ear) = ({values}) your cat gives {answer[row]:.2f}. Follow this animal through your lines by hand."
        )
    return "min(x, 1) = x − ReLU(x − 1): a layer of three neurons tames the detectors, one more takes their intersection."


@exercise
def check_firing(experiment, expected) -> Result:
    """Check an experiment of the reader's own on networks trained differently: four seeds against the network of the text."""
    word = expected.strip().lower() if isinstance(expected, str) else ""
    if word not in ("more", "fewer"):
        got = f"“{word[:20]}”" if word else kind(expected)
        raise Nearly(
            f'`expected` is {got}. Write "more" or "fewer": digits per firing neuron, against the network of this notebook.'
        )
    pairs = []
    for seed in range(4):
        network = run(experiment, seed)
        if not isinstance(network, DigitsNetwork) or network.instances:
            raise Nearly(
                f"For seed {seed} your experiment returns {kind(network)}. Let it return one trained DigitsNetwork."
            )
        pairs.append((digits_per_neuron(network), digits_per_neuron(_plain_network(seed))))
    if any(mine == 0 for mine, _ in pairs):
        raise Nearly("In one of your networks no neuron fires at all. What made them all silent?")
    if len({round(mine, 3) for mine, _ in pairs}) == 1:
        raise Nearly(
            "Four seeds gave one and the same network. Does `seed` reach the generator of the weights?"
        )
    ties = sum(abs(mine - plain) < 1e-6 for mine, plain in pairs)
    if ties == 4:
        raise Nearly(
            "Nothing moved: all four networks fire for as many digits as those of the text. What did you change?"
        )
    sign = 1 if word == "more" else -1
    hits = sum(sign * (mine - plain) > 1e-6 for mine, plain in pairs)
    tally = "; ".join(f"{mine:.1f} against {plain:.1f}" for mine, plain in pairs)
    tied = f"Ties: {ties}; a tie is neither more nor fewer. " if ties else ""
    verdict = {
        0: "Which part of your picture has to give?",
        4: "All went as you expected: what would you change next, to prove yourself wrong?",
    }.get(hits, "How many seeds would you want before you believe either side?")
    counted = f"{hits} of 4 networks do" if hits else "None of 4 networks does"
    return Result(COUNTED, f"You expected {word} digits per neuron. {counted} ({tally}). {tied}{verdict}")


def digits_per_neuron(network: DigitsNetwork) -> float:
    """Average, over the neurons that fire at all, for how many digits they fire; 0 if none does."""
    images, labels = load_digits("test")
    with torch.no_grad():
        counts = fires_for(class_means(network.hidden(images), labels)).sum(0).float()
    return counts[counts > 0].mean().item() if counts.any() else 0.0


@lru_cache(maxsize=4)
def _plain_network(seed: int) -> DigitsNetwork:
    return train_digits(DigitsNetwork(16, generator=Generator().manual_seed(seed)), seed=seed)


def _read_turned(falls: tuple[float, float]) -> str:
    linear, relu = (fall > 0.02 for fall in falls)
    return {
        (False, False): "Neither changes its answers",
        (True, True): "Both get worse",
        (False, True): "Only the one with the ReLU gets worse",
        (True, False): "Only the one without the ReLU gets worse",
    }[linear, relu]


def _read_own_neuron(observed) -> str | None:
    """Read (runs, with ReLU and a neuron per feature, of these lossless, without ReLU and a neuron per feature)."""
    runs, own, own_lossless, own_linear = map(int, observed)
    if own == runs:
        return "Yes, in every run"
    if own <= own_linear:
        return "No more often than without a ReLU"
    return "In some runs, and those lose nothing" if own_lossless == own else None


def _read_both(observed) -> str | None:
    both, runs = map(int, observed)
    return "One feature each" if both == 0 else "Both to both, in most runs" if both > runs / 2 else None


def _read_free(digits_each: dict[float, float]) -> str:
    priced, free = (float(digits_each[cost]) for cost in (0.01, 0.0))
    if abs(free - priced) < 0.5:
        return "For as many: the price was small"
    return "For more: nothing asks for silence" if free > priced else "For fewer: free to specialise"


def _read_sets(S) -> str | None:
    independent, together, apart = (round(float(value), 2) for value in S)
    if abs(independent - together) < 0.02 and abs(independent - apart) < 0.02:
        return "All three have the same S"
    return "The set that is never on together" if apart > together else "The set that is always on together"


register(
    Number(
        key="01.1",
        question="For how many of the ten digits does a single neuron do about as well as the weighted sum?",
        exact=1.0,
        far=5.0,
        too_low="You expected neurons to be useless alone. For some digits one of them is nearly as good as all sixteen.",
        too_high="You trusted single neurons too much. For most digits the best of them is beaten: the detector is spread over several.",
        lesson="Some digits have a good neuron, most are spread over several.",
    ),
    Choice(
        key="01.2",
        question="Rotate the hidden layer of two networks, and undo it afterwards. What becomes of their answers?",
        options={
            "Neither changes its answers": "What is rotated and rotated back is unchanged only if nothing happened in between. A ReLU happened.",
            "Both get worse": "Without a ReLU the two rotations cancel exactly, QᵀQ = I, and nobody downstream can tell.",
            "Only the one with the ReLU gets worse": "This run differs: look at the two accuracies again.",
            "Only the one without the ReLU gets worse": "It is the ReLU that cares about axes: it cuts each neuron on its own.",
        },
        observe=_read_turned,
        lesson="A ReLU cuts along the axes, so the axes matter. Without one, no axis is special.",
    ),
    Choice(
        key="01.3",
        question="With a ReLU on three neurons, do three features get a neuron each?",
        options={
            "Yes, in every run": "Being best is not being found: about one run in four gets stuck at a mixture, and pays for it.",
            "In some runs, and those lose nothing": "Here the runs went another way; look at the two counts.",
            "No more often than without a ReLU": "The ReLU is what makes a neuron per feature worth something: mixtures lose a part of what is cut away.",
        },
        observe=_read_own_neuron,
        lesson="The ReLU rewards a neuron per feature. It does not guarantee it.",
    ),
    Number(
        key="01.4",
        question="Sixteen neurons, ten digits. How many digits get a neuron that fires for them alone?",
        exact=1.0,
        far=6.0,
        too_low="A few specialists there are; look for the columns with one dot.",
        too_high="There is room for ten specialists, and training does not ask for them: a stroke that several digits share is more useful.",
        lesson="A few specialists, and many neurons that serve several digits.",
    ),
    Choice(
        key="01.5",
        question="Two features, two neurons, nothing lost. What do the neurons answer to?",
        options={
            "One feature each": "Nothing asks for it: any rotation of a perfect W is perfect too, and a random one mixes the neurons.",
            "Both to both, in most runs": "This time most runs landed near the axes; try another seed.",
        },
        observe=_read_both,
        lesson="Polysemantic neurons, and not a trace of superposition.",
    ),
    Number(
        key="01.6",
        question="One neuron carries two features. Shown one at a time, for how many of them is its activation above 0?",
        exact=0.0,
        far=1.0,
        too_low="It has to fire for something: a neuron that stays at 0 or below on both could not tell the first from nothing, after a ReLU.",
        too_high="You counted answers of either sign. The second feature pushes the activation below 0, and a ReLU would show nothing.",
        lesson="One pushes up, the other down: two features, and only one for which the neuron fires.",
    ),
    Choice(
        key="01.7",
        question="All weights are 1, detectors are 0 or 1. Which bias makes the neuron fire for all three, and never for fewer?",
        options={
            "0": "Without a bias one detector is enough: the sum is 1, and that is above 0.",
            "−1": "With −1 two detectors are enough: 2 − 1 is above 0. What is the most that two can bring?",
            "−2": "This run took other weights; look at the list.",
            "−3": "With −3 even all three cannot lift it above 0: 3 − 3 is 0, and a ReLU fires above it.",
        },
        observe=lambda bias: f"{int(bias)}".replace("-", "−"),
        lesson="Two can bring 2, three bring 3; the bias stands between.",
    ),
    Choice(
        key="01.8",
        question="Three sets of ten features, each feature on one time in ten. Which set has the highest S?",
        options={
            "The set that is never on together": "S asks how often one feature is off, and nothing about its company.",
            "The set that is always on together": "S asks how often one feature is off, and nothing about its company.",
            "All three have the same S": "In this draw they differ by chance; take more rows.",
        },
        observe=_read_sets,
        lesson="S is about one feature at a time. How often two meet is another number.",
    ),
    Choice(
        key="01.9",
        question="Activity costs nothing any more. For how many digits does a firing neuron fire, on average?",
        options={
            "For fewer: free to specialise": "Nothing in the loss asks for specialists. A neuron that may answer at no cost answers to more.",
            "For as many: the price was small": "Small against the loss, but it is all that speaks for silence. Without it there is no reason to be off.",
            "For more: nothing asks for silence": "This run went another way; look at the two numbers.",
        },
        observe=_read_free,
        lesson="Silence has to be paid for; what is free is used.",
    ),
)
