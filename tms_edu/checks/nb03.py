"""Notebook 03: its exercises and predictions."""

import torch
from torch import Tensor

from tms_edu import SparseFeatures, feature_norms, gram, interference, read_gram, theory
from tms_edu.checks.exercises import number, tensor
from tms_edu.checks.forms import detached, experiment, function, normal, outcome
from tms_edu.checks.outcomes import ANSWERS_ITS_MEAN_BELOW, weights
from tms_edu.checks.predictions import Choice, Number, register
from tms_edu.geometry import gaps


@outcome(
    (
        lambda m: abs(m.S - m.on) < 0.02,
        "That is the share of entries that are on, 1 − S. S counts the others.",
    ),
    (
        lambda m: abs(m.S - 100 * m.off) < 2,
        "The right idea in percent. In the formulas S is a fraction between 0 and 1.",
    ),
    (
        lambda m: abs(m.S - m.empty) < 0.005,
        "You counted rows in which nothing is on. S is about one feature at a time: count entries.",
    ),
    (
        lambda m: abs(m.S - m.mean) < 0.01,
        "That is the mean of all entries. S asks how many are zero, not how large the others are.",
    ),
    (
        lambda m: abs(m.S - m.zeros) < 1 or abs(m.S - 20 * m.off) < 0.5,
        "You counted zeros. S is their share: divide by how many entries you looked at.",
    ),
    (
        lambda m: True,
        "S = {S:.3g} is not the share of zeros in `y`. Take a small corner, `y[:3, :5]`, and count by eye first.",
    ),
    good=lambda m: abs(m.S - m.off) < 0.02,
    right="{off:.2f} of all entries are zero, so S is about 0.8 and 1 − S, the chance of being on, about 0.2.",
)
def check_sparsity(S, y: Tensor) -> dict:
    """Check the sparsity S read off a batch y."""
    on, empty = (y > 0).float().mean().item(), (y == 0).all(-1).float().mean().item()
    zeros, mean = (y == 0).sum().item(), y.mean().item()
    return {"S": number(S, name="S"), "on": on, "off": 1 - on, "empty": empty, "zeros": zeros, "mean": mean}


def _row_and_bias(x: tuple, b: tuple) -> tuple[Tensor, Tensor, Tensor]:
    return torch.tensor([x]), torch.tensor([[1.0, -1.0]]), torch.tensor(b)


BATCH = (normal(1, 4, 5).abs(), normal(2, 3, 5), normal(3, 5))


@function(
    *BATCH,
    mistakes=[
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
        (
            lambda x, W, b: x @ W.mT @ W,
            "Neither bias nor ReLU is there yet: this is the linear part, `WᵀWx`.",
        ),
        (
            lambda x, W, b: x @ W.mT,
            "Three columns, as many as there are hidden dimensions: this is h. The way back up is missing.",
        ),
        (
            lambda x, W, b: torch.relu(x @ W.mT @ W + b).mT,
            "Your result has shape (5, 4): inputs as columns. They come in as rows and leave as rows.",
        ),
        (
            lambda x, W, b: torch.relu(x @ W.mT @ W + b).sum(0),
            "Your result has one row for a batch of four. Did the rows get added up on the way?",
        ),
    ],
    small=(
        "The shape fits, the numbers do not. Follow x = {0} by hand through W = {1} and b = {2}: h has one entry. "
        "Your function gives {got}.",
        _row_and_bias((1.0, 0.0), (0.5, 0.5)),
        _row_and_bias((1.0, 0.5), (-0.2, 0.1)),
        _row_and_bias((0.0, 0.0), (-0.5, 0.5)),
    ),
    otherwise="The shape fits, the numbers do not. One row and one hidden number come out right, four rows and three do not. "
    "Which are left out, or mixed?",
    again=(
        (
            (BATCH[0][:1], *BATCH[1:]),
            "Right for four inputs, wrong for one alone: a row must not depend on its neighbours.",
        ),
    ),
    right="Rows in, rows out, one W used twice. `ToyModel` does exactly this.",
)
def check_forward(x, W, b) -> Tensor:
    """Check forward(x, W, b) for a batch of rows."""
    return torch.relu(x @ W.mT @ W + b)


def _others(parts: Tensor, i: int) -> Tensor:
    return parts.sum() - parts[i]


FIVE_IN_TWO = (1.2 * normal(2, 2, 5), normal(4, 5).abs())


