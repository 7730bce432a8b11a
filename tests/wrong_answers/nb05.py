"""Wrong answers to the exercises of notebook 05, each a cell that replaces the stub."""

ABSORBED = "def absorbed(V, b1, b2):\n    {}"
LIFT = "def lift(W):\n    {}"
ANSWERS = "def answers_to(W):\n    {}"
OWN = "torch.manual_seed(0)\nmy_relu_model = {}\n"

WRONG = {
    "05.1": {
        "the sign": ABSORBED.format("return b2 - V @ b1"),
        "b1 forgotten": ABSORBED.format("return b2.clone()"),
        "b2 forgotten": ABSORBED.format("return V @ b1"),
        "cut at 0": ABSORBED.format("return torch.relu(V @ b1 + b2)"),
        "a ReLU in the middle": ABSORBED.format("return V @ torch.relu(b1) + b2"),
        "the hidden bias": ABSORBED.format("return b1.clone()"),
        "Vᵀ": ABSORBED.format("return V.T @ b1 + b2"),
        "a row": ABSORBED.format("return (V @ b1 + b2)[None]"),
        "a matrix": ABSORBED.format("return V @ b1[:, None] + b2"),
        "a column": ABSORBED.format("return (V @ b1 + b2)[:, None]"),
        "twice": ABSORBED.format("return 2 * (V @ b1 + b2)"),
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
        "a random start": OWN.format("HiddenReLU(5, 2)") + "train(my_relu_model, SparseFeatures(5, 0.1))",
        "only disguised": OWN.format("disguised(base)"),
        "hardly trained": OWN.format("disguised(base)")
        + "my_relu_model.W1.data *= 0.7\nmy_relu_model.W2.data *= 0.75",
        "another sparsity": OWN.format("disguised(base)") + "train(my_relu_model, SparseFeatures(5, 0.9))",
        "the base model": OWN.format("base"),
        "the run": OWN.format("train(disguised(base), SparseFeatures(5, 0.1), steps=3)"),
        "several": OWN.format("HiddenReLU(5, 2, (3,))"),
        "20 → 10": OWN.format("HiddenReLU(20, 10)"),
    },
    "05.5": {
        "neurons per feature": ANSWERS.format("return (W >= 0.4).sum(dim=0)"),
        "sizes": ANSWERS.format("return (W.abs() >= 0.4).sum(dim=1)"),
        "any positive": ANSWERS.format("return (W > 0).sum(dim=1)"),
        "more than": ANSWERS.format("return (W > 0.4).sum(dim=1)"),
        "relative": ANSWERS.format("return (W / W.max(dim=1, keepdim=True).values >= 0.4).sum(dim=1)"),
        "weights added": ANSWERS.format("return W.clamp(min=0).sum(dim=1)"),
        "all together": ANSWERS.format("return (W >= 0.4).sum()"),
        "not added up": ANSWERS.format("return W >= 0.4"),
        "whether, not how many": ANSWERS.format("return (W >= 0.4).any(dim=1)"),
        "nothing returned": ANSWERS.format("(W >= 0.4).sum(dim=1)"),
        "a list": ANSWERS.format("return [3, 0, 3]"),
        "raises": ANSWERS.format("return W.counts()"),
    },
    "05.6": {
        "no expectation": "expected = ''\nexperiment = lambda seed: 'pentagon'",
        "a model, not words": "expected = 'pentagon'\nexperiment = lambda seed: ToyModel(5, 2)",
        "the seed unused": "expected = 'pentagon'\nexperiment = lambda seed: 'pentagon'",
        "a number expected": "expected = 5\nexperiment = lambda seed: str(seed)",
    },
}
