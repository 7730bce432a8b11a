"""Wrong answers to the exercises of notebook 05, each a cell that replaces the stub."""

ABSORBED = "def absorbed(V, b1, b2):\n    {}"
LIFT = "def lift(W):\n    {}"
NEURONS = "def own_neurons(W):\n    {}"
OWN = "torch.manual_seed(0)\nmy_relu_model = {}\n"

WRONG = {
    "05.1": {
        "Vᵀ": ABSORBED.format("return V.T @ b1 + b2"),
        "twice": ABSORBED.format("return 2 * (V @ b1 + b2)"),
        "sizes": ABSORBED.format("return V @ b1.abs() + b2"),
        "nothing returned": ABSORBED.format("V @ b1 + b2"),
        "changes b2": ABSORBED.format("b2 += V @ b1; return b2"),
    },
    "05.2": {
        "the ideal": "signs = ['0'] * 8",
        "all cut": "signs = ['-'] * 8",
        "dropped is silent": "signs = ['-', '0', '-', '-', '0', '-', '0', '-']",
        "turned round": "signs = ['+', '0', '+', '+', '-', '+', '0', '+']",
        "the digon cut": "signs = ['-', '-', '-', '-', '+', '-', '-', '-']",
        "pentagon at 0": "signs = ['0', '0', '0', '0', '+', '0', '0', '0']",
        "pentagon lifted": "signs = ['+', '0', '+', '+', '+', '+', '0', '+']",
        "numbers": "signs = [-0.2, 0, -0.2, -0.2, 0.05, -0.2, 0, -0.2]",
        "one sign": "signs = '-'",
        "five signs": "signs = ['-', '0', '-', '-', '+']",
    },
    "05.3": {
        "more than needed": LIFT.format("return 1 - W.clamp(max=0).sum(dim=1)"),
        "too little": LIFT.format("return -W.clamp(max=0).mean(dim=1)"),
        "in place": LIFT.format("return -W.clamp_(max=0).sum(dim=1)"),
    },
    "05.4": {
        "untrained": OWN.format("HiddenReLU(5, 2)"),
        "an unlucky random start": OWN.format("HiddenReLU(5, 2)").replace("(0)", "(4)")
        + "train(my_relu_model, SparseFeatures(5, 0.1))",
        "without the ReLU": OWN.format("HiddenReLU(5, 2)")
        + "my_relu_model.middle = torch.nn.Identity()\n"
        + "train(my_relu_model, SparseFeatures(5, 0.1), steps=3000)",
        "hardly trained, from a base model": OWN.format("disguised(base)")
        + "train(my_relu_model, SparseFeatures(5, 0.1))",
        "only disguised": OWN.format("disguised(base)"),
        "disguised and spoilt": OWN.format("disguised(base)") + "my_relu_model.b2.data -= 0.1",
        "hardly trained": OWN.format("disguised(base)")
        + "train(my_relu_model, SparseFeatures(5, 0.1), steps=300)",
        "another sparsity": OWN.format("disguised(base)") + "train(my_relu_model, SparseFeatures(5, 0.9))",
        "the base model": OWN.format("base"),
        "the run": OWN.format("train(disguised(base), SparseFeatures(5, 0.1), steps=3)"),
        "several": OWN.format("HiddenReLU(5, 2, (3,))"),
        "20 → 10": OWN.format("HiddenReLU(20, 10)"),
    },
    "05.5": {
        "truth values": NEURONS.format("a = W >= 0.4; return a[a.sum(dim=1) == 1].any(dim=0)"),
        "nobody": NEURONS.format("return torch.zeros(W.shape[1])"),
        "the Gram matrix": NEURONS.format("return (torch.relu(W.T @ W) >= 0.4).sum(dim=1)"),
        "shared neurons": NEURONS.format("a = W >= 0.4; return a[a.sum(dim=1) > 1].sum(dim=0)"),
        "nothing returned": NEURONS.format("(W >= 0.4).sum(dim=0)"),
        "a list": NEURONS.format("return [3, 0, 3]"),
        "raises": NEURONS.format("return W.counts()"),
    },
    "05.6": {
        "no expectation": "expected = ''\nexperiment = lambda seed: 'pentagon'",
        "a model, not words": "expected = 'pentagon'\nexperiment = lambda seed: ToyModel(5, 2)",
        "the seed unused": "expected = 'pentagon'\nexperiment = lambda seed: 'pentagon'",
        "a number expected": "expected = 5\nexperiment = lambda seed: str(seed)",
    },
}

RIGHT = {
    "05.1": {"a column and back": ABSORBED.format("return (b2[:, None] + V @ b1[:, None]).squeeze(1)")},
    "05.3": {"what ReLU would cut": LIFT.format("return torch.relu(-W).sum(dim=1)")},
    "05.4": {
        "from a base model in disguise": OWN.format("disguised(base)")
        + "train(my_relu_model, SparseFeatures(5, 0.1), steps=3000)",
    },
    "05.5": {
        "a loop": NEURONS.format(
            "n = torch.zeros(W.shape[1])\n    for row in W >= 0.4:\n        n += row * (row.sum() == 1)\n    return n"
        ),
    },
}
