"""Notebook 06: its exercises and predictions."""

import math

import torch
from torch import Tensor

from tms_edu import gram, read_gram, theory
from tms_edu.checks import nb03
from tms_edu.checks.exercises import Nearly, NotTried, exercise, kind, number, run, tensor
from tms_edu.checks.outcomes import weights
from tms_edu.checks.predictions import Choice, Number, register
from tms_edu.checks.result import Result

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


@exercise
def check_read_by_eye(recovered, dropped, pairs, puzzle: Tensor) -> str:
    """Check three lists read off a Gram matrix of recovered features, dropped ones and pairs."""
    n = len(puzzle)
    given = [_indices(recovered, "recovered", n), _indices(dropped, "dropped", n)]
    given_pairs = {frozenset(_indices(_pair(pair), "pairs", n)) for pair in _list(pairs, "pairs")}
    if any(len(pair) != 2 for pair in given_pairs):
        raise Nearly("In `pairs` each entry is two different features in brackets, such as `(2, 5)`.")
    given.append([i for pair in given_pairs for i in pair])
    reading = read_gram(puzzle)
    truth = {
        "recovered": reading.indices("recovered"),
        "dropped": reading.indices("dropped"),
        "paired": reading.indices("superposed"),
    }
    for (name, right), answered in zip(truth.items(), given, strict=True):
        for i in sorted(set(answered) - set(right)):
            raise Nearly(_misread(i, name, reading, puzzle))
    missing = sorted(set(range(n)) - {i for answered in given for i in answered})
    if missing:
        raise Nearly(f"Feature {missing[0]} stands in none of your three lists. What is on its diagonal?")
    wrong = next((pair for pair in given_pairs if not pair <= _partners_of(min(pair), reading)), None)
    if wrong is not None:
        i, j = sorted(wrong)
        raise Nearly(
            f"Features {i} and {j} are both superposed, but not with each other: nothing stands at ({i}, {j})."
        )
    return (
        f"{len(truth['recovered'])} recovered, {len(given_pairs)} pairs, {len(truth['dropped'])} dropped: "
        f"{len(truth['recovered']) + len(truth['paired'])} features in 6 dimensions, and `read_gram` agrees with you."
    )


def _misread(i: int, named: str, reading, puzzle: Tensor) -> str:
    status, own = reading.features[i].status, puzzle[i, i].item()
    if status == "dropped":
        return f"You list feature {i} as {named}. Its place on the diagonal is {own:+.2f}: is there a column at all?"
    if named == "dropped":
        return f"You list feature {i} as dropped, and there is orange on its diagonal. Blank rows only."
    if status == "superposed":
        return f"You list feature {i} as recovered. Go along its row: is the diagonal the only colour?"
    return f"You pair feature {i} with another. Its row is clean but for the diagonal."


def _partners_of(i: int, reading) -> set[int]:
    return {i, *reading.features[i].partners}


def _pair(value):
    if isinstance(value, int):
        raise Nearly(
            f"Each entry of `pairs` is a pair, such as `(2, 5)`. Yours holds the number {value} by itself."
        )
    return value


def _list(value, name: str) -> list:
    if not isinstance(value, str) and hasattr(value, "tolist"):
        value = value.tolist()
    if not isinstance(value, (list, tuple, set)):
        raise Nearly(f"`{name}` is {kind(value)}; I expected a list, `[…]`.")
    if any(item is ... for item in value):
        raise NotTried
    return list(value)


def _indices(value, name: str, n: int) -> list[int]:
    found = _list(value, name)
    for item in found:
        if isinstance(item, bool) or not isinstance(item, int):
            raise Nearly(f"`{name}` holds {kind(item)}; features are whole numbers from 0 to {n - 1}.")
        if not 0 <= item < n:
            raise Nearly(f"There is no feature {item}: they are counted from 0 to {n - 1}.")
    return found


# Crossings in one colour only and in both; too faint to count, one in a row or two; dropped features with a crossing and without.
FATES_G = torch.diag(torch.tensor([0.8, 1.0, 1.0, 0.2, 0.8, 0.3, 0.8, 0.9, 0.9, 1.0, 0.1, 1.0]))
for _i, _j, _value in ((1, 2, -0.9), (3, 4, 0.3), (4, 6, -0.3), (0, 5, -0.06), (0, 9, 0.06), (7, 8, 0.5)):
    FATES_G[_i, _j] = FATES_G[_j, _i] = _value