@function(
    *FIVE_IN_TWO,
    3,
    mistakes=[
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
        (
            lambda W, x, i: gram(W) @ x - gram(W).diag() * x,
            "That is right for all five outputs at once; return the one for i.",
        ),
        (
            lambda W, x, i: gram(W)[i] * x,
            "You return five numbers, one for each feature j. What arrives is their sum, without one of them.",
        ),
        (
            lambda W, x, i: (gram(W)[i] * x)[torch.arange(5) != i],
            "You return the four parts one by one. What arrives is their sum.",
        ),
        (
            lambda W, x, i: _others(gram(W)[i] * x, i)[None],
            "Your result has shape (1,), and I expected a single number, shape (). Index with `i`, not `[i]`.",
        ),
    ],
    small=(
        "Take two features on one line, W = {0}, and x = {1}: how much does feature 1 add to output 0? Your function gives {got}.",
        (torch.tensor([[1.0, -0.5]]), torch.tensor([0.0, 1.0]), 0),
        (torch.tensor([[2.0, -0.5]]), torch.tensor([1.0, 1.0]), 0),
    ),
    otherwise="With two features it is right; with five it is not. Which of the other four are left out, or counted twice?",
    again=(
        (
            (*FIVE_IN_TWO, 0),
            "Right for feature 3 and wrong for feature 0. Is a number written where `i` should stand?",
        ),
    ),
    right="Output 3 hears {0:+.2f} from the others here. While feature 3 is off, ReLU removes what is negative, and the bias must do the rest.",
)
def check_received(W, x, i) -> Tensor:
    """Check received(W, x, i): what output i hears from the other features."""
    return _others(gram(W)[i] * x, i)


SHOWN = "This model is {shape}, with gaps of {gaps}"


@outcome(
    (
        lambda m: m.irregular and m.constant > 0.05,
        SHOWN
        + ". It answers {constant:.2f} for a feature it dropped, the mean of one that is on {twice:.0%} of the time. "
        "Which `feature_probability` did it see?",
    ),
    (
        lambda m: m.irregular and m.largest > 0.05,
        SHOWN
        + ". The bias of a feature that is not kept lies well above 0: the features were on far more often than asked for. "
        "Which `feature_probability` did it see?",
    ),
    (
        lambda m: m.irregular and m.ratio > 3,
        SHOWN + ", and its loss is {ratio:.0f} times the best known. How many steps has it been trained?",
    ),
    (
        lambda m: m.irregular,
        SHOWN
        + "; its loss is {ratio:.2f} times the best known. Too few steps, another sparsity, or a seed that ended in a local "
        "minimum: which is it, and how would you know?",
    ),
    (
        lambda m: m.off_norm > 0.025 or m.off_bias > 0.025 or m.ratio > 1.03,
        "The five columns stand at even gaps, but this is not yet the pentagon for 1 − S = {p:g}: "
        "norms around {norm:.2f}, biases around {bias:.2f}, loss {excess:.0%} above the best known. "
        "Was it trained on this sparsity, and to the end?",
    ),
    right="A regular pentagon: gaps within {gap:.1f}° of 72°, norms {norm:.2f}, biases {bias:.2f}, loss {excess:.1%} above the best known. "
    "At 1 − S = 0.1 you saw norms of 1.10 and biases of −0.21: rarer features are stretched more and cut deeper.",
)
def check_pentagon(model, feature_probability: float = 0.05) -> dict:
    """Check the reader's own trained 5 → 2 model: gaps 72 ± 5°, norms, biases and loss those of the exact optimum.

    Norms must lie within 2.5 %, biases within .025, the loss within 3 %. A model of another sparsity is a pentagon too, with
    other lengths and biases: those tell it from an unlucky run.
    """
    W, b = weights(model, 2, 5)
    features = SparseFeatures(5, feature_probability)
    best_W, best_b, best = theory.optimum(features, 2)
    ratio = (theory.expected_loss(W, b, features) / best).item()
    reading, gap, norms = read_gram(gram(W), b), gaps(W), feature_norms(W)
    dropped = reading.indices("dropped")
    blank = [b[i].item() for i in dropped if norms[i] ** 2 < ANSWERS_ITS_MEAN_BELOW]
    article = "a " if reading.shape.split()[0] in ("pentagon", "group") else ""
    return {
        "p": feature_probability,
        "shape": article + reading.shape,
        "gaps": ", ".join(f"{angle:.0f}°" for angle in gap),
        "gap": (gap - 72).abs().max(),
        "irregular": bool(dropped) or (gap - 72).abs().max() > 5,
        "constant": max(blank, default=0.0),
        "twice": 2 * max(blank, default=0.0),
        "largest": max((b[i].item() for i in dropped), default=0.0),
        "ratio": ratio,
        "excess": max(ratio - 1, 0.0),
        "norm": norms.mean(),
        "bias": b.mean(),
        "off_norm": (norms / feature_norms(best_W).mean() - 1).abs().max(),
        "off_bias": (b - best_b).abs().max(),
    }


