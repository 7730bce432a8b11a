"""Notebook 06: its exercises and predictions."""

import math

import torch
from torch import Tensor

from tms_edu import gram, read_gram, theory
from tms_edu.checks.exercises import NotTried, exercise, kind, number, require, run, tensor
from tms_edu.checks.forms import detached, experiment, function, normal, outcome, reject
from tms_edu.checks.outcomes import weights
from tms_edu.checks.predictions import Choice, Number, register
from tms_edu.wording import join, signed, vector

FATES = ("recovered", "superposed", "dropped")

# W (6, 12) of a model trained at 1 - S = 0.2 with the importances 0.75 ** PUZZLE_RANKS, to two digits. It is kept, so that the
# picture of exercise 1 is the same for everybody, on every machine and with every recipe of training.
PUZZLE_RANKS = (4, 1, 6, 2, 9, 11, 8, 10, 3, 7, 0, 5)
PUZZLE_W = torch.tensor(
    [
        [-0.49, 0.07, -0.31, -0.22, 0, 0, -0.70, 0, 0.33, 0.46, 0.32, 0.73],
        [0.52, 0.05, -0.74, -0.32, 0, 0, 0.18, -0.01, 0.78, -0.49, 0.17, -0.19],
        [0.20, 0.40, -0.10, 0.78, -0.02, -0.01, -0.10, 0, 0.10, -0.19, 0.42, 0.10],
        [-0.64, 0.39, -0.17, -0.08, 0, 0, 0.61, 0, 0.18, 0.61, 0.16, -0.64],
        [0.30, 0.54, 0.49, -0.49, 0.01, 0, -0.05, 0, -0.52, -0.28, 0.37, 0.06],
        [-0.03, -0.63, 0.15, -0.02, 0, 0, 0.21, 0, -0.16, 0.03, 0.73, -0.22],
    ]
)

MISREAD = (
    (
        lambda m: m.status == "dropped",
        "You list feature {i} as {name}. Its place on the diagonal is {own}: is there a column at all?",
    ),
    (
        lambda m: m.name == "dropped",
        "You list feature {i} as dropped, and there is orange on its diagonal. Blank rows only.",
    ),
    (
        lambda m: m.status == "superposed",
        "You list feature {i} as recovered. Go along its row: is the diagonal the only colour?",
    ),
    (
        lambda m: m.status == "recovered",
        "You pair feature {i} with another. Its row is clean but for the diagonal.",
    ),
)


@exercise
def check_read_by_eye(recovered, dropped, pairs, puzzle: Tensor) -> str:
    """Check three lists read off a Gram matrix of recovered features, dropped ones and pairs."""
    n, reading = len(puzzle), read_gram(puzzle)
    answered = {
        "recovered": _features(recovered, "recovered", n),
        "dropped": _features(dropped, "dropped", n),
    }
    couples = {frozenset(_features(_couple(pair), "pairs", n)) for pair in _listed(pairs, "pairs")}
    require(
        all(len(couple) == 2 for couple in couples),
        "In `pairs` each entry is two different features in brackets, such as `(2, 5)`.",
    )
    answered["paired"] = [i for couple in couples for i in couple]
    for name, features in answered.items():
        for i in sorted(features):
            if (status := reading.status[i]) != ("superposed" if name == "paired" else name):
                reject(*MISREAD, i=i, name=name, status=status, own=signed(puzzle[i, i]))
    left = [i for i in range(n) if not any(i in features for features in answered.values())]
    require(
        not left,
        f"Feature {min(left, default=0)} stands in none of your three lists. What is on its diagonal?",
    )
    for i, j in sorted(map(sorted, couples)):
        require(
            j in reading.features[i].partners,
            f"Features {i} and {j} are both superposed, but not with each other: nothing stands at ({i}, {j}).",
        )
    gone = len(reading.indices("dropped"))
    return (
        f"{len(reading.indices('recovered'))} recovered, {len(couples)} pairs, {gone} dropped: "
        f"{n - gone} features in 6 dimensions, and `read_gram` agrees with you."
    )


def _couple(value):
    require(
        not isinstance(value, int),
        f"Each entry of `pairs` is a pair, such as `(2, 5)`. Yours holds the number {value} by itself.",
    )
    return value