def _fates(own: Tensor, crossing: Tensor, represented: float = 0.25, touches: float = 0.1) -> list[str]:
    return [
        "dropped" if a < represented else "superposed" if c >= touches else "recovered"
        for a, c in zip(own, crossing, strict=True)
    ]


def _off(G: Tensor) -> Tensor:
    return G - torch.diag(G.diagonal())


FATES_MISTAKES = [
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
]


@exercise
def check_fates(fates) -> str:
    """Check fates(G): the reading rules as a function."""
    answer = _words(run(fates, FATES_G), len(FATES_G))
    expected = read_gram(FATES_G).status
    if answer != expected:
        for wrong, sentence in FATES_MISTAKES:
            if answer == wrong(FATES_G):
                raise Nearly(sentence)
        i = next(i for i in range(len(expected)) if answer[i] != expected[i])
        row = ", ".join(f"{value:g}" for value in FATES_G[i].tolist())
        raise Nearly(
            f"Feature {i} is “{answer[i]}” in your reading. Its diagonal entry is {FATES_G[i, i]:g}, and its whole row is ({row})."
        )
    W = torch.randn(3, 5, generator=torch.Generator().manual_seed(0))
    for other in (gram(W), torch.eye(3), torch.zeros(2, 2)):
        if _words(run(fates, other), len(other)) != read_gram(other).status:
            raise Nearly(
                f"Right for my first matrix, wrong for one of {len(other)} features. Is a number or a size written in?"
            )
    return "These are the rules that `read_gram` goes by. It adds the partners and the groups, and says it in a sentence."


def _words(value, n: int) -> list[str]:
    if type(value).__module__ == "numpy" and getattr(value, "ndim", 0) == 1:
        value = value.tolist()
    if not isinstance(value, (list, tuple)):
        raise Nearly(f"Your function's result is {kind(value)}; I expected a list of {n} words.")
    if len(value) != n:
        raise Nearly(f"Your list holds {len(value)} words for {n} features.")
    for word in value:
        if word not in FATES:
            shown = f"the word “{word[:20]}”" if isinstance(word, str) else kind(word)
            raise Nearly(f"Your list holds {shown}. The words are “recovered”, “superposed” and “dropped”.")
    return list(value)


def _square(*rows) -> Tensor:
    return torch.tensor(rows, dtype=torch.float32)


def _cases() -> list[tuple[str, Tensor, int]]:
    W = torch.randn(3, 8, generator=torch.Generator().manual_seed(0))
    pentagon = 1.135 * theory.polygon(5)
    return [
        ("one feature of length 1 in one dimension", torch.eye(1), 1),
        ("twelve clean dots in ten dimensions", torch.eye(12), 10),
        (
            "ten clean dots and ten blank rows in ten dimensions",
            torch.block_diag(torch.eye(10), torch.zeros(10, 10)),
            10,
        ),
        ("a trained pentagon in two dimensions", gram(pentagon), 2),
        ("WᵀW of a random W with three rows, m = 3", gram(W), 3),
        ("WᵀW of a random W with three rows, said to be of two", gram(W), 2),
        (
            "WᵀW of a random W with three rows, its halves apart by rounding",
            gram(W) + 1e-6 * torch.ones(8, 8).triu(1),
            3,
        ),
        ("nothing but zeros", torch.zeros(4, 4), 2),
        ("two features of length 1 that cross by 2", _square([1, 2], [2, 1]), 2),
        ("three unit features, each two at −0.8", 1.8 * torch.eye(3) - 0.8, 2),
        ("two digons in one dimension", torch.block_diag(*[_square([1, -1], [-1, 1])] * 2), 1),
        ("a matrix whose halves differ", _square([1, 0.5], [0, 1]), 2),
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
    ]


def _values(G: Tensor) -> Tensor:
    return torch.linalg.eigvalsh(G)


def _symmetric(G: Tensor) -> bool:
    return torch.allclose(G, G.T, atol=1e-4)


POSSIBLE_MISTAKES = [
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
]


def _pencil(G: Tensor, m: int, slack: float) -> bool:
    return bool(G.trace() ** 2 <= m * G.square().sum() + slack)


