"""Wrong answers to the exercises of notebook 05, each a cell that replaces the stub."""

ABSORBED = "def absorbed(V, b1, b2):\n    {}"
LIFT = "def lift(W):\n    {}"
NEURONS = "def own_neurons(W):\n    {}"
OWN = "torch.manual_seed(0)\nmy_relu_model = {}\n"

WRONG = {
    "05.1": {
        "the sign": ABSORBED.format("return b2 - V @ b1"),
        "b1 forgotten": ABSORBED.format("return b2.clone()"),
        "b2 forgotten": ABSORBED.format("return V @ b1"),
        "cut at 0": ABSORBED.format("return torch.relu(V @ b1 + b2)"),
        "cut before the sum": ABSORBED.format("return torch.relu(V @ b1) + b2"),
        "a ReLU in the middle": ABSORBED.format("return V @ torch.relu(b1) + b2"),
        "the hidden bias": ABSORBED.format("return b1.clone()"),
        "Vᵀ": ABSORBED.format("return V.T @ b1 + b2"),
        "a row": ABSORBED.format("return (V @ b1 + b2)[None]"),
        "a matrix": ABSORBED.format("return V @ b1[:, None] + b2"),
        "a column": ABSORBED.format("return (V @ b1 + b2)[:, None]"),
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
        "the sign": LIFT.format("return W.clamp(max=0).sum(dim=1)"),
        "the lowest weight": LIFT.format("return -W.min(dim=1).values.clamp(max=0)"),
        "the lowest weight, no limit": LIFT.format("return -W.min(dim=1).values"),
        "all sizes": LIFT.format("return W.abs().sum(dim=1)"),
        "everything on": LIFT.format("return (-W.sum(dim=1)).clamp(min=0)"),
        "everything on, no limit": LIFT.format("return -W.sum(dim=1)"),
        "one for all": LIFT.format("return (-W.clamp(max=0).sum(dim=1)).max().repeat(len(W))"),
        "half": LIFT.format("return -W.clamp(max=0).sum(dim=1) / 2"),
        "columns": LIFT.format("return -W.clamp(max=0).sum(dim=0)"),
        "one number": LIFT.format("return -W.clamp(max=0).sum()"),
        "one per weight": LIFT.format("return -W.clamp(max=0)"),
        "kept axis": LIFT.format("return -W.clamp(max=0).sum(dim=1, keepdim=True)"),
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
        "neurons per feature": NEURONS.format("return (W >= 0.4).sum(dim=0)"),
        "one neuron, shared or not": NEURONS.format("return ((W >= 0.4).sum(dim=0) == 1).float()"),
        "whether, not how many": NEURONS.format(
            "a = W >= 0.4; return a[a.sum(dim=1) == 1].any(dim=0).float()"
        ),
        "sizes": NEURONS.format("a = W.abs() >= 0.4; return a[a.sum(dim=1) == 1].sum(dim=0)"),
        "any positive": NEURONS.format("a = W > 0; return a[a.sum(dim=1) == 1].sum(dim=0)"),
        "more than": NEURONS.format("a = W > 0.4; return a[a.sum(dim=1) == 1].sum(dim=0)"),
        "relative": NEURONS.format(
            "a = W / W.max(dim=1, keepdim=True).values >= 0.4; return a[a.sum(dim=1) == 1].sum(dim=0)"
        ),
        "the strongest": NEURONS.format("return torch.bincount(W.argmax(dim=1), minlength=W.shape[1])"),
        "features per neuron": NEURONS.format("return (W >= 0.4).sum(dim=1)"),
        "all together": NEURONS.format("a = W >= 0.4; return (a.sum(dim=1) == 1).sum()"),
        "not added up": NEURONS.format("return (W >= 0.4).float()"),
        "rows kept, not added up": NEURONS.format("a = W >= 0.4; return a[a.sum(dim=1) == 1].float()"),
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