def _listed(value, name: str) -> list:
    value = value.tolist() if hasattr(value, "tolist") else value
    require(isinstance(value, (list, tuple, set)), f"`{name}` is {kind(value)}; I expected a list, `[…]`.")
    if any(item is ... for item in value):
        raise NotTried
    return list(value)


def _features(value, name: str, n: int) -> list[int]:
    found = _listed(value, name)
    for item in found:
        whole = isinstance(item, int) and not isinstance(item, bool)
        require(whole, f"`{name}` holds {kind(item)}; features are whole numbers from 0 to {n - 1}.")
        require(0 <= item < n, f"There is no feature {item}: they are counted from 0 to {n - 1}.")
    return found


# Crossings in one colour only and in both; too faint to count, one in a row or two; dropped features with a crossing and without.
CROSSINGS = torch.zeros(12, 12).index_put(
    (torch.tensor([1, 3, 4, 0, 0, 7]), torch.tensor([2, 4, 6, 5, 9, 8])),
    torch.tensor([-0.9, 0.3, -0.3, -0.06, 0.06, 0.5]),
)
FATES_G = (
    torch.diag(torch.tensor([0.8, 1.0, 1.0, 0.2, 0.8, 0.3, 0.8, 0.9, 0.9, 1.0, 0.1, 1.0]))
    + CROSSINGS
    + CROSSINGS.mT
)


def _fates(own: Tensor, crossing: Tensor, represented: float = 0.25, touches: float = 0.1) -> list[str]:
    return [
        "dropped" if a < represented else "superposed" if c >= touches else "recovered"
        for a, c in zip(own, crossing, strict=True)
    ]


def _off(G: Tensor) -> Tensor:
    return G - torch.diag(G.diagonal())


def _words(student, G: Tensor) -> list[str]:
    value, n = run(student, G), len(G)
    # A NumPy array of words is as good as a list of them.
    value = value.tolist() if type(value).__module__ == "numpy" and value.ndim == 1 else value
    a_list = isinstance(value, (list, tuple))
    require(a_list, f"Your function's result is {kind(value)}; I expected a list of {n} words.")
    require(len(value) == n, f"Your list holds {len(value)} words for {n} features.")
    for word in value:
        shown = f"the word “{word[:20]}”" if isinstance(word, str) else kind(word)
        known = isinstance(word, str) and word in FATES
        require(known, f"Your list holds {shown}. The words are “recovered”, “superposed” and “dropped”.")
    return list(value)


def _first_misread(answer: list[str], expected: list[str]) -> str:
    i = next(i for i in range(len(expected)) if answer[i] != expected[i])
    return (
        f"Feature {i} is “{answer[i]}” in your reading. Its diagonal entry is {FATES_G[i, i]:g}, and its whole row is "
        f"{vector(FATES_G[i])}."
    )