@exercise
def check_possible(possible) -> str:
    """Check possible(G, m): can G be WᵀW with m rows?"""
    cases = _cases()
    answer = [_truth(run(possible, G, m)) for _, G, m in cases]
    expected = [_possible(G, m) for _, G, m in cases]
    if answer == expected:
        return "Symmetric, no negative eigenvalue, at most m that are not 0: then and only then there is a W. The eigenvectors, scaled by √λ, are its rows."
    if len(set(answer)) == 1:
        raise Nearly(f"Your function says {answer[0]} to everything that I have sent.")
    for wrong, sentence in POSSIBLE_MISTAKES:
        if answer == [wrong(G, m) for _, G, m in cases]:
            raise Nearly(sentence)
    if answer == [not value for value in expected]:
        raise Nearly("The other way round: `True` is for matrices that can be.")
    name = next(name for (name, _, _), a, e in zip(cases, answer, expected, strict=True) if a != e)
    count = sum(a == e for a, e in zip(answer, expected, strict=True))
    raise Nearly(f"{count} of {len(cases)} right. Look again at this one: {name}.")


def _possible(G: Tensor, m: int) -> bool:
    return _symmetric(G) and bool(_values(G).min() > -1e-4) and int((_values(G) > 1e-4).sum()) <= m


def _truth(value) -> bool:
    # A tensor or a NumPy number holds the plain truth value inside.
    plain = value.item() if hasattr(value, "item") and math.prod(getattr(value, "shape", ())) == 1 else value
    if isinstance(plain, bool):
        return plain
    raise Nearly(f"Your function's result is {kind(value)}; I expected `True` or `False`.")


PICTURE = ["recovered", "dropped", "superposed", "superposed", "superposed", "recovered", "superposed"]
PICTURE_PAIRS = {(2, 6), (3, 4)}


@exercise
def check_from_picture(my_W) -> str:
    """Check a W (4, 7) made to fit a reading."""
    shapes = {
        (7, 4): "Your W has seven rows and four columns. Features are columns, so it is the other way round."
    }
    W = tensor(
        my_W.detach() if isinstance(my_W, Tensor) else my_W, shape=(4, 7), shapes=shapes, name="your W"
    )
    G, reading = gram(W), read_gram(gram(W))
    for i, (is_, wanted) in enumerate(zip(reading.status, PICTURE, strict=True)):
        if is_ != wanted:
            partners = ", ".join(f"{j} ({value:+.2f})" for j, value in reading.features[i].partners.items())
            crossing = f" It crosses {partners}." if partners else ""
            raise Nearly(
                f"Feature {i} is {is_} in your picture and should be {wanted}; its diagonal is {G[i, i]:.2f}.{crossing}"
            )
    for i, j in sorted(PICTURE_PAIRS):
        others = [k for k in reading.features[i].partners if k != j]
        if others:
            raise Nearly(f"Feature {i} crosses feature {others[0]}, and should cross {j} alone.")
        if G[i, j] > 0:
            raise Nearly(
                f"Features {i} and {j} cross in orange: they point the same way. Antipodal is the opposite way."
            )
        if G[i, j] > -0.99 * (G[i, i] * G[j, j]).sqrt():
            raise Nearly(
                f"Features {i} and {j} cross by {G[i, j]:.2f}: they lean away from each other, but stand on no common line."
            )
    represented = [i for i, wanted in enumerate(PICTURE) if wanted != "dropped"]
    if (G.diagonal()[represented] - 1).abs().max() > 0.01:
        raise Nearly("The picture has the right pattern. Not all lengths are 1: look at the diagonal.")
    if G[1, 1] > 1e-4:
        raise Nearly("Feature 1 is faint, not gone. A dropped feature has a column of zeros.")
    return "Six features in four dimensions. Any rotation of your W gives the same picture, and the same outputs: the rotation is what the picture leaves out."


