"""Notebook 02: its exercises and predictions."""

import torch
from torch import Tensor, nn

from tms_edu import feature_norms, gram
from tms_edu.checks.exercises import kind, number, require, tensor
from tms_edu.checks.forms import detached, experiment, fill, function, normal, outcome
from tms_edu.checks.predictions import Choice, Number, register
from tms_edu.digits import accuracy, load_digits
from tms_edu.wording import join

READ_AT = torch.cat([torch.linspace(-3.9, 8.9, 33), torch.tensor([0.0, 1.0, 2.0, 3.0])])


def _animal(n: Tensor) -> Tensor:
    return torch.where(n <= 0, 0.0, torch.where(n % 2 == 1, 1.0, 2.0))


def _cat_or_dog(n: Tensor) -> Tensor:
    return torch.where(n % 2 == 1, 1.0, 2.0)


def _most_wrong_activation(answer: Tensor, expected: Tensor) -> str:
    i = int((answer - expected).abs().argmax())
    ask = "What is its integer part?" if READ_AT[i] >= 1 else "Is its integer part positive?"
    if answer[i] not in (0, 1, 2):
        ask = "There are three answers: 1.0 for a cat, 2.0 for a dog, 0.0 for neither."
    return fill("For a = {:.1f} your function answers {:g}. {}", READ_AT[i], answer[i], ask)


@function(
    READ_AT,
    mistakes=[
        (
            lambda a: _cat_or_dog(a.floor()),
            "You name an animal in every case. An integer part that is not positive means neither, and 0 is even without being positive.",
        ),
        (
            lambda a: torch.where(a < 0, 0.0, _cat_or_dog(a.floor())),
            "Activations between 0 and 1 come out as dogs. Their integer part is 0: even, but not positive.",
        ),
        (
            lambda a: torch.where(a.floor() == 0, 0.0, _cat_or_dog(a.floor())),
            "Some negative activations come out as animals. −1 is odd, and −2 even, but neither is positive.",
        ),
        (
            lambda a: _animal(a.round()),
            "3.7 is a cat, as its integer part is 3. You round it to 4, a dog.",
        ),
        (
            lambda a: torch.where(a < 1, 0.0, 3 - _animal(a.floor())),
            "Cats and dogs have changed places: odd is a cat, 1.0.",
        ),
        (
            lambda a: torch.where(a < 1, 0.0, torch.where(a < 5, 1.0, 2.0)),
            "You read the other code, small to large. Here odd and even decide.",
        ),
        (
            lambda a: torch.where(a.floor() % 2 == 1, 1.0, _animal(a.floor())),
            "Some negative activations come out as cats. −1 and −3 are odd, but not positive.",
        ),
        (
            lambda a: torch.where(a.floor() == 0, 0.0, _cat_or_dog(a.trunc())),
            "Some negative activations come out as animals. `int` and `trunc` cut −1.5 to −1, and −1 is odd; but no negative part is positive.",
        ),
        (
            lambda a: torch.where(a <= 0, 0.0, _cat_or_dog(a.round())),
            "3.7 is a cat, as its integer part is 3; you round it to 4. And the integer part of 0.3 is 0, which is not positive.",
        ),
        (lambda a: a.floor(), "This is the integer part itself. Which of them mean cat, which dog?"),
    ],
    otherwise=_most_wrong_activation,
    right="A few lines of Python, and no scalar product among them. A network needs a bend for each change from cat to dog.",
)
def check_read(a) -> Tensor:
    """Check read(a): 1 for a positive odd integer part, 2 for a positive even one, else 0."""
    return _animal(a.floor())


