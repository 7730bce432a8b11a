"""Notebook 03: its exercises and predictions."""

import dis
import re
from collections import Counter

import torch
from IPython import get_ipython
from torch import Tensor

from tms_edu import SparseFeatures, feature_norms, gram, interference, theory
from tms_edu.checks.exercises import RESULT, Nearly, call, exercise, kind, mistakes, number, run, same, tensor
from tms_edu.checks.outcomes import certify_pentagon
from tms_edu.checks.predictions import Choice, Number, register
from tms_edu.checks.result import COUNTED, Result


@exercise
def check_sparsity(S, y: Tensor) -> str:
    """Check the sparsity S read off a batch y."""
    try:
        return _sparsity(number(S, name="S"), y)
    except Nearly as mistake:
        raise Nearly(f"{mistake}{_perhaps_older()}") from None


def _perhaps_older() -> str:
    """Say so if the cell that ran before the check stopped with an error: a name keeps its value from an earlier run."""
    last = getattr(get_ipython(), "last_execution_result", None)
    if last is None or last.success:
        return ""
    return (
        " (The cell that ran before this one stopped with an error, so this may be an S from an earlier run.)"
    )


def _sparsity(S: float, y: Tensor) -> str:
    on = (y > 0).float().mean().item()
    empty = (y == 0).all(-1).float().mean().item()
    if abs(S - (1 - on)) < 0.02:
        return f"{1 - on:.2f} of all entries are zero, so S is about 0.8 and 1 − S, the chance of being on, about 0.2."
    if abs(S - on) < 0.02:
        raise Nearly("That is the share of entries that are on, 1 − S. S counts the others.")
    if abs(S - 100 * (1 - on)) < 2:
        raise Nearly("The right idea in percent. In the formulas S is a fraction between 0 and 1.")
    if abs(S - empty) < 0.005:
        raise Nearly(
            "You counted rows in which nothing is on. S is about one feature at a time: count entries."
        )
    if abs(S - y.mean().item()) < 0.01:
        raise Nearly(
            "That is the mean of all entries. S asks how many are zero, not how large the others are."
        )
    if abs(S - (y == 0).sum().item()) < 1 or abs(S - 20 * (1 - on)) < 0.5:
        raise Nearly("You counted zeros. S is their share: divide by how many entries you looked at.")
    raise Nearly(
        f"S = {S:.3g} is not the share of zeros in `y`. Take a small corner, `y[:3, :5]`, and count by eye first."
    )


FORWARD_SHAPES = {
    (4, 3): "Three columns, as many as there are hidden dimensions: this is h. The way back up is missing.",
    (5, 4): "Your result has shape (5, 4): inputs as columns. They come in as rows and leave as rows.",
    (5,): "Your result has one row for a batch of four. Did the rows get added up on the way?",
}
FORWARD_MISTAKES = [
    (
        lambda x, W, b: torch.relu(x @ W.mT @ W),
        "The bias is missing: for an empty input your function gives 0 everywhere, and the model gives `ReLU(b)`.",
    ),
    (
        lambda x, W, b: x @ W.mT @ W + b,
        "Some of your outputs are negative, and the features never are. What comes last in the formula?",
    ),
    (
        lambda x, W, b: torch.relu(x @ W.mT @ W) + b,
        "You have clipped before the bias was added: what is below 0 after it stays negative.",
    ),
    (
        lambda x, W, b: torch.relu(torch.relu(x @ W.mT) @ W + b),
        "Your h is clipped at 0. The toy model has no ReLU in the middle; only the output has one.",
    ),
    (
        lambda x, W, b: torch.relu((x > 0).float() @ W.mT @ W + b),
        "An input of 0.1 comes back as one of 0.9 does: you use whether a feature is on, not its value.",
    ),
    (lambda x, W, b: torch.relu(x @ W.mT @ W - b), "The bias has the wrong sign."),
    (lambda x, W, b: x @ W.mT @ W, "Neither bias nor ReLU is there yet: this is the linear part, `WᵀWx`."),
]