@exercise
def check_three_kinds(my_model, my_probability) -> str:
    """Check the reader's own trained 20 → 10 model with all three fates, and 1 − S read off its bias."""
    W, b = weights(my_model, 10, 20)
    if (b == 0).all():
        raise Nearly("Every bias is exactly 0, as it is before the first step. Has this model been trained?")
    reading = read_gram(gram(W), b)
    recovered, dropped = reading.indices("recovered"), reading.indices("dropped")
    two = [group.members for group in reading.groups if len(group.members) == 2]
    pairs = [(i, j) for i, j in two if reading.features[i].partners[j] < 0]
    found = f"Your model: {reading.shape}"
    stray = len(reading.indices("superposed")) - 2 * len(pairs)
    if stray > 6:
        raise Nearly(
            f"{found}. {stray} features are superposed without being antipodal: has it been trained to the end?"
        )
    for name, count, why in (
        ("dropped features", len(dropped), "Give the last ones less importance"),
        (
            "recovered features",
            len(recovered),
            "Features that matter more, or are on more often, keep a dimension each",
        ),
        ("antipodal pairs", len(pairs), "Rarer features pair up more"),
    ):
        if count < 3:
            raise Nearly(f"{found}. I count {count} {name} and asked for three. {why}.")
    lengths, probability = W.norm(dim=0).square()[dropped], number(my_probability, name="my_probability")
    return _sparsity_from(lengths, b[dropped], probability, found, everywhere=2 * b.mean().item())


def _sparsity_from(
    lengths: Tensor, biases: Tensor, probability: float, found: str, everywhere: float = float("nan")
) -> str:
    blank = biases[lengths < 0.02]
    alive = blank[blank > 0.002]
    if not len(blank):
        raise Nearly(
            f"{found}. But none of its dropped rows is blank: each still has a faint column, so its bias is not the mean. Try another setting."
        )
    if not len(alive):
        raise Nearly(
            f"{found}. But this model's blank rows have died: with a bias below 0 and no column they answer 0 for ever, and tell nothing about S. Try another setting, with features on more often or less steep importance."
        )
    if not 0 < probability <= 1:
        raise Nearly(
            f"1 − S is a probability, above 0 and at most 1; `my_probability` = {probability:.3g} is not. A blank row with a bias below 0 has died: read a positive one."
        )
    read = 2 * alive.median().item()
    tolerance = min(max(0.15 * read, 0.01), 0.4 * read)
    if abs(probability - read) <= tolerance:
        return f"{found}. Its blank rows answer with {read / 2:.3f}, so they are on {read:.0%} of the time. The picture carries its own sparsity."
    if abs(probability - read / 2) <= tolerance / 2:
        raise Nearly(
            "You wrote down the bias itself. It is the mean of a feature, which is on a share 1 − S of the time, and half on average when it is."
        )
    if abs(probability - (1 - read)) < 0.02:
        raise Nearly("That is S, how often a feature is off. I asked for 1 − S.")
    if abs(probability - everywhere) < 1e-3:
        raise Nearly("That is twice the mean of all twenty biases. Whose bias is half of 1 − S?")
    raise Nearly(
        f"{found}. But `my_probability` = {probability:.3g} does not fit the positive biases of its blank rows. Which rows are blank, and which of them have died with a bias below 0?"
    )


@exercise
def check_foretold(experiment, expected) -> Result:
    """Check an experiment of the reader's own on Gram matrices: eight seeds against what was foretold."""
    return nb03.check_experiment.__wrapped__(experiment, expected)


def _read_asymmetry(asymmetry) -> str:
    return "Symmetric about the diagonal" if asymmetry < 1e-5 else "Without any pattern"


def _read_repeat(observed) -> str:
    status, partner = (float(value) for value in observed)
    if partner > 0.6:
        return "The whole picture, up to small differences"
    return (
        "Who is kept, mostly, but not who is paired with whom"
        if status > 0.7
        else "Only how many there are of each kind"
    )


def _read_faint(biases) -> str | None:
    if not biases:
        return None
    low, high = min(biases), max(biases)
    if low > 0.2:
        return "0.25, their mean"
    return "About half of 0.25" if low > 0.05 and high < 0.2 else "0" if high < 0.05 else None


def _read_orange(share: dict[str, float]) -> str:
    small, others = share["5→2"], max(value for level, value in share.items() if level != "5→2")
    if max(small, others) < 0.02:
        return "At none: training avoids it"
    if small > 2 * others:
        return "5 → 2"
    return "20 → 10" if share["20→10"] > 2 * small else "About equally often at all"


