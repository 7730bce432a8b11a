"""Wrong answers to the exercises of notebook 06, each a cell that replaces the stub."""

EYE = "recovered = {}\ndropped = {}\npairs = {}"
PAIRS = "[(0, 9), (2, 8), (6, 11)]"
FATES = """
def fates(G):
    own = G.diagonal()
    off = G - torch.diag(own)
    crossing = {}
    return ["dropped" if a < 0.25 else "superposed" if c >= 0.1 else "recovered" for a, c in zip(own, crossing)]
"""
FATES_BY = """
def fates(G):
    {}
"""
POSSIBLE = """
def possible(G, m):
    values = torch.linalg.eigvalsh(G)
    symmetric = torch.allclose(G, G.T, atol=1e-4)
    return bool({})
"""
MADE = "my_W = torch.zeros(4, 7)\nmy_W[0, 0] = my_W[1, 5] = 1.0\nmy_W[2, 2], my_W[2, 6] = 1.0, {}\nmy_W[3, 3], my_W[3, 4] = 1.0, -1.0\n{}"
TRAINED = """
my_model = ToyModel(20, 10, generator=torch.Generator().manual_seed(3))
train(my_model, SparseFeatures(20, {}), importance={} ** torch.arange(20){})
my_probability = {}
"""

BY_HAND = """
my_model = ToyModel(20, 10)
with torch.no_grad():
    my_model.W.copy_(torch.eye(10, 20))
    my_model.W[4:7, 10:13] = torch.diag(torch.tensor([-1.0, -1.0, -0.7]))
    my_model.b_final[13:] = 0.1
    {}
my_probability = {}
"""