@exercise
def check_forward(forward) -> str:
    """Check forward(x, W, b) for a batch of rows."""
    generator = torch.Generator().manual_seed(1)
    x, W = torch.rand(4, 5, generator=generator), torch.randn(3, 5, generator=generator)
    b = torch.randn(5, generator=generator)
    expected = torch.relu(x @ W.mT @ W + b)
    answer = call(forward, x, W, b, shape=(4, 5), shapes=FORWARD_SHAPES)
    mistakes(answer, expected, FORWARD_MISTAKES, x, W, b)
    if not same(answer, expected):
        raise Nearly(f"The shape fits, the numbers do not. {_one_hidden_number(forward)}")
    if not same(call(forward, x[:1], W, b, shape=(1, 5)), expected[:1]):
        raise Nearly("Right for four inputs, wrong for one alone: a row must not depend on its neighbours.")
    return "Rows in, rows out, one W used twice. `ToyModel` does exactly this."


def _one_hidden_number(forward) -> str:
    """Show an example small enough for the head, one where the student's function is wrong."""
    W = torch.tensor([[1.0, -1.0]])
    for x, b in (((1.0, 0.0), (0.5, 0.5)), ((1.0, 0.5), (-0.2, 0.1)), ((0.0, 0.0), (-0.5, 0.5))):
        row, bias = torch.tensor([x]), torch.tensor(b)
        tiny = call(forward, row, W, bias, shape=(1, 2))
        if not same(tiny, torch.relu(row @ W.mT @ W + bias)):
            return (
                f"Follow x = {_row(row[0])} by hand through W = (1, −1) and b = {_row(bias)}: h has one entry. "
                f"Your function gives {_row(tiny[0])}."
            )
    return "One row and one hidden number come out right, four rows and three do not. Which are left out, or mixed?"


RECEIVED_SHAPES = {
    (5,): "You return five numbers, one for each feature j. What arrives is their sum, without one of them.",
    (4,): "You return the four parts one by one. What arrives is their sum.",
    (1,): "Your result has shape (1,), and I expected a single number, shape (). Index with `i`, not `[i]`.",
}
RECEIVED_MISTAKES = [
    (
        lambda W, x, i: gram(W)[i] @ x,
        "This includes what feature i hears from itself, its own diagonal entry. Only the others disturb.",
    ),
    (
        lambda W, x, i: gram(W)[i] @ x - x[i],
        "You took away `x[i]`. What feature i hears from itself is that only where its column has length 1: which factor is missing?",
    ),
    (
        lambda W, x, i: gram(W)[i, i] * x[i],
        "This is the diagonal part, what feature i hears from itself. I asked for the rest.",
    ),
    (
        lambda W, x, i: _others(gram(W)[i] ** 2 * x, i),
        "You squared the products. Squares measure how strong interference is; what arrives has a sign.",
    ),
    (
        lambda W, x, i: interference(W)[i] @ x,
        "This is `interference`, which measures how strong a disturbance is. What arrives is the product itself.",
    ),
    (
        lambda W, x, i: _others(gram(W / feature_norms(W))[i] * x, i),
        "You used directions of length 1. The model does not: `Wᵢ·Wⱼ` counts both lengths.",
    ),
    (
        lambda W, x, i: _others(gram(W)[i], i),
        "You added up row i whatever the input. Feature j disturbs only as much as it is on: where is x?",
    ),
    (
        lambda W, x, i: _others((gram(W)[i] * x).abs(), i),
        "You took absolute values. Disturbances of opposite sign cancel, and that matters.",
    ),
    (
        lambda W, x, i: torch.relu(_others(gram(W)[i] * x, i)),
        "You clipped already. I asked for what arrives before bias and ReLU.",
    ),
]


@exercise
def check_received(received) -> str:
    """Check received(W, x, i): what output i hears from the other features."""
    generator = torch.Generator().manual_seed(2)
    W, x, i = 1.2 * torch.randn(2, 5, generator=generator), torch.rand(5, generator=generator), 3
    expected = _others(gram(W)[i] * x, i)
    answer = call(received, W, x, i)
    if same(answer, torch.stack([_others(gram(W)[j] * x, j) for j in range(5)])):
        raise Nearly("That is right for all five outputs at once; return the one for i.")
    tensor(answer, shape=(), shapes=RECEIVED_SHAPES, name=RESULT)
    mistakes(answer, expected, RECEIVED_MISTAKES, W, x, i)
    if not same(answer, expected):
        raise Nearly(_two_on_a_line(received))
    if not same(call(received, W, x, 0, shape=()), _others(gram(W)[0] * x, 0)):
        raise Nearly(
            "Right for feature 3 and wrong for feature 0. Is a number written where `i` should stand?"
        )
    return (
        f"Output {i} hears {_signed(expected)} from the others here. While feature {i} is off, ReLU removes what is negative, "
        "and the bias must do the rest."
    )