register(
    Choice(
        key="06.1",
        question="W is random and untrained. What will WᵀW look like?",
        options={
            "Without any pattern": "You carried the disorder of W over to WᵀW. But (i, j) and (j, i) are the same product, in whatever order.",
            "Symmetric about the diagonal": "This matrix is not of the form WᵀW.",
            "White: nothing is learnt yet": "White would mean that all columns are at right angles. Random columns cross, all of them a little.",
            "Orange on the diagonal only": "You pictured the ideal. Twenty columns in ten dimensions cannot all be at right angles, least of all by chance.",
        },
        observe=_read_asymmetry,
        lesson="(WᵀW)ᵀ = WᵀW, so symmetry says nothing about learning. Nor does the orange diagonal.",
    ),
    Number(
        key="06.2",
        question="By how much is entry (1, 1), on the diagonal, multiplied?",
        exact=0.1,
        far=2.0,
        too_low="Twice is what happens to the crossings. On the diagonal the column meets itself, so its length counts twice: 2 × 2.",
        too_high="The column enters the diagonal entry twice, once from each side: 2 × 2.",
        lesson="The diagonal holds squared lengths: 2 × 2.",
    ),
    Choice(
        key="06.3",
        question="Two trained models, same setting, different starts. What do their pictures share?",
        options={
            "The whole picture, up to small differences": "You pictured one best solution that training finds. Many pairings are nearly as good as each other, and the start picks one.",
            "Who is kept, mostly, but not who is paired with whom": "In this run either more or less than that was shared: look at the two percentages.",
            "Only how many there are of each kind": "Importance decides more than that: who is recovered or dropped is much the same each time. The pairing is not.",
        },
        observe=_read_repeat,
        lesson="Fates belong to the setting, partners to the run.",
    ),
    Number(
        key="06.4",
        question="Every dropped feature has the bias 0.06. What is 1 − S, how often is a feature on?",
        exact=0.01,
        far=0.05,
        share=True,
        too_low="0.06 is the mean over all inputs. A feature that is on has 0.5 on average, so its mean is only half of 1 − S.",
        too_high="The mean is (1 − S)/2, so 1 − S is twice the bias. (0.94 would be S read off as 1 − 0.06.)",
        lesson="A dropped feature answers with its mean, (1 − S)/2. Twice the bias is 1 − S.",
    ),
    Choice(
        key="06.5",
        question="Which one comes from no 20 → 10 model at all?",
        options={
            "A": "Ten columns at right angles and ten zero ones: this is what a model without superposition does.",
            "B": "In this run B could be.",
            "C": "Fifteen features, but only ten dimensions: five alone, and one for each of five pairs.",
            "D": "Twenty orange dots are not too many: each pair lives on one line, and ten lines fit.",
        },
        observe=lambda names: names[0] if len(names) == 1 else None,
        lesson="A clean row takes a whole dimension, and there are only ten.",
    ),
    Choice(
        key="06.6",
        question="Which picture has the higher loss?",
        options={
            "Blue": "You pictured negative as bad. Before ReLU, negative is thrown away: blue is the cheap colour.",
            "Orange": "In this run orange was not the dearer one.",
            "Both the same: ±0.5": "You read interference by its size, as a square does. The ReLU behind it tells the signs apart.",
        },
        observe=lambda ratio: "Orange" if ratio > 1.2 else "Blue" if ratio < 0.8 else "Both the same: ±0.5",
        lesson="ReLU removes what is negative for nothing. What is positive has to be cut by a bias, which costs the feature too.",
    ),
    Choice(
        key="06.7",
        question="All are on half of the time, and `read_gram` calls two dropped. Which bias do they have?",
        options={
            "0.25, their mean": "You took the word for the thing. Their columns are short, not zero, and what still arrives does part of the work.",
            "About half of 0.25": "In this run it was otherwise: look at the last column.",
            "0": "A bias does not only cut. It also answers for what does not arrive.",
        },
        observe=_read_faint,
        lesson="A short column still carries something, so the bias has less to answer for.",
    ),
    Choice(
        key="06.8",
        question="At which sizes does orange off the diagonal turn up most often?",
        options={
            "5 → 2": "Here the five had no more orange than the others: look at the shares.",
            "20 → 10": "You pictured that the more features, the more they disturb each other. But ten lines hold twenty features in opposite pairs.",
            "About equally often at all": "You pictured orange as a matter of sparsity alone. It is one of room too: every other size has a line for each pair.",
            "At none: training avoids it": "It does where it can. Five features are one too many for two lines.",
        },
        observe=_read_orange,
        lesson="Five features are one too many for two lines. All other sizes have a line for each pair.",
    ),
)
