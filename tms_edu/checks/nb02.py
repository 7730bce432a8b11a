"""Notebook 02: its exercises and predictions."""

import torch
from torch import Tensor, nn

from tms_edu.checks import nb03
from tms_edu.checks.exercises import Nearly, call, exercise, kind, mistakes, number, run, same, tensor
from tms_edu.checks.predictions import Choice, Number, register
from tms_edu.checks.result import Result
from tms_edu.digits import load_digits

LOOPS = (0, 6, 8, 9)


def _read_right(a: Tensor) -> Tensor:
    n = a.floor()
    return torch.where(n <= 0, 0.0, torch.where(n % 2 == 1, 1.0, 2.0))


NEGATIVE_CATS = "Some negative activations come out as cats. −1 and −3 are odd, but not positive."
READ_MISTAKES = [
    (
        lambda a: torch.where(a.floor() % 2 == 1, 1.0, 2.0),
        "You name an animal in every case. An integer part that is not positive means neither, and 0 is even without being positive.",
    ),
    (
        lambda a: torch.where(a.floor() < 0, 0.0, torch.where(a.floor() % 2 == 1, 1.0, 2.0)),
        "Activations between 0 and 1 come out as dogs. Their integer part is 0: even, but not positive.",
    ),
    (
        lambda a: torch.where(a.floor() == 0, 0.0, torch.where(a.floor() % 2 == 1, 1.0, 2.0)),
        "Some negative activations come out as animals. −1 is odd, and −2 even, but neither is positive.",
    ),
    (
        lambda a: torch.where(a.round() <= 0, 0.0, torch.where(a.round() % 2 == 1, 1.0, 2.0)),
        "3.7 is a cat, as its integer part is 3. You round it to 4, a dog.",
    ),
    (
        lambda a: torch.where(_read_right(a) == 0, 0.0, 3 - _read_right(a)),
        "Cats and dogs have changed places: odd is a cat, 1.0.",
    ),
    (
        lambda a: torch.where(a.floor() <= 0, 0.0, torch.where(a < 5, 1.0, 2.0)),
        "You read the other code, small to large. Here odd and even decide.",
    ),
    (
        lambda a: torch.where(
            (a.floor() <= 0) & (a.floor() % 2 == 0), 0.0, torch.where(a.floor() % 2 == 1, 1.0, 2.0)
        ),
        NEGATIVE_CATS,
    ),
    (
        lambda a: torch.where(a.floor() == 0, 0.0, torch.where(a.trunc() % 2 == 1, 1.0, 2.0)),
        "Some negative activations come out as animals. `int` and `trunc` cut −1.5 to −1, and −1 is odd; but no negative part is positive.",
    ),
    (
        lambda a: torch.where(a <= 0, 0.0, torch.where(a.round() % 2 == 1, 1.0, 2.0)),
        "3.7 is a cat, as its integer part is 3; you round it to 4. And the integer part of 0.3 is 0, which is not positive.",
    ),
    (lambda a: a.floor(), "This is the integer part itself. Which of them mean cat, which dog?"),
]


@exercise
def check_read(read) -> str:
    """Check read(a): 1 for a positive odd integer part, 2 for a positive even one, else 0."""
    a = torch.cat([torch.linspace(-3.9, 8.9, 33), torch.tensor([0.0, 1.0, 2.0, 3.0])])
    answer = call(read, a, shape=(37,))
    expected = _read_right(a)
    mistakes(answer, expected, READ_MISTAKES, a)
    if not same(answer, expected):
        i = int((answer - expected).abs().argmax())
        ask = "What is its integer part?" if a[i] >= 1 else "Is its integer part positive?"
        if answer[i] not in (0, 1, 2):
            ask = "There are three answers: 1.0 for a cat, 2.0 for a dog, 0.0 for neither."
        raise Nearly(f"For a = {a[i]:.1f} your function answers {answer[i]:g}. {ask}")
    return "A few lines of Python, and no scalar product among them. A network needs a bend for each change from cat to dog."