@function(
    FATES_G,
    mistakes=[
        (
            lambda G: _fates(G.diagonal(), G.abs().amax(1)),
            "Nobody is recovered in your reading. Row i holds the feature's own diagonal entry too: leave it out.",
        ),
        (
            lambda G: _fates(G.diagonal(), _off(G).amax(1)),
            "You found the orange crossings and missed the blue ones. Size is meant, whatever the sign.",
        ),
        (
            lambda G: _fates(G.diagonal(), -_off(G).amin(1)),
            "You found the blue crossings and missed the orange ones. Size is meant, whatever the sign.",
        ),
        (
            lambda G: _fates((G.diagonal() + _off(G).abs().amax(1)).clamp(max=1), _off(G).abs().amax(1)),
            "A feature with next to nothing on its diagonal is superposed in your reading. Ask about the diagonal first.",
        ),
        (
            lambda G: _fates(G.diagonal(), 0 * G[0]),
            "Your function looks at the diagonal only, so nobody is superposed. What stands in the rest of the row?",
        ),
        (
            lambda G: _fates(G.diagonal().sqrt(), _off(G).abs().amax(1)),
            "You took the root. The diagonal holds squared lengths, and 0.25 is meant for these.",
        ),
        (
            lambda G: _fates(G.diagonal(), (_off(G) != 0).float().amax(1)),
            "A crossing of 0.06 counts in your reading. Trained numbers are never quite 0: it takes 0.1.",
        ),
        (
            lambda G: _fates(G.diagonal(), _off(G).sum(1).abs()),
            "You added up the row, and a blue and an orange crossing cancelled. Ask for the largest one in size.",
        ),
        (
            lambda G: _fates(G.diagonal(), _off(G).abs().sum(1)),
            "You added up the sizes along the row. Twenty faint crossings would make everybody superposed; it takes *one* of 0.1 or more.",
        ),
        (
            lambda G: _fates(G.diagonal(), _off(G).abs().amax(1), represented=0.5),
            "A feature with 0.3 on its diagonal is dropped in your reading. From 0.25 on it is represented.",
        ),
    ],
    otherwise=_first_misread,
    again=tuple(
        (
            (G,),
            f"Right for my first matrix, wrong for one of {len(G)} features. Is a number or a size written in?",
        )
        for G in (gram(normal(0, 3, 5)), torch.eye(3), torch.zeros(2, 2))
    ),
    read=_words,
    right="These are the rules that `read_gram` goes by. It adds the partners and the groups, and says it in a sentence.",
)
def check_fates(G) -> list[str]:
    """Check fates(G): the reading rules as a function."""
    return read_gram(G).status


THREE_ROWS = gram(normal(0, 3, 8))
CASES = (
    ("one feature of length 1 in one dimension", torch.eye(1), 1),
    ("twelve clean dots in ten dimensions", torch.eye(12), 10),
    (
        "ten clean dots and ten blank rows in ten dimensions",
        torch.block_diag(torch.eye(10), torch.zeros(10, 10)),
        10,
    ),
    ("a trained pentagon in two dimensions", gram(1.135 * theory.polygon(5)), 2),
    ("WᵀW of a random W with three rows, m = 3", THREE_ROWS, 3),
    ("WᵀW of a random W with three rows, said to be of two", THREE_ROWS, 2),
    (
        "WᵀW of a random W with three rows, its halves apart by rounding",
        THREE_ROWS * (1 + 1e-6 * torch.ones(8, 8).triu(1)),
        3,
    ),
    ("nothing but zeros", torch.zeros(4, 4), 2),
    ("two features of length 1 that cross by 2", torch.tensor([[1.0, 2.0], [2.0, 1.0]]), 2),
    ("three unit features, each two at −0.8", 1.8 * torch.eye(3) - 0.8, 2),
    ("two digons in one dimension", torch.block_diag(*[gram(torch.tensor([[1.0, -1.0]]))] * 2), 1),
    ("a matrix whose halves differ", torch.tensor([[1.0, 0.5], [0.0, 1.0]]), 2),
    (
        "three short features, 0.3 on the diagonal, at right angles, in two dimensions",
        0.3 * torch.eye(3),
        2,
    ),
    (
        "squared lengths of 3, 1 and ½ at right angles, in two dimensions",
        torch.diag(torch.tensor([3.0, 1.0, 0.5])),
        2,
    ),
)


def _on_every_case(possible) -> list[bool]:
    return [_truth(run(possible, G, m)) for _, G, m in CASES]


def _truth(value) -> bool:
    # A tensor or a NumPy number holds the plain truth value inside.
    single = hasattr(value, "item") and math.prod(getattr(value, "shape", ())) == 1
    truth = value.item() if single else value
    require(
        isinstance(truth, bool), f"Your function's result is {kind(value)}; I expected `True` or `False`."
    )
    return truth


def _values(G: Tensor) -> Tensor:
    return torch.linalg.eigvalsh(G)


def _symmetric(G: Tensor) -> bool:
    return torch.allclose(G, G.T, atol=1e-4)


def _pencil(G: Tensor, m: int, slack: float) -> bool:
    return bool(G.trace() ** 2 <= m * G.square().sum() + slack)


def _possible(G: Tensor, m: int) -> bool:
    return _symmetric(G) and bool(_values(G).min() > -1e-4) and int((_values(G) > 1e-4).sum()) <= m