def _bits(whole: Tensor, k: int) -> Tensor:
    return torch.stack([(whole // 2 ** (k - i)) % 2 for i in range(1, k + 1)], dim=1)


def _nearest(h: Tensor, k: int) -> Tensor:
    return (h * 2**k).round().clamp(min=0)


def _without_rounding(h: Tensor, k: int) -> Tensor:
    bits = []
    for _ in range(k):
        bits.append((2 * h >= 1).float())
        h = 2 * h - bits[-1]
    return torch.stack(bits, dim=1)


# Each of the sixteen values once, in no order, with noise of up to a quarter of a step; the first one is pushed below 0.
WHOLE = normal(2, 16).argsort().argsort()
NOISY = torch.where(WHOLE == 0, -0.01, (WHOLE + 0.25 * normal(3, 16).tanh()) / 16)


@function(
    NOISY,
    4,
    mistakes=[
        (
            lambda h, k: _bits((h * 2**k).floor(), k),
            "Noise can push h a little below its value, and your function then takes the next lower one. Go to the nearest value.",
        ),
        (
            _without_rounding,
            "You take the bits off one by one, and it works for exact values. A little noise below 5/8 makes 4/8 of it: first go to the nearest value.",
        ),
        (
            lambda h, k: _bits(_nearest(h, k), k).flip(1),
            "The bits come out in reverse: b₁, the first column, is the one that counts ½.",
        ),
        (lambda h, k: 1 - _bits(_nearest(h, k), k), "On and off have changed places."),
        (
            lambda h, k: _bits(_nearest(h, k), k).cumsum(1).clamp(max=1),
            "Once a bit is on, all later ones are on as well. Take away what the bits so far account for.",
        ),
        (
            lambda h, k: (h[:, None] >= 2.0 ** -torch.arange(1, k + 1)).float(),
            "You compare h itself with each 2⁻ⁱ. After a bit that is on, its share must be taken away first.",
        ),
        (
            lambda h, k: _bits(_nearest(h, k), k).mT,
            "Your result is (k, batch). One row per activation, one column per bit: `dim=1` in `torch.stack`.",
        ),
        (
            lambda h, k: _nearest(h, k),
            "Your result has one number per activation. I expect its k bits, one column each.",
        ),
    ],
    small=(
        "Take h = 0.6 and k = 3: the nearest value is 5/8 = ½ + ⅛. Your function answers {got}.",
        (torch.tensor([0.6]), 3),
    ),
    otherwise="Right for h = 0.6 and k = 3, where the nearest value is 5/8. With k = 4 there are sixteen values: try each of them, "
    "a little more and a little less.",
    again=(
        (
            (NOISY[:3], 4),
            "Right for sixteen activations, wrong for three of them: a row must not depend on the others.",
        ),
    ),
    right="All of them in one number, and to get them back you had to round it and to take it apart bit by bit: nothing that a single direction can do.",
)
def check_unpack(h, k) -> Tensor:
    """Check unpack(h, k): the k binary digits of h, with noise up to a quarter of 2⁻ᵏ."""
    return _bits(_nearest(h, k), k)


def _step(t: Tensor, Z: int, cut=torch.floor) -> tuple[Tensor, Tensor]:
    step = cut(Z * t)
    return step, Z * t - step


def _not_yet(answer: Tensor, expected: Tensor) -> str:
    name = "y" if torch.allclose(answer[0], expected[0], atol=1e-4) else "x"
    return f"The example from the text, t = 0.9 and Z = 3, comes out right. With other numbers your {name} does not: is one of these two written in?"


@function(
    torch.tensor([0.03, 0.12, 0.26, 0.41, 0.48, 0.57, 0.71, 0.84, 0.97]),
    4,
    mistakes=[
        (
            lambda t, Z: torch.stack([_step(t, Z)[0] / Z, _step(t, Z)[1]]),
            "Your x is the lower end of its step, so it is too small by half a step on average. Answer the middle.",
        ),
        (
            lambda t, Z: torch.stack([(_step(t, Z)[0] + 0.5) / Z, _step(t, Z)[1] / Z]),
            "Your y runs from 0 to 1/Z only. Inside t it was divided by Z; undo that.",
        ),
        (
            lambda t, Z: torch.stack([_step(t, Z)[0] + 0.5, _step(t, Z)[1]]),
            "Your x counts steps, from 0 to Z. A step is 1/Z wide.",
        ),
        (
            lambda t, Z: torch.stack(_step(t, Z)),
            "Your x is the number of the step. Where on the line from 0 to 1 is the middle of that step?",
        ),
        (
            lambda t, Z: torch.stack([(_step(t, Z, torch.round)[0] + 0.5) / Z, _step(t, Z, torch.round)[1]]),
            "Rounding takes the second half of each step for the next one, and makes y negative there.",
        ),
        (
            lambda t, Z: torch.stack([_step(t, Z)[1], (_step(t, Z)[0] + 0.5) / Z]),
            "Right numbers in the wrong order: x comes first.",
        ),
        (
            lambda t, Z: torch.stack([(_step(t, 3)[0] + 0.5) / 3, _step(t, 3)[1]]),
            "Right for three steps; I tried another Z. Where do you write 3?",
        ),
        (
            lambda t, Z: torch.stack([t, torch.full_like(t, 0.5)]),
            "You read t as if it were x: that is the linear code.",
        ),
        (
            lambda t, Z: torch.stack([(_step(t, Z)[0] + 0.5) / Z, _step(t, Z)[1]], dim=1),
            "Your result is (batch, 2). I expect x in the first row and y in the second: (2, batch).",
        ),
        (lambda t, Z: (_step(t, Z)[0] + 0.5) / Z, "Your result is one row. I expect two: x and y."),
    ],
    small=(
        "Take the example from the text, t = 0.9 and Z = 3: your function answers (x, y) = {got}.",
        (torch.tensor([0.9]), 3),
    ),
    otherwise=_not_yet,
    right="x to the nearest step, y exactly: a squared error of 1/(12 Z²) in all, 0.0093 for Z = 3. Any noise on t is multiplied by Z in y.",
)
def check_invert(t, Z) -> Tensor:
    """Check invert(t, Z) = (middle of x's step, y)."""
    step, y = _step(t, Z)
    return torch.stack([(step + 0.5) / Z, y])


LOOPS = (0, 6, 8, 9)
EVEN = (0, 2, 4, 6, 8)
WEAK = "Your probe is right for {right:.0%} of the test images. "


# Right answers keep half of the images of each loop or more; a fit without one of the digits keeps at most a third.
@outcome(
    (
        lambda m: m.right >= 0.84,
        "Right for many images, but it says yes to {least:.0%} of the {digit}s, and a {digit} has a closed loop. "
        "For which digits is y true in your fit?",
    ),
    (lambda m: m.yes.all(), WEAK + "It always answers yes."),
    (lambda m: not m.yes.any(), WEAK + "It always answers no."),
    (
        lambda m: m.right < 0.3,
        WEAK + "Worse than tossing a coin: yes and no have changed places. "
        "What is y in the fit, true for the loops or for the others?",
    ),
    (
        lambda m: m.centred > 0.84,
        WEAK + "The direction is good, the threshold is not. Where does b come from?",
    ),
    (
        lambda m: (m.yes == m.even).float().mean() > 0.8,
        WEAK + "It answers yes for even digits. The closed loops are 0, 6, 8 and 9.",
    ),
    (
        lambda m: (m.yes != m.even).float().mean() > 0.8,
        WEAK + "It answers yes for odd digits. The closed loops are 0, 6, 8 and 9.",
    ),
    (
        lambda m: True,
        WEAK + "Mostly it answers yes for: {named}. Wanted are 0, 6, 8 and 9.",
    ),
    good=lambda m: m.right >= 0.84 and m.least >= 0.4,
    right="{right:.0%} of 497 images that the probe has not seen; the best single neuron reaches {alone:.0%}. "
    "The loop is a direction here, not a neuron. But the same fit reads 90 % off the raw pixels, and whether the network uses it is another question.",
)
def check_probe(network, w, b) -> dict:
    """Check a trained digits network with a linear probe for a closed loop: 84 % or more of the test images."""
    h, labels = _neurons(network)
    w = tensor(detached(w), shape=h.shape[1:], shapes=_probe_shapes(h.shape[1]), name="your w")
    score = h @ w + number(b, name="your b")
    yes, loop = score > 0, _is_one_of(labels, LOOPS)
    middle = (score[loop].mean() + score[~loop].mean()) / 2
    share = torch.stack([yes[labels == k].float().mean() for k in range(10)])
    digit = min(LOOPS, key=lambda k: share[k])
    return {
        "right": (yes == loop).float().mean(),
        "least": share[digit],
        "digit": digit,
        "yes": yes,
        "centred": ((score > middle) == loop).float().mean(),
        "even": _is_one_of(labels, EVEN),
        "named": join((share > 0.5).nonzero()[:, 0].tolist()) or "none of the digits",
        "alone": _best_neuron(h, loop),
    }


def _neurons(network) -> tuple[Tensor, Tensor]:
    one = isinstance(network, nn.Module) and hasattr(network, "hidden")
    require(one, f"I expected a DigitsNetwork and got {kind(network)}.")
    require(
        not getattr(network, "instances", ()),
        "These are several networks side by side. I take one at a time.",
    )
    named = accuracy(network).item()
    require(named >= 0.8, f"This network names {named:.0%} of the test images right. Has it been trained?")
    images, labels = load_digits("test")
    return network.hidden(images).detach(), labels


def _probe_shapes(m: int) -> dict[tuple, str]:
    return {
        (64,): f"Your w has 64 entries, one per pixel. Probe the neurons: {m} entries.",
        (m + 1,): "Your w has one entry too many: the last one of a fit with a column of ones is b.",
        (m, 1): "Your w is a column of shape (m, 1). Take the column out: `[:, 0]`.",
        (1, m): "Your w is a row of shape (1, m), as in `torch.nn.Linear`. Take the row out: `[0]`.",
        (10,): "Your w has 10 entries, one per score. "
        f"Probe the neurons, `my_network.hidden(images)`: {m} entries.",
    }


def _is_one_of(labels: Tensor, digits: tuple[int, ...]) -> Tensor:
    return torch.isin(labels, torch.tensor(digits))


def _best_neuron(h: Tensor, loop: Tensor) -> Tensor:
    above = (h[:, :, None] > h[:60].T).float()
    right = torch.where(loop[:, None, None], above, 1 - above).mean(0)
    return torch.maximum(right, 1 - right).max()


@outcome(
    (
        lambda m: (m.lengths - 1).abs().max() > 1e-3,
        "Unit vectors have length 1; yours run from {shortest:.2f} to {longest:.2f}. Divide each by its length.",
    ),
    (
        lambda m: m.cosine < -0.999,
        "Vectors {i} and {j} are opposites: their cosine is −1, and |cos| is 1. Opposite counts as the same line here.",
    ),
    (lambda m: m.cosine > 0.999, "Vectors {i} and {j} are the same."),
    (
        lambda m: m.worst > 0.5001,
        "Vectors {i} and {j} have |cos| = {worst:.2f}. Is there another place for one of them?",
    ),
    right="Six lines in three dimensions, worst |cos| {worst:.3f}; {end} "
    "Even so WᵀW has rank 3, and three of its six eigenvalues are 0.",
)
def check_six(W) -> dict:
    """Check six unit columns in three dimensions with |cos| at most 0.5 between any two."""
    shapes = {
        (6, 3): "Six rows of three. A column is a vector here: turn it with `.T`.",
        (3, 5): "Five vectors. A sixth fits; this search stopped too early.",
        (3, 4): "Four vectors. Two more fit.",
        (3, 3): "Three vectors, the easy ones. Three more fit, but not beside these at right angles.",
    }
    W = tensor(W, shape=(3, 6), shapes=shapes, name="your W")
    cosines = gram(W) - torch.eye(6)
    i, j = divmod(int(cosines.abs().argmax()), 6)
    worst, best = cosines[i, j].abs().item(), 1 / 5**0.5
    icosahedron = "as low as six can go: the icosahedron."
    return {
        "lengths": feature_norms(W),
        "shortest": feature_norms(W).min(),
        "longest": feature_norms(W).max(),
        "i": i,
        "j": j,
        "cosine": cosines[i, j],
        "worst": worst,
        "end": icosahedron if worst < best + 1e-3 else f"six can go down to {best:.3f}, the icosahedron.",
    }


@experiment(returns="words, made with an `if`, that can be compared with what you expect")
def check_code_experiment(experiment, expected):
    """Check an experiment of the reader's own on codes: eight seeds against what was expected."""


register(
    Number(
        "02.1",
        "Integer part, σ = 0.1: what share, from 0 to 1, can a linear probe name right at best?",
        exact=0.05,
        far=0.4,
        share=True,
        too_low="Cut at 2 and say cat below: that stripe is right, and so are the four of seven above that are dogs. Five of eight, less what noise carries over.",
        too_high="A threshold cuts the line once, and eight stripes take turns along it. Wherever it cuts, three of them or more are on the wrong side.",
        lesson="One cut, eight stripes: five of them can be right, and noise takes a little of that.",
    ),
    Number(
        "02.2",
        "Integer part, noise σ = 0.5: what share, from 0 to 1, does the best decoder name right?",
        exact=0.04,
        far=0.3,
        share=True,
        too_low="It keeps more than that: from the middle of a cell most readings still stay in it. The two ends of the range add a little.",
        too_high="Nearly each cat has a dog half a unit away or nearer. A noise of half a unit takes it there often.",
        lesson="Half a unit of noise, and the next mistake is nearly always at most half a unit away.",
    ),
    Number(
        "02.3",
        "One number, σ = 0.01: how many features can it hold, all of them read right in 99 % of cases?",
        exact=0.5,
        far=2.0,
        too_low="The values stand 2⁻ᵏ apart. With four features that is 0.0625, six times the noise.",
        too_high="The values stand 2⁻ᵏ apart, and half of that must be well above the noise: 2⁻ᵏ/2 ≥ 2.6 σ.",
        lesson="2⁻ᵏ must stay above five or six times σ.",
    ),
    # Seen: up to which σ the paper's code leads, read by inverting its formula and by the best reader.
    Choice(
        "02.4",
        "The paper's code with Z = 3 and the linear one, each with its best reader: which has the lower error?",
        [
            (
                "The linear one, whatever the noise",
                lambda ends: ends[1] <= 0.02,
                "Without noise a single number can hold two to any precision. It is noise that makes this expensive.",
            ),
            (
                "The paper's, whatever the noise",
                lambda ends: ends[1] > 0.19,
                "y is stored in a third of the range, so noise hits it three times as hard, and near the end of a step x is misread as well.",
            ),
            (
                "The paper's with little noise, then the linear one",
                lambda ends: 0.02 < ends[1] <= 0.19,
                "This run was an unusual one.",
            ),
        ],
        lesson="The paper's code saves the variance of y, and multiplies the noise.",
    ),
    Choice(
        "02.5",
        "For how many test images is the probe for “even” right, on the trained network?",
        [
            (
                "About half: it was never asked for",
                lambda right: right < 0.6,
                "To name a digit is to know which digit it is, and that includes whether it is even. It has to be in h. And it was a direction in the picture before.",
            ),
            (
                "Three in four",
                lambda right: 0.6 <= right < 0.82,
                "Even the best single neuron gives about four in five, and so does a probe on an untrained network. A direction can use all sixteen neurons.",
            ),
            (
                "Nine in ten",
                lambda right: 0.82 <= right < 0.97,
                "This network is an unusual one; train another.",
            ),
            (
                "All of them",
                lambda right: right >= 0.97,
                "The network's own scores give about 95 %; a line fitted by least squares loses a little of it.",
            ),
        ],
        lesson="In about nine images of ten. It is as many off the raw pixels.",
    ),
    Choice(
        "02.6",
        "How many unit vectors with |cos| ≤ 0.5 does a simple search pack into 20 dimensions?",
        [
            (
                "20: there are no more directions",
                lambda count: count <= 20,
                "20 is how many fit at right angles. Allow 60° instead of 90°, and there is far more room.",
            ),
            (
                "About 30",
                lambda count: 20 < count < 40,
                "You expected a little more room for a little tolerance. In many dimensions most directions are nearly at right angles anyway.",
            ),
            (
                "About 60: three per dimension",
                lambda count: 40 <= count < 90,
                "You expected a number per dimension. But it grows faster than d: each further dimension multiplies it.",
            ),
            ("More than 100", lambda count: count >= 90, "This search stopped early."),
        ],
        lesson="The number grows like a power of a constant, not in proportion to d.",
    ),
    Number(
        "02.7",
        "Hundreds of features in 24 dimensions: how many can be on before crosstalk is as large as a feature?",
        exact=5.0,
        far=25.0,
        too_low="One crosstalk is at most 0.5 and mostly 0.2, of either sign. They cancel in part, so it takes more than a few.",
        too_high="Many directions exist, but each feature that is on adds about 1/24 to the mean square of the crosstalk. That limit does not grow with their number.",
        lesson="About d: each adds 1/d to the mean square.",
    ),
)