def _two_on_a_line(received) -> str:
    """Show an example small enough for the head, one where the student's function is wrong."""
    for lengths, x in (((1.0, -0.5), (0.0, 1.0)), ((2.0, -0.5), (1.0, 1.0))):
        tiny = call(received, torch.tensor([lengths]), torch.tensor(x), 0)
        if not same(tiny, torch.tensor(lengths[0] * lengths[1] * x[1])):
            W = f"({lengths[0]:g}, −{-lengths[1]:g})"
            return (
                f"Take two features on one line, W = {W}, and x = ({x[0]:g}, {x[1]:g}): how much does feature 1 add to output 0? "
                f"Your function gives {_row(tiny.reshape(-1))}."
            )
    return "With two features it is right; with five it is not. Which of the other four are left out, or counted twice?"


def _others(parts: Tensor, i: int) -> Tensor:
    return parts.sum() - parts[i]


@exercise
def check_pentagon(model, feature_probability: float = 0.05) -> str:
    """Check the reader's own trained 5 → 2 model."""
    found = certify_pentagon(model, feature_probability)
    return (
        f"A regular pentagon: gaps within {found['gap']:.1f}° of 72°, norms {found['norm']:.2f}, biases {found['bias']:.2f}, "
        f"loss {max(found['excess'], 0):.1%} above the best known. At 1 − S = 0.1 you saw norms of 1.10 and biases of −0.21: "
        "rarer features are stretched more and cut deeper."
    )


@exercise
def check_handmade(W, b) -> str:
    """Check a W (2, 5) and b (5,) made by hand, at 1 − S = 0.1: it must beat two digons."""
    shapes = {
        (
            5,
            2,
        ): "Your W has five rows and two columns. A column is a feature's direction, so there are five columns of two."
    }
    W = tensor(_detached(W), shape=(2, 5), shapes=shapes, name="your W")
    each = "One bias for all five? Write one for each feature: `torch.full((5,), …)`."
    if isinstance(b, (int, float)):
        raise Nearly(each)
    b = tensor(_detached(b), shape=(5,), shapes={(): each, (1,): each}, name="your b")
    features = SparseFeatures(5, 0.1)
    loss, digons = theory.expected_loss(W, b, features).item(), 0.0375
    if loss < digons:
        best = theory.optimum(features, 2)[2].item()
        return (
            f"Loss {loss:.4f}, below the two digons' 0.0375. Training finds {best:.4f} with columns a tenth longer than 1: "
            "what does the extra length buy, once the bias has cut everything down?"
        )
    represented = int((feature_norms(W) > 0.5).sum())
    start = f"Loss {loss:.4f}; the two digons have 0.0375. "
    if represented == 0:
        raise Nearly(start + "No column is longer than a half, so hardly anything gets into h.")
    if represented < 4:
        raise Nearly(
            start + f"You represent {represented} of 5. Every feature without a direction costs about 0.03."
        )
    if represented == 4:
        raise Nearly(
            start
            + "You represent four, as the digons do, and their cost is mostly the fifth. Is there room for it?"
        )
    raise Nearly(start + _five_columns(W, b, loss, features))


def _five_columns(W: Tensor, b: Tensor, loss: float, features: SparseFeatures) -> str:
    closest = (gram(W / feature_norms(W)) - 2 * torch.eye(5)).max()
    if closest > 0.75:
        return (
            "Two of your columns point nearly the same way, so each answers for the other. Spread them out."
        )
    if b.max() > 0.02:
        return "A positive bias makes an output speak when nothing is on, which is most of the time."
    if b.abs().max() < 0.02:
        return "All five have a direction, and each output hears its neighbours. Nothing cuts that down: what is b for?"
    if theory.expected_loss(W, b / 2, features).item() < loss:
        return "Your bias cuts the crosstalk, and the features with it. Half of it would already cost less."
    return "All five have a direction. Compare lengths and gaps: `feature_norms(W)` and `gram(W)`."