DIGONS = 0.0375
ABOVE = "Loss {loss:.4f}; the two digons have 0.0375. "


@outcome(
    (lambda m: m.kept == 0, ABOVE + "No column is longer than a half, so hardly anything gets into h."),
    (
        lambda m: m.kept < 4,
        ABOVE + "You represent {kept} of 5. Every feature without a direction costs about 0.03.",
    ),
    (
        lambda m: m.kept == 4,
        ABOVE
        + "You represent four, as the digons do, and their cost is mostly the fifth. Is there room for it?",
    ),
    (
        lambda m: (gram(m.W / feature_norms(m.W)) - 2 * torch.eye(5)).max() > 0.75,
        ABOVE
        + "Two of your columns point nearly the same way, so each answers for the other. Spread them out.",
    ),
    (
        lambda m: m.b.max() > 0.02,
        ABOVE + "A positive bias makes an output speak when nothing is on, which is most of the time.",
    ),
    (
        lambda m: m.b.abs().max() < 0.02,
        ABOVE
        + "All five have a direction, and each output hears its neighbours. Nothing cuts that down: what is b for?",
    ),
    (
        lambda m: theory.expected_loss(m.W, m.b / 2, SparseFeatures(5, 0.1)) < m.loss,
        ABOVE + "Your bias cuts the crosstalk, and the features with it. Half of it would already cost less.",
    ),
    (
        lambda m: True,
        ABOVE + "All five have a direction. Compare lengths and gaps: `feature_norms(W)` and `gram(W)`.",
    ),
    good=lambda m: m.loss < DIGONS,
    right="Loss {loss:.4f}, below the two digons' 0.0375. Training finds {best:.4f} with columns a tenth longer than 1: "
    "what does the extra length buy, once the bias has cut everything down?",
)
def check_handmade(W, b) -> dict:
    """Check a W (2, 5) and b (5,) made by hand, at 1 − S = 0.1: it must beat two digons."""
    turned = "Your W has five rows and two columns. A column is a feature's direction, so there are five columns of two."
    each = "One bias for all five? Write one for each feature: `torch.full((5,), …)`."
    W = tensor(detached(W), shape=(2, 5), shapes={(5, 2): turned}, name="your W")
    b = torch.tensor(float(b)) if isinstance(b, (int, float)) else detached(b)
    b = tensor(b, shape=(5,), shapes={(): each, (1,): each}, name="your b")
    loss, best = (
        theory.expected_loss(W, b, SparseFeatures(5, 0.1)).item(),
        theory.optimum(SparseFeatures(5, 0.1), 2)[2],
    )
    return {"W": W, "b": b, "loss": loss, "best": best, "kept": int((feature_norms(W) > 0.5).sum())}


@experiment(returns="words, such as `read_gram(…).shape`")
def check_experiment(experiment, expected):
    """Check an experiment of the reader's own on the toy model."""


def _signs(back: Tensor) -> tuple[int, int]:
    return int((back > 1e-6).sum()), int((back < -1e-6).sum())