def _digits(h: Tensor, k: int, cut=torch.round) -> Tensor:
    whole = cut(h * 2**k)
    return torch.stack([(whole // 2 ** (k - i)) % 2 for i in range(1, k + 1)], dim=1)


def _without_rounding(h: Tensor, k: int) -> Tensor:
    bits = []
    for _ in range(k):
        bits.append((2 * h >= 1).float())
        h = 2 * h - bits[-1]
    return torch.stack(bits, dim=1)


UNPACK_MISTAKES = [
    (
        lambda h, k: _digits(h, k, torch.floor),
        "Noise can push h a little below its value, and your function then takes the next lower one. Go to the nearest value.",
    ),
    (
        _without_rounding,
        "You take the bits off one by one, and it works for exact values. A little noise below 5/8 makes 4/8 of it: first go to the nearest value.",
    ),
    (
        lambda h, k: _digits(h, k).flip(1),
        "The bits come out in reverse: b₁, the first column, is the one that counts ½.",
    ),
    (lambda h, k: 1 - _digits(h, k), "On and off have changed places."),
    (
        lambda h, k: _digits(h, k).cumsum(1).clamp(max=1),
        "Once a bit is on, all later ones are on as well. Take away what the bits so far account for.",
    ),
    (
        lambda h, k: (h[:, None] >= 2.0 ** -torch.arange(1, k + 1)).float(),
        "You compare h itself with each 2⁻ⁱ. After a bit that is on, its share must be taken away first.",
    ),
]


@exercise
def check_unpack(unpack) -> str:
    """Check unpack(h, k): the k binary digits of h, with noise up to a quarter of 2⁻ᵏ."""
    k, generator = 4, torch.Generator().manual_seed(2)
    whole = torch.arange(16.0)[torch.randperm(16, generator=generator)]
    h = (whole + 0.5 * torch.rand(16, generator=generator) - 0.25) / 16
    h[whole.argmin()], expected = -0.01, _digits(whole / 16, k)
    shapes = {
        (
            4,
            16,
        ): "Your result is (k, batch). One row per activation, one column per bit: `dim=1` in `torch.stack`.",
        (16,): "Your result has one number per activation. I expect its k bits, one column each.",
    }
    answer = call(unpack, h, k, shape=(16, 4), shapes=shapes)
    mistakes(answer, expected, UNPACK_MISTAKES, h, k)
    if not same(answer, expected):
        tiny = call(unpack, torch.tensor([0.6]), 3, shape=(1, 3))
        raise Nearly(
            "Take h = 0.6 and k = 3: the nearest value is 5/8 = ½ + ⅛. "
            f"Your function answers ({', '.join(f'{bit:g}' for bit in tiny[0].tolist())})."
        )
    if not same(call(unpack, h[:3], 4, shape=(3, 4)), expected[:3]):
        raise Nearly(
            "Right for sixteen activations, wrong for three of them: a row must not depend on the others."
        )
    return "All of them in one number, and to get them back you had to round it and to take it apart bit by bit: nothing that a single direction can do."


INVERT_MISTAKES = [
    (
        lambda t, Z: torch.stack([torch.floor(Z * t) / Z, Z * t - torch.floor(Z * t)]),
        "Your x is the lower end of its step, so it is too small by half a step on average. Answer the middle.",
    ),
    (
        lambda t, Z: torch.stack([(torch.floor(Z * t) + 0.5) / Z, t - torch.floor(Z * t) / Z]),
        "Your y runs from 0 to 1/Z only. Inside t it was divided by Z; undo that.",
    ),
    (
        lambda t, Z: torch.stack([torch.floor(Z * t) + 0.5, Z * t - torch.floor(Z * t)]),
        "Your x counts steps, from 0 to Z. A step is 1/Z wide.",
    ),
    (
        lambda t, Z: torch.stack([torch.floor(Z * t), Z * t - torch.floor(Z * t)]),
        "Your x is the number of the step. Where on the line from 0 to 1 is the middle of that step?",
    ),
    (
        lambda t, Z: torch.stack([(torch.round(Z * t) + 0.5) / Z, Z * t - torch.round(Z * t)]),
        "Rounding takes the second half of each step for the next one, and makes y negative there.",
    ),
    (
        lambda t, Z: torch.stack([Z * t - torch.floor(Z * t), (torch.floor(Z * t) + 0.5) / Z]),
        "Right numbers in the wrong order: x comes first.",
    ),
    (
        lambda t, Z: torch.stack([(torch.floor(3 * t) + 0.5) / 3, 3 * t - torch.floor(3 * t)]),
        "Right for three steps; I tried another Z. Where do you write 3?",
    ),
    (
        lambda t, Z: torch.stack([t, torch.full_like(t, 0.5)]),
        "You read t as if it were x: that is the linear code.",
    ),
]


@exercise
def check_invert(invert) -> str:
    """Check invert(t, Z) = (middle of x's step, y)."""
    Z, t = 4, torch.rand(9, generator=torch.Generator().manual_seed(3))
    step = torch.floor(Z * t)
    expected = torch.stack([(step + 0.5) / Z, Z * t - step])
    shapes = {
        (9, 2): "Your result is (batch, 2). I expect x in the first row and y in the second: (2, batch).",
        (9,): "Your result is one row. I expect two: x and y.",
    }
    answer = call(invert, t, Z, shape=(2, 9), shapes=shapes)
    mistakes(answer, expected, INVERT_MISTAKES, t, Z)
    for row, name in enumerate(("x", "y")):
        if not same(answer[row], expected[row]):
            tiny = call(invert, torch.tensor([0.9]), 3, shape=(2, 1))
            raise Nearly(
                f"Your {name} is not right yet. Take the example from the text, t = 0.9 and Z = 3: "
                f"your function answers x = {tiny[0, 0]:.3g}, y = {tiny[1, 0]:.3g}."
            )
    return "x to the nearest step, y exactly: a squared error of 1/(12 Z²) in all, 0.0093 for Z = 3. Any noise on t is multiplied by Z in y."


@exercise
def check_probe(network, w, b) -> str:
    """Check a trained digits network with a linear probe for a closed loop: 84 % or more of the test images."""
    if not isinstance(network, nn.Module) or not hasattr(network, "hidden"):
        raise Nearly(f"I expected a DigitsNetwork and got {kind(network)}.")
    if getattr(network, "instances", ()):
        raise Nearly("These are several networks side by side. I take one at a time.")
    images, labels = load_digits("test")
    with torch.no_grad():
        h, named = network.hidden(images), (network(images).argmax(-1) == labels).float().mean().item()
    if named < 0.8:
        raise Nearly(f"This network names {named:.0%} of the test images right. Has it been trained?")
    m = h.shape[-1]
    shapes = {
        (64,): f"Your w has 64 entries, one per pixel. Probe the neurons: {m} entries.",
        (m + 1,): "Your w has one entry too many: the last one of a fit with a column of ones is b.",
        (m, 1): "Your w is a column of shape (m, 1). Take the column out: `[:, 0]`.",
        (1, m): "Your w is a row of shape (1, m), as in `torch.nn.Linear`. Take the row out: `[0]`.",
        (
            10,
        ): f"Your w has 10 entries, one per score. Probe the neurons, `my_network.hidden(images)`: {m} entries.",
    }
    w = tensor(w.detach() if isinstance(w, Tensor) else w, shape=(m,), shapes=shapes, name="your w")
    b = number(b, name="your b")
    loop = torch.isin(labels, torch.tensor(LOOPS))
    right = (((h @ w + b) > 0) == loop).float().mean().item()
    if right >= 0.84:
        _ask_for_every_loop(h @ w + b > 0, labels)
        alone = max(
            (((sign * h[:, [j]]) > cut).T == loop).float().mean(1).max().item()
            for sign in (1, -1)
            for j in range(m)
            for cut in h[:60, j].tolist()
        )
        return (
            f"{right:.0%} of 497 images that the probe has not seen; the best single neuron reaches {min(alone, 1):.0%}. "
            "The loop is a direction here, not a neuron. Whether the network uses it is another question."
        )
    raise Nearly(_weak_probe(right, h @ w + b, labels, loop))


def _ask_for_every_loop(answers: Tensor, labels: Tensor) -> None:
    # Right answers keep half of the images of each loop or more; a fit without one of the digits keeps at most a third.
    yes = {digit: answers[labels == digit].float().mean().item() for digit in LOOPS}
    digit = min(yes, key=yes.get)
    if yes[digit] < 0.4:
        raise Nearly(
            f"Right for many images, but it says yes to {yes[digit]:.0%} of the {digit}s, and a {digit} has a closed loop. "
            "For which digits is y true in your fit?"
        )


def _weak_probe(right: float, score: Tensor, labels: Tensor, loop: Tensor) -> str:
    start = f"Your probe is right for {right:.0%} of the test images. "
    answers = score > 0
    if answers.all() or not answers.any():
        return start + f"It always answers {'yes' if answers.all() else 'no'}."
    if right < 0.3:
        return (
            start
            + "Worse than tossing a coin: yes and no have changed places. What is y in the fit, true for the loops or for the others?"
        )
    centred = ((score > score[loop].mean() / 2 + score[~loop].mean() / 2) == loop).float().mean()
    if centred > 0.84:
        return start + "The direction is good, the threshold is not. Where does b come from?"
    for name, digits in {"even digits": (0, 2, 4, 6, 8), "odd digits": (1, 3, 5, 7, 9)}.items():
        if (answers == torch.isin(labels, torch.tensor(digits))).float().mean() > 0.8:
            return start + f"It answers yes for {name}. The closed loops are 0, 6, 8 and 9."
    yes = [d for d in range(10) if answers[labels == d].float().mean() > 0.5]
    return (
        start
        + f"Mostly it answers yes for: {', '.join(map(str, yes)) or 'none of the digits'}. Wanted are 0, 6, 8 and 9."
    )


@exercise
def check_six(W) -> str:
    """Check six unit columns in three dimensions with |cos| at most 0.5 between any two."""
    shapes = {
        (6, 3): "Six rows of three. A column is a vector here: turn it with `.T`.",
        (3, 5): "Five vectors. A sixth fits; this search stopped too early.",
        (3, 4): "Four vectors. Two more fit.",
        (3, 3): "Three vectors, the easy ones. Three more fit, but not beside these at right angles.",
    }
    W = tensor(W, shape=(3, 6), shapes=shapes, name="your W")
    lengths = W.norm(dim=0)
    if (lengths - 1).abs().max() > 1e-3:
        raise Nearly(
            f"Unit vectors have length 1; yours run from {lengths.min():.2f} to {lengths.max():.2f}. Divide each by its length."
        )
    cosines = W.T @ W - torch.eye(6)
    i, j = divmod(int(cosines.abs().argmax()), 6)
    worst = cosines[i, j].item()
    if worst < -0.999:
        raise Nearly(
            f"Vectors {i} and {j} are opposites: their cosine is −1, and |cos| is 1. Opposite counts as the same line here."
        )
    if worst > 0.999:
        raise Nearly(f"Vectors {i} and {j} are the same.")
    if abs(worst) > 0.5001:
        raise Nearly(
            f"Vectors {i} and {j} have |cos| = {abs(worst):.2f}. Is there another place for one of them?"
        )
    best = 1 / 5**0.5
    end = (
        "as low as six can go: the icosahedron."
        if abs(worst) < best + 1e-3
        else f"six can go down to {best:.3f}, the icosahedron."
    )
    return f"Six lines in three dimensions, worst |cos| {abs(worst):.3f}; {end} Even so WᵀW has rank 3, and three of its six eigenvalues are 0."


@exercise
def check_code_experiment(experiment, expected) -> Result:
    """Check an experiment of the reader's own on codes: eight seeds against what was expected."""
    outcome = run(experiment, 0)
    if isinstance(outcome, (bool, int, float, Tensor)):
        raise Nearly(
            f"For seed 0 your experiment returns {kind(outcome)}. Turn it into words, with an `if`, so that it can be compared with what you expect."
        )
    return nb03.check_experiment.__wrapped__(experiment, expected)


def _read_ends(ends) -> str | None:
    inverse, best = (float(end) for end in ends)
    if best > 0.19:
        return "The nonlinear one, whatever the noise"
    return (
        "The nonlinear one with little noise, then the linear one"
        if best > 0.02
        else "The linear one, whatever the noise"
    )


def _read_even(right) -> str | None:
    if right < 0.6:
        return "About half: it was never asked for"
    if right < 0.82:
        return "Three in four"
    return "Nine in ten" if right < 0.97 else "All of them"


def _read_count(count) -> str | None:
    if count <= 20:
        return "20: there are no more directions"
    return "About 30" if count < 40 else "About 60: three per dimension" if count < 90 else "More than 100"


register(
    Number(
        key="02.1",
        question="Integer part, σ = 0.1: what share, from 0 to 1, does the linear probe name right?",
        exact=0.05,
        far=0.4,
        share=True,
        too_low="Below one half it would be right by answering the opposite. A reader with no clue is at one half.",
        too_high="A threshold cuts the line once. Cat and dog take turns eight times along it, so each side holds as many of one as of the other.",
        lesson="One threshold on a line where cat and dog take turns: a coin does as well.",
    ),
    Number(
        key="02.2",
        question="Integer part, noise σ = 0.5: what share, from 0 to 1, does the best decoder name right?",
        exact=0.04,
        far=0.3,
        share=True,
        too_low="It keeps more than chance: from the middle of a cell most readings still stay in it. The two ends of the range add a little.",
        too_high="Nearly each cat has a dog half a unit away or nearer. A noise of half a unit takes it there often.",
        lesson="Half a unit of noise, and the next mistake is nearly always at most half a unit away.",
    ),
    Number(
        key="02.3",
        question="One number, σ = 0.01: how many features can it hold, all of them read right in 99 % of cases?",
        exact=0.5,
        far=6.0,
        too_low="The values stand 2⁻ᵏ apart. With four features that is 0.0625, six times the noise.",
        too_high="The values stand 2⁻ᵏ apart, and half of that must be well above the noise: 2⁻ᵏ/2 ≥ 2.6 σ.",
        lesson="2⁻ᵏ must stay above five or six times σ.",
    ),
    Choice(
        key="02.4",
        question="Two features in one number, each code with its best reader: which code has the lower error?",
        options={
            "The linear one, whatever the noise": "Without noise a single number can hold two to any precision. It is noise that makes this expensive.",
            "The nonlinear one, whatever the noise": "y is stored in a third of the range, so noise hits it three times as hard, and near the end of a step x is misread as well.",
            "The nonlinear one with little noise, then the linear one": "This run was an unusual one.",
        },
        observe=_read_ends,
        lesson="The nonlinear code saves the variance of y, and multiplies the noise.",
    ),
    Choice(
        key="02.5",
        question="For how many test images is the probe for “even” right, on the trained network?",
        options={
            "About half: it was never asked for": "To name a digit is to know which digit it is, and that includes whether it is even. It has to be in h; that a direction shows it is the finding.",
            "Three in four": "Even the best single neuron gives about four in five, and so does a probe on an untrained network. A direction can use all sixteen neurons.",
            "Nine in ten": "This network is an unusual one; train another.",
            "All of them": "The network's own scores give about 95 %; a line fitted by least squares loses a little of it.",
        },
        observe=_read_even,
        lesson="In about nine images of ten.",
    ),
    Choice(
        key="02.6",
        question="How many unit vectors with |cos| ≤ 0.5 does a simple search pack into 20 dimensions?",
        options={
            "20: there are no more directions": "20 is how many fit at right angles. Allow 60° instead of 90°, and there is far more room.",
            "About 30": "You expected a little more room for a little tolerance. In many dimensions most directions are nearly at right angles anyway.",
            "About 60: three per dimension": "You expected a number per dimension. But it grows faster than d: each further dimension multiplies it.",
            "More than 100": "This search stopped early.",
        },
        observe=_read_count,
        lesson="The number grows like a power of a constant, not in proportion to d.",
    ),
    Number(
        key="02.7",
        question="Hundreds of features in 24 dimensions: how many can be on before crosstalk is as large as a feature?",
        exact=5.0,
        far=80.0,
        too_low="One crosstalk is at most 0.5 and mostly 0.2, of either sign. They cancel in part, so it takes more than a few.",
        too_high="Many directions exist, but each feature that is on adds about 1/24 to the mean square of the crosstalk. That limit does not grow with their number.",
        lesson="About d: each adds 1/d to the mean square.",
    ),
)