WRONG = {
    "06.1": {
        "dropped ones called recovered": EYE.format("[1, 3, 4, 5, 7, 10]", "[]", PAIRS),
        "a pair called recovered": EYE.format("[0, 1, 3, 9, 10]", "[4, 5, 7]", "[(2, 8), (6, 11)]"),
        "recovered ones called dropped": EYE.format("[]", "[1, 3, 4, 5, 7, 10]", PAIRS),
        "recovered ones paired": EYE.format("[3]", "[4, 5, 7]", PAIRS[:-1] + ", (1, 10)]"),
        "dropped ones paired": EYE.format("[1, 3, 10]", "[7]", PAIRS[:-1] + ", (4, 5)]"),
        "partners mixed up": EYE.format("[1, 3, 10]", "[4, 5, 7]", "[(0, 8), (2, 9), (6, 11)]"),
        "one forgotten": EYE.format("[3, 10]", "[4, 5, 7]", PAIRS),
        "counted from one": EYE.format("[2, 4, 11]", "[5, 6, 8]", "[(1, 10), (3, 9), (7, 12)]"),
        "counts, not lists": EYE.format("3", "[4, 5, 7]", PAIRS),
        "names": EYE.format("['1', '3', '10']", "[4, 5, 7]", PAIRS),
        "members, not pairs": EYE.format("[1, 3, 10]", "[4, 5, 7]", "[0, 9, 2, 8, 6, 11]"),
        "a group of three": EYE.format("[1, 3, 10]", "[4, 5, 7]", "[(0, 9, 2), (6, 11)]"),
    },
    "06.2": {
        "represented and crossing from a half": FATES.format("off.abs().max(dim=1).values")
        .replace("0.25", "0.5")
        .replace("0.1", "0.5"),
        "other words": FATES.format("off.abs().max(dim=1).values").replace("superposed", "shared"),
        "numbers": FATES_BY.format("return [0] * len(G)"),
        "a tensor": FATES_BY.format("return G.diagonal() > 0.25"),
        "one word": FATES_BY.format("return ['dropped']"),
        "written in": FATES_BY.format("return read_gram(torch.eye(12)).status"),
        "for one size": FATES.format("off.abs().max(dim=1).values").replace(
            "return [", "return ['recovered'] * len(G) if len(G) != 12 else ["
        ),
        "nothing returned": FATES_BY.format("read_gram(G)"),
    },
    "06.3": {
        "symmetric to the last digit": POSSIBLE.format(
            "torch.equal(G, G.T) and values.min() > -1e-4 and (values > 1e-4).sum() <= m"
        ),
        "complex eigenvalues": "def possible(G, m):\n    return (torch.linalg.eigvals(G) > 1e-4).sum() <= m",
        "fewer than m": POSSIBLE.format("symmetric and values.min() > -1e-4 and (values > 1e-4).sum() < m"),
        "the number of eigenvalues": "def possible(G, m):\n    return (torch.linalg.eigvalsh(G) > 1e-4).sum()",
    },
    "06.4": {
        "the same way": MADE.format("1.0", ""),
        "leaning": MADE.format(
            "-1.0", "my_W[0, 0], my_W[0, 6], my_W[2, 6] = 0.0, 0.6, -0.8\nmy_W[1, 0] = 0.0"
        ),
        "leaning in the plane": (
            "my_W = torch.zeros(4, 7)\nmy_W[0, 0] = my_W[1, 5] = 1.0\nmy_W[2, 2] = 1.0\n"
            "my_W[2:, 6] = torch.tensor([-0.96, 0.28])\nmy_W[3, 3], my_W[3, 4] = 1.0, -1.0\n"
        ),
        "everybody on one line": "my_W = torch.zeros(4, 7)\nmy_W[0] = 1.0",
        "the first four": "my_W = torch.eye(4, 7)",
        "transposed": "my_W = torch.zeros(7, 4)",
        "shorter": MADE.format("-1.0", "my_W *= 0.8"),
        "feature 1 faint": MADE.format("-1.0", "my_W[0, 1] = 0.05"),
        "feature 1 kept": MADE.format("-1.0", "my_W[0, 1] = 1.0"),
        "other partners": (
            "my_W = torch.zeros(4, 7)\nmy_W[0, 0] = my_W[1, 5] = 1.0\n"
            "my_W[2, 2], my_W[2, 4] = 1.0, -1.0\nmy_W[3, 3], my_W[3, 6] = 1.0, -1.0"
        ),
        "the picture itself": "my_W = torch.eye(7)",
    },
    "06.5": {
        "the bias itself": TRAINED.format(0.25, 0.8, "", "0.125"),
        "the mean of all": TRAINED.format(0.25, 0.8, "", "2 * my_model.b_final.mean()"),
        "S": TRAINED.format(0.25, 0.8, "", "0.75"),
        "a negative probability": TRAINED.format(0.25, 0.8, "", "-0.05"),
        "above one": TRAINED.format(0.25, 0.8, "", "1.2"),
        "a guess": TRAINED.format(0.25, 0.8, "", "0.6"),
        "equal importance": TRAINED.format(0.05, 1.0, "", "0.05"),
        "always on": TRAINED.format(1.0, 0.8, "", "1.0"),
        "two recovered": BY_HAND.format("my_model.W[:, [0, 1, 7, 8, 9]] = 0", "0.2"),
        "pairs that lean": BY_HAND.format(
            "my_model.W[4:7, 10:13] = -0.6 * torch.eye(3)\n    my_model.W[7:10, 7:13] = 0.8 * torch.eye(3, 6).roll(3, 1)",
            "0.2",
        ),
        "faint columns": BY_HAND.format("my_model.W[:7, 13:] = 0.3 * torch.eye(7)", "0.2"),
        "dead outputs": BY_HAND.format("my_model.b_final[13:] = -0.1", "0.2"),
        "untrained": "my_model = ToyModel(20, 10)\nmy_probability = 0.2",
        "hardly trained": TRAINED.format(0.25, 0.8, ", steps=5", "0.25"),
        "the run": "my_model = train(ToyModel(20, 10), SparseFeatures(20, 0.2), steps=5)\nmy_probability = 0.2",
        "5 → 2": "my_model = ToyModel(5, 2)\nmy_probability = 0.2",
        "a list of biases": TRAINED.format(0.25, 0.8, "", "my_model.b_final"),
    },
    "06.6": {
        "no expectation": "expected = ''\nexperiment = lambda seed: 'ten digons'",
        "a model, not words": "expected = 'ten digons'\nexperiment = lambda seed: ToyModel(5, 2)",
        "the seed unused": "expected = 'ten digons'\nexperiment = lambda seed: 'ten digons'",
        "a number expected": "expected = 5\nexperiment = lambda seed: str(seed)",
    },
}

RIGHT = {
    "06.1": {
        "tensors and tuples": "recovered = torch.tensor([10, 3, 1])\ndropped = (5, 4, 7)\npairs = torch.tensor([[0, 9], [8, 2], [6, 11]])",
    },
    "06.2": {
        "a NumPy array of words": FATES.format("off.abs().max(dim=1).values")
        .replace("return [", "import numpy\n    return numpy.array([")
        .rstrip()
        + ")\n",
    },
    "06.4": {
        "whole numbers": "my_W = torch.zeros(4, 7).long()\nmy_W[0, 0] = my_W[1, 5] = my_W[2, 2] = my_W[3, 3] = 1\nmy_W[2, 6] = my_W[3, 4] = -1",
    },
    "06.5": {
        "a pair of unequal lengths": BY_HAND.format("", "0.2"),
    },
}