def _first_misjudged(answer: list[bool], expected: list[bool]) -> str:
    wrong = [name for (name, _, _), a, e in zip(CASES, answer, expected, strict=True) if a != e]
    return f"{len(CASES) - len(wrong)} of {len(CASES)} right. Look again at this one: {wrong[0]}."


@function(
    mistakes=[
        (lambda G, m: True, "Your function says True to everything that I have sent."),
        (lambda G, m: False, "Your function says False to everything that I have sent."),
        (
            lambda G, m: bool(G.trace() <= m),
            "Your limit is on the trace. Columns may be as long as they like: the best pentagon at 1 − S = 0.05 has a trace of 6.4 in two dimensions.",
        ),
        (
            lambda G, m: int((G.diagonal() >= 0.25).sum()) <= m,
            "You count orange dots. More than m of them is what superposition is, as in picture D.",
        ),
        (
            lambda G, m: read_gram((G + G.T) / 2).status.count("recovered") <= m,
            "At most m clean rows is true of every picture, and not enough: what if nobody is recovered and the crossings are too strong?",
        ),
        (
            lambda G, m: _pencil(G, m, 1e-4),
            "That inequality must hold, and more must: it lets pass two unit features that cross by 2. What do their eigenvalues say?",
        ),
        (
            lambda G, m: _pencil(G, m, 0.0),
            "That inequality must hold, up to rounding: a regular pentagon meets it exactly, and yours says no to it. And more must hold: two unit features that cross by 2 pass.",
        ),
        (
            lambda G, m: _symmetric(G) and bool(_values(G).min() > -1e-4) and _pencil(G, m, 1e-4),
            "The inequality can only say no. Squared lengths of 3, 1 and ½ at right angles pass it for m = 2 and need three dimensions. Count eigenvalues instead.",
        ),
        (
            lambda G, m: int((_values(G) > 0).sum()) <= m,
            "You count every eigenvalue above 0, and rounding makes some of 1e-7. Also: may an eigenvalue be negative, and does `eigvalsh` see both halves of G?",
        ),
        (
            lambda G, m: int(torch.linalg.matrix_rank(G, rtol=1e-4)) <= m,
            "Right about the rank. But `[[1, 2], [2, 1]]` has rank 2 and comes from no W: eigenvalues have a sign.",
        ),
        (
            lambda G, m: _symmetric(G) and int(torch.linalg.matrix_rank(G, rtol=1e-4)) <= m,
            "Rank and symmetry are right. One thing is left: vᵀGv = ‖Wv‖² for every v. What does that say about the sign of an eigenvalue?",
        ),
        (
            lambda G, m: bool(_values(G).min() > -1e-4) and int((_values(G) > 1e-4).sum()) <= m,
            "The eigenvalues are right. `eigvalsh` reads one triangle and never sees whether the other one agrees.",
        ),
        (
            lambda G, m: _symmetric(G) and bool(_values(G).min() > -1e-4),
            "Every matrix that you let pass belongs to some W. But m is not used: how many rows would that W need?",
        ),
        (
            lambda G, m: _symmetric(G) and int((_values(G) > 1e-4).sum()) <= m,
            "You count the positive eigenvalues and let negative ones pass. Nothing squared is negative.",
        ),
        (
            lambda G, m: _symmetric(G) and bool(_values(G).min() >= 0) and int((_values(G) > 0).sum()) <= m,
            "The idea is right and the comparison too strict: in single precision a zero eigenvalue comes out as ±1e-7.",
        ),
        (
            lambda G, m: bool(_symmetric(G)),
            "Symmetric is a beginning. The ideal picture is symmetric too, and no model with ten dimensions has it.",
        ),
        (
            lambda G, m: not _possible(G, m),
            "The other way round: `True` is for matrices that can be.",
        ),
    ],
    otherwise=_first_misjudged,
    read=_on_every_case,
    right="Symmetric, no negative eigenvalue, at most m that are not 0: then and only then there is a W. The eigenvectors, scaled by √λ, are its rows.",
)
def check_possible(G, m) -> bool:
    """Check possible(G, m): can G be WᵀW with m rows?"""
    return _possible(G, m)