@exercise
def check_experiment(experiment, expected) -> Result:
    """Check an experiment of the reader's own: eight seeds, compared with what was expected."""
    if expected is None or not isinstance(expected, str) or not expected.strip():
        raise Nearly(
            f"`expected` is {kind(expected)}. Write down what you expect, in the words your experiment returns."
        )
    outcomes = []
    for seed in range(8):
        outcome = run(experiment, seed)
        if not isinstance(outcome, str) or not outcome.strip():
            raise Nearly(
                f"For seed {seed} your experiment returns {kind(outcome)}. Let it return words, such as `read_gram(…).shape`."
            )
        outcomes.append(outcome.strip())
    if not _reads_seed(experiment):
        raise Nearly(
            "Your experiment never uses its seed, so nobody can repeat one of its eight runs, or tell them apart."
        )
    counts = Counter(outcomes)
    tally = "; ".join(f"{words}: {k}" for words, k in counts.most_common(4))
    hits = sum(_plain(words) == _plain(expected) for words in outcomes)
    verdict = (
        _none_as_expected(expected, counts)
        if hits == 0
        else "Every run went as you expected: what would you try next to prove yourself wrong?"
        if hits == 8
        else "How would you find out whether the others are worse minima, or as good?"
    )
    return Result(COUNTED, f"{hits} of 8 runs ended as you expected ({tally}). {verdict}")


def _plain(words: str) -> str:
    """Forget capitals, spacing, punctuation and a leading article, but not the sign or the point of a number."""
    plain = re.sub(r"[^\w\s](?!\d)", " ", words).casefold().split()
    return " ".join(plain[plain[:1] in (["a"], ["an"], ["the"]) :]) or words.strip()


def _none_as_expected(expected: str, counts: Counter) -> str:
    longer = next((words for words in counts if f" {_plain(expected)} " in f" {_plain(words)} "), None)
    if longer is not None:
        return f"Your words are a part of “{longer}”. If that is what you meant, write all of it; if not, what was missing in your picture?"
    return (
        "No run returned the words that you wrote. If it said the same in other words, write them into `expected`; "
        "if not, which part of your picture has to give?"
    )


def _reads_seed(experiment) -> bool:
    code = getattr(experiment, "__code__", None)
    if code is None or not code.co_varnames:
        return True
    # Newer Pythons load two variables with one instruction, whose argument is a pair of names.
    loaded = [i.argval for i in dis.get_instructions(code) if i.opname.startswith("LOAD")]
    return any(code.co_varnames[0] in (name if isinstance(name, tuple) else (name,)) for name in loaded)


def _detached(value):
    return value.detach() if isinstance(value, Tensor) else value


def _row(values: Tensor) -> str:
    return "(" + ", ".join(f"{value:g}" for value in values.tolist()).replace("-", "−") + ")"


def _signed(value: Tensor) -> str:
    return f"{value:+.2f}".replace("-", "−")


def _read_neighbours(back: Tensor) -> str | None:
    positive, negative = int((back > 1e-6).sum()), int((back < -1e-6).sum())
    if positive == negative == 2:
        return "positive in two, negative in two"
    return {(0, 0): "0 in all four", (4, 0): "positive in all four"}.get((positive, negative))


def _read_five(shape: str) -> str | None:
    if shape == "pentagon":
        return "All five kept, evenly spread"
    if shape == "two digons and one dropped":
        return "Four kept, as two pairs of opposites; one dropped"
    if shape.startswith("group of 5"):
        return "All five kept, at angles that depend on the run"
    return "Two kept, three dropped" if shape == "two recovered and three dropped" else None


def _read_changes(changes: tuple[float, float]) -> str:
    important, frequent = (change > 0.1 for change in changes)
    return {
        (True, True): "Both change W",
        (False, True): "A leaves W as it is, B changes it",
        (True, False): "A changes W, B leaves it as it is",
        (False, False): "Neither changes W",
    }[important, frequent]


def _read_kept(count: int) -> str:
    if count < 10:
        return "Fewer than ten"
    return "Ten" if count == 10 else "More than ten, but not all" if count < 20 else "All twenty"