register(
    Number(
        "03.1",
        "Five features, each on one time in ten, each by its own throw. In what share of the inputs is nothing on at all?",
        exact=0.03,
        far=0.3,
        share=True,
        too_low="Adding up five chances of 0.1 counts inputs with two features on twice. Off five times in a row is 0.9⁵.",
        too_high="0.9 is the chance that one feature is off. All five must be off at once: 0.9⁵.",
        lesson="Off five times in a row: 0.9⁵ = 0.59.",
    ),
    Choice(
        "03.2",
        "How many numbers does training adjust in a 20 → 10 model, with n = 20 and m = 10?",
        [
            ("220", lambda count: count == 220, "This model has another size than the one in the question."),
            (
                "230",
                lambda count: count == 230,
                "You gave the middle a bias of its own. This model has none; notebook 05 asks why.",
            ),
            (
                "420",
                lambda count: count == 420,
                "You gave the way back a matrix of its own. Here one W serves twice; notebook 04 asks why.",
            ),
            (
                "430",
                lambda count: count == 430,
                "You pictured the usual two layers, each with its own matrix and bias. Here one W serves twice, and h has no bias.",
            ),
        ],
        lesson="10 × 20 for W, 20 for b. The way back costs nothing, as it uses W again.",
    ),
    Choice(
        "03.3",
        "Only feature 0 is on. Before bias and ReLU, what stands at the outputs of the other four?",
        [
            (
                "0 in all four",
                lambda back: _signs(back) == (0, 0),
                "Off going in is not 0 coming out: whatever is in h reaches every output whose column is not at a right angle to it.",
            ),
            (
                "positive in all four",
                lambda back: _signs(back) == (4, 0),
                "You gave crosstalk one sign. A scalar product is negative beyond a right angle, and two columns lie beyond it.",
            ),
            (
                "positive in two, negative in two",
                lambda back: _signs(back) == (2, 2),
                "This W is not the regular pentagon of the text.",
            ),
        ],
        lesson="Columns within a right angle answer with the same sign, columns beyond it with the opposite one.",
    ),
    Choice(
        "03.4",
        "Five equally important features, each on one time in ten, two dimensions. What does the trained model do?",
        [
            (
                "Two kept, three dropped",
                lambda shape: shape == "two recovered and three dropped",
                "That is the answer for features that are always on, where compressing means choosing, as in principal components. Rare ones can share.",
            ),
            (
                "Four kept, as two pairs of opposites; one dropped",
                lambda shape: shape == "two digons and one dropped",
                "Good company: pairs are best when features are on more often than here. These are rare enough for a fifth.",
            ),
            (
                "All five kept, evenly spread",
                lambda shape: shape == "pentagon",
                "This run stopped short of the pentagon; most do not. Try another seed.",
            ),
            (
                "All five kept, at angles that depend on the run",
                lambda shape: shape.startswith("group of 5"),
                "The whole figure is turned at random, but the gaps are not: uneven gaps cost loss, and training closes them.",
            ),
        ],
        lesson="Five directions in a plane, each paying a little to its neighbours, cost less than one feature lost.",
    ),
    Choice(
        "03.5",
        "A: all five features become ten times as important. B: they are on ten times as often. What happens to W?",
        [
            (
                "Both change W",
                lambda change: min(change) > 0.1,
                "You pictured importance as a push for more room. Times ten for all, it multiplies the whole loss, and the best W stays the best W.",
            ),
            (
                "A leaves W as it is, B changes it",
                lambda change: change[0] <= 0.1 < change[1],
                "This run is an unusual one: look at the two pictures again, and train with another seed.",
            ),
            (
                "A changes W, B leaves it as it is",
                lambda change: change[1] <= 0.1 < change[0],
                "It is the other way round: a factor in front of the loss moves no minimum, but features that are on together collide.",
            ),
            (
                "Neither changes W",
                lambda change: max(change) <= 0.1,
                "True of A. How often features are on decides how often they collide, and with that, which arrangement is cheapest.",
            ),
        ],
        lesson="Importance says what a mistake costs, frequency how often features collide. Only the second changes the best shape here.",
    ),
    Number(
        "03.6",
        "Five equally important features, two dimensions. Up to which 1 − S does a pentagon cost less than two digons?",
        exact=0.04,
        far=0.2,
        share=True,
        too_low="You expected collisions to spoil the pentagon sooner. One on its own costs little beside a feature that is lost for good.",
        too_high="You gave the pentagon longer than it lasts. Above one time in five, two or more are on together too often, and no single bias cuts what an output then hears. Opposites disturb less.",
        lesson="Up to about one time in five. Then collisions cost more than the fifth feature is worth.",
    ),
    Choice(
        "03.7",
        "How many of the 20 features get a direction in the 10 dimensions?",
        [
            (
                "Fewer than ten",
                lambda count: count < 10,
                "Leaving a dimension empty would waste it: there is always one more feature that lowers the loss.",
            ),
            (
                "Ten",
                lambda count: count == 10,
                "One feature per dimension is the rule for features that are always on. Rare ones can share a dimension as opposites.",
            ),
            (
                "More than ten, but not all",
                lambda count: 10 < count < 20,
                "This run is unusual for the setting in the text. How does it read?",
            ),
            (
                "All twenty",
                lambda count: count >= 20,
                "There is room for twenty in ten dimensions, two by two. But the last ones matter so little that their crosstalk would cost more than they are worth.",
            ),
        ],
        lesson="The most important have a dimension to themselves, the next share one in pairs, the last get nothing.",
    ),
    Number(
        "03.8",
        "Each feature is on one time in five. What does the model answer for a feature that it has dropped?",
        exact=0.02,
        far=0.08,
        too_low="Dropped is not silent. No column means no information, and the best guess without information is the mean, not 0.",
        too_high="0.5 is the mean while the feature is on. Four times in five it is off, so the mean over all inputs is 0.1.",
        lesson="Without information the best guess is the mean, (1 − S)/2 = 0.1.",
    ),
)