PICTURE = ["recovered", "dropped", "superposed", "superposed", "superposed", "recovered", "superposed"]
PICTURE_PAIRS = ((2, 6), (3, 4))
NO_PAIR = (
    (lambda m: m.others, "Feature {i} crosses feature {others[0]}, and should cross {j} alone."),
    (
        lambda m: m.crossing > 0,
        "Features {i} and {j} cross in orange: they point the same way. Antipodal is the opposite way.",
    ),
    (
        lambda m: m.crossing > -0.99 * m.lengths,
        "Features {i} and {j} cross by {crossing:.2f}: they lean away from each other, but stand on no common line.",
    ),
)


@exercise
def check_from_picture(my_W) -> str:
    """Check a W (4, 7) made to fit a reading."""
    turned = "Your W has seven rows and four columns. Features are columns, so it is the other way round."
    W = tensor(detached(my_W), shape=(4, 7), shapes={(7, 4): turned}, name="your W")
    G, features = gram(W), read_gram(gram(W)).features
    for i, (feature, wanted) in enumerate(zip(features, PICTURE, strict=True)):
        partners = join(f"{j} ({signed(value)})" for j, value in feature.partners.items())
        is_ = f"Feature {i} is {feature.status} in your picture and should be {wanted}; its diagonal is {G[i, i]:.2f}."
        require(feature.status == wanted, f"{is_} It crosses {partners}." if partners else is_)
    for i, j in PICTURE_PAIRS:
        others, lengths = [k for k in features[i].partners if k != j], (G[i, i] * G[j, j]).sqrt()
        reject(*NO_PAIR, i=i, j=j, others=others, crossing=G[i, j].item(), lengths=lengths)
    represented = [i for i, wanted in enumerate(PICTURE) if wanted != "dropped"]
    unit = (G.diagonal()[represented] - 1).abs().max() <= 0.01
    require(unit, "The picture has the right pattern. Not all lengths are 1: look at the diagonal.")
    require(G[1, 1] <= 1e-4, "Feature 1 is faint, not gone. A dropped feature has a column of zeros.")
    return "Six features in four dimensions. Any rotation of your W gives the same picture, and the same outputs: the rotation is what the picture leaves out."


FOUND = "Your model: {shape}. "
ONE_LINE = 0.9  # of Gᵢᵢ Gⱼⱼ, which Gᵢⱼ² reaches where i and j stand on one line: 18° apart from it