register(
    Number(
        key="03.1",
        question="Five features, each on one time in ten, each by its own throw. In what share of the inputs is nothing on at all?",
        exact=0.03,
        far=0.3,
        share=True,
        too_low="Adding up five chances of 0.1 counts inputs with two features on twice. Off five times in a row is 0.9⁵.",
        too_high="0.9 is the chance that one feature is off. All five must be off at once: 0.9⁵.",
        lesson="Off five times in a row: 0.9⁵ = 0.59.",
    ),
    Choice(
        key="03.2",
        question="How many numbers does training adjust in a 20 → 10 model, with n = 20 and m = 10?",
        options={
            "220": "This model has another size than the one in the question.",
            "230": "You gave the middle a bias of its own. This model has none; notebook 05 asks why.",
            "420": "You gave the way back a matrix of its own. Here one W serves twice; notebook 04 asks why.",
            "430": "You pictured the usual two layers, each with its own matrix and bias. Here one W serves twice, and h has no bias.",
        },
        observe=lambda count: str(int(count)),
        lesson="10 × 20 for W, 20 for b. The way back costs nothing, as it uses W again.",
    ),
    Choice(
        key="03.3",
        question="Only feature 0 is on. Before bias and ReLU, what stands at the outputs of the other four?",
        options={
            "0 in all four": "Off going in is not 0 coming out: whatever is in h reaches every output whose column is not at a right angle to it.",
            "positive in all four": "You gave crosstalk one sign. A scalar product is negative beyond a right angle, and two columns lie beyond it.",
            "positive in two, negative in two": "This W is not the regular pentagon of the text.",
        },
        observe=_read_neighbours,
        lesson="Columns within a right angle answer with the same sign, columns beyond it with the opposite one.",
    ),
    Choice(
        key="03.4",
        question="Five equally important features, each on one time in ten, two dimensions. What does the trained model do?",
        options={
            "Two kept, three dropped": "That is the answer for features that are always on, where compressing means choosing, as in principal components. Rare ones can share.",
            "Four kept, as two pairs of opposites; one dropped": "Good company: pairs are best when features are on more often than here. These are rare enough for a fifth.",
            "All five kept, evenly spread": "This run stopped short of the pentagon; most do not. Try another seed.",
            "All five kept, at angles that depend on the run": "The whole figure is turned at random, but the gaps are not: uneven gaps cost loss, and training closes them.",
        },
        observe=_read_five,
        lesson="Five directions in a plane, each paying a little to its neighbours, cost less than one feature lost.",
    ),
    Choice(
        key="03.5",
        question="A: all five features become ten times as important. B: they are on ten times as often. What happens to W?",
        options={
            "Both change W": "You pictured importance as a push for more room. Times ten for all, it multiplies the whole loss, and the best W stays the best W.",
            "A leaves W as it is, B changes it": "This run is an unusual one: look at the two pictures again, and train with another seed.",
            "A changes W, B leaves it as it is": "It is the other way round: a factor in front of the loss moves no minimum, but features that are on together collide.",
            "Neither changes W": "True of A. How often features are on decides how often they collide, and with that, which arrangement is cheapest.",
        },
        observe=_read_changes,
        lesson="Importance says what a mistake costs, frequency how often features collide. Only the second changes the best shape here.",
    ),
    Number(
        key="03.6",
        question="Five equally important features, two dimensions. Up to which 1 − S does a pentagon cost less than two digons?",
        exact=0.04,
        far=0.2,
        share=True,
        too_low="You expected collisions to spoil the pentagon sooner. One on its own costs little beside a feature that is lost for good.",
        too_high="When half of the features are on, each output hears several others at once, and no single bias cuts that. Opposites disturb less.",
        lesson="Up to about one time in five. Then collisions cost more than the fifth feature is worth.",
    ),
    Choice(
        key="03.7",
        question="How many of the 20 features get a direction in the 10 dimensions?",
        options={
            "Fewer than ten": "Leaving a dimension empty would waste it: there is always one more feature that lowers the loss.",
            "Ten": "One feature per dimension is the rule for features that are always on. Rare ones can share a dimension as opposites.",
            "More than ten, but not all": "This run is unusual for the setting in the text. How does it read?",
            "All twenty": "There is room for twenty in ten dimensions, two by two. But the last ones matter so little that their crosstalk would cost more than they are worth.",
        },
        observe=_read_kept,
        lesson="The most important have a dimension to themselves, the next share one in pairs, the last get nothing.",
    ),
    Number(
        key="03.8",
        question="Each feature is on one time in five. What does the model answer for a feature that it has dropped?",
        exact=0.02,
        far=0.08,
        too_low="Dropped is not silent. No column means no information, and the best guess without information is the mean, not 0.",
        too_high="0.5 is the mean while the feature is on. Four times in five it is off, so the mean over all inputs is 0.1.",
        lesson="Without information the best guess is the mean, (1 − S)/2 = 0.1.",
    ),
)