@outcome(
    (
        lambda m: m.stray > 6,
        FOUND + "{stray} features are superposed without being antipodal: has it been trained to the end?",
    ),
    (
        lambda m: m.dropped < 3,
        FOUND + "I count {dropped} dropped features and asked for three. Give the last ones less importance.",
    ),
    (
        lambda m: m.recovered < 3,
        FOUND + "I count {recovered} recovered features and asked for three. "
        "Features that matter more, or are on more often, keep a dimension each.",
    ),
    (
        lambda m: m.pairs < 3 and m.leaning,
        FOUND
        + "I count {pairs} antipodal pairs and asked for three. {leaning} more cross in a blue paler than their dots: "
        "they lean away from each other, and share no line.",
    ),
    (
        lambda m: m.pairs < 3,
        FOUND + "I count {pairs} antipodal pairs and asked for three. Rarer features pair up more.",
    ),
    (
        lambda m: not len(m.blank),
        FOUND
        + "But none of its dropped rows is blank: each still has a faint column, so its bias is not the mean. "
        "Try another setting.",
    ),
    (
        lambda m: math.isnan(m.read),
        FOUND
        + "But this model's blank rows have died: with a bias below 0 and no column they answer 0 to every input, and tell nothing "
        "about S. Try another setting, with features on more often or less steep importance.",
    ),
    (
        lambda m: not 0 < m.probability <= 1,
        "1 − S is a probability, above 0 and at most 1; `my_probability` = {probability:.3g} is not. "
        "A blank row with a bias below 0 has died: read a positive one.",
    ),
    (
        lambda m: m.off > m.tolerance and abs(m.probability - m.read / 2) <= m.tolerance / 2,
        "You wrote down the bias itself. It is the mean of a feature, which is on a share 1 − S of the time, and half on average when it is.",
    ),
    (
        lambda m: m.off > m.tolerance and abs(m.probability - (1 - m.read)) < 0.02,
        "That is S, how often a feature is off. I asked for 1 − S.",
    ),
    (
        lambda m: m.off > m.tolerance and abs(m.probability - m.everywhere) < 1e-3,
        "That is twice the mean of all twenty biases. Whose bias is half of 1 − S?",
    ),
    (
        lambda m: m.off > m.tolerance,
        FOUND
        + "But `my_probability` = {probability:.3g} does not fit the positive biases of its blank rows. "
        "Which rows are blank, and which of them have died with a bias below 0?",
    ),
    right=FOUND + "Its blank rows answer with {half:.3f}, so they are on {read:.0%} of the time. "
    "The picture carries its own sparsity.",
)
def check_three_kinds(my_model, my_probability) -> dict:
    """Check the reader's own trained 20 → 10 model with all three fates, and 1 − S read off its bias."""
    W, b = weights(my_model, 10, 20)
    G, reading = gram(W), read_gram(gram(W), b)
    dropped = reading.indices("dropped")
    blue = [group.members for group in reading.groups if len(group.members) == 2 and G[group.members] < 0]
    pairs = sum(bool(G[i, j] ** 2 > ONE_LINE * G[i, i] * G[j, j]) for i, j in blue)
    blank = b[[i for i in dropped if G[i, i] < 0.02]]
    alive = blank[blank > 0.002]
    read = 2 * alive.median().item() if len(alive) else math.nan
    probability = number(my_probability, name="my_probability")
    return {
        "shape": reading.shape,
        "stray": len(reading.indices("superposed")) - 2 * pairs,
        "dropped": len(dropped),
        "recovered": len(reading.indices("recovered")),
        "pairs": pairs,
        "leaning": len(blue) - pairs,
        "blank": blank,
        "read": read,
        "half": read / 2,
        "everywhere": 2 * b.mean().item(),
        "probability": probability,
        "off": abs(probability - read),
        "tolerance": min(max(0.15 * read, 0.01), 0.4 * read),
    }


@experiment(returns="words, such as `read_gram(…).shape`")
def check_foretold(experiment, expected):
    """Check an experiment of the reader's own on Gram matrices."""


def _elsewhere(share: dict[str, float]) -> float:
    return max(value for level, value in share.items() if level != "5→2")


register(
    Choice(
        "06.1",
        "W is random and untrained. What will WᵀW look like?",
        [
            (
                "Without any pattern",
                lambda asymmetry: asymmetry >= 1e-5,
                "You carried the disorder of W over to WᵀW. But (i, j) and (j, i) are the same product, in whatever order.",
            ),
            (
                "Symmetric about the diagonal",
                lambda asymmetry: asymmetry < 1e-5,
                "This matrix is not of the form WᵀW.",
            ),
            (
                "White: nothing is learnt yet",
                lambda asymmetry: False,
                "White would mean that all columns are at right angles. Random columns cross, all of them a little.",
            ),
            (
                "Orange on the diagonal only",
                lambda asymmetry: False,
                "You pictured the ideal. Twenty columns in ten dimensions cannot all be at right angles, least of all by chance.",
            ),
        ],
        lesson="(WᵀW)ᵀ = WᵀW, so symmetry says nothing about learning. Nor does the orange diagonal.",
    ),
    Number(
        "06.2",
        "By how much is entry (1, 1), on the diagonal, multiplied?",
        exact=0.1,
        far=2.0,
        too_low="Twice is what happens to the crossings. On the diagonal the column meets itself, so its length counts twice: 2 × 2.",
        too_high="The column enters the diagonal entry twice, once from each side: 2 × 2.",
        lesson="The diagonal holds squared lengths: 2 × 2.",
    ),
    Choice(
        "06.3",
        "Two trained models, same setting, different starts. What do their pictures share?",
        [
            (
                "The whole picture, up to small differences",
                lambda shared: shared[1] > 0.6,
                "You pictured one best solution that training finds. Many pairings are nearly as good as each other, and the start picks one.",
            ),
            (
                "Who is kept, mostly, but not who is paired with whom",
                lambda shared: shared[0] > 0.7,
                "In this run either more or less than that was shared: look at the two percentages.",
            ),
            (
                "Only how many there are of each kind",
                lambda shared: shared[0] <= 0.7,
                "Importance decides more than that: who is recovered or dropped is much the same each time. The pairing is not.",
            ),
        ],
        lesson="Fates belong to the setting, partners to the run.",
    ),
    Number(
        "06.4",
        "Every dropped feature has the bias 0.06. What is 1 − S, how often is a feature on?",
        exact=0.01,
        far=0.05,
        share=True,
        too_low="0.06 is the mean over all inputs. A feature that is on has 0.5 on average, so its mean is only half of 1 − S.",
        too_high="The mean is (1 − S)/2, so 1 − S is twice the bias. (0.94 would be S read off as 1 − 0.06.)",
        lesson="A dropped feature answers with its mean, (1 − S)/2. Twice the bias is 1 − S.",
    ),
    Choice(
        "06.5",
        "Which one comes from no 20 → 10 model at all?",
        [
            (
                "A",
                lambda names: names == ["A"],
                "Ten columns at right angles and ten zero ones: this is what a model without superposition does.",
            ),
            (
                "B",
                lambda names: names == ["B"],
                "In this run B could be.",
            ),
            (
                "C",
                lambda names: names == ["C"],
                "Fifteen features, but only ten dimensions: five alone, and one for each of five pairs.",
            ),
            (
                "D",
                lambda names: names == ["D"],
                "Twenty orange dots are not too many: each pair lives on one line, and ten lines fit.",
            ),
        ],
        lesson="A clean row takes a whole dimension, and there are only ten.",
    ),
    Choice(
        "06.6",
        "Which picture has the higher loss?",
        [
            (
                "Blue",
                lambda ratio: ratio < 0.8,
                "You pictured negative as bad. Before ReLU, negative is thrown away: blue is the cheap colour.",
            ),
            (
                "Orange",
                lambda ratio: ratio > 1.2,
                "In this run orange was not the dearer one.",
            ),
            (
                "Both the same: ±0.5",
                lambda ratio: 0.8 <= ratio <= 1.2,
                "You read interference by its size, as a square does. The ReLU behind it tells the signs apart.",
            ),
        ],
        lesson="ReLU removes what is negative for nothing. What is positive has to be cut by a bias, which costs the feature too.",
    ),
    Choice(
        "06.7",
        "All are on half of the time, and `read_gram` calls two dropped. Which bias do they have?",
        [
            (
                "0.25, their mean",
                lambda biases: biases and min(biases) > 0.2,
                "You took the word for the thing. Their columns are short, not zero, and what still arrives does part of the work.",
            ),
            (
                "About half of 0.25",
                lambda biases: biases and 0.05 < min(biases) <= max(biases) < 0.2,
                "In this run it was otherwise: look at the last column.",
            ),
            (
                "0",
                lambda biases: biases and max(biases) < 0.05,
                "A bias does not only cut. It also answers for what does not arrive.",
            ),
        ],
        lesson="A short column still carries something, so the bias has less to answer for.",
    ),
    Choice(
        "06.8",
        "At which sizes does orange off the diagonal turn up most often?",
        [
            (
                "5 → 2",
                lambda share: share["5→2"] > max(0.02, 2 * _elsewhere(share)),
                "Here the five had no more orange than the others: look at the shares.",
            ),
            (
                "20 → 10",
                lambda share: share["20→10"] > max(0.02, 2 * share["5→2"]),
                "You pictured that the more features, the more they disturb each other. But ten lines hold twenty features in opposite pairs.",
            ),
            (
                "About equally often at all",
                lambda share: max(share.values()) >= 0.02,
                "You pictured orange as a matter of sparsity alone. It is one of room too: every other size has a line for each pair.",
            ),
            (
                "At none: training avoids it",
                lambda share: max(share.values()) < 0.02,
                "It does where it can. Five features are one too many for two lines.",
            ),
        ],
        lesson="Five features are one too many for two lines. All other sizes have a line for each pair.",
    ),
)
