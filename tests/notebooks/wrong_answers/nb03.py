"""Wrong answers to the exercises of notebook 03, each a cell that replaces the stub."""

FORWARD = """
def forward(x, W, b):
    {}
"""
RECEIVED = """
def received(W, x, i):
    {}
"""
BATCH = "y = SparseFeatures(20, 0.2).sample(1000, generator=torch.Generator().manual_seed(1))\n"
TRAINED = "my_model = ToyModel(5, 2, generator=torch.Generator().manual_seed({}))\ntrain(my_model, SparseFeatures(5, {}), {})"

WRONG = {
    "03.1": {
        "1 − S instead of S": BATCH + "S = (y > 0).float().mean()",
        "the mean of all entries": BATCH + "S = y.mean()",
        "empty rows": BATCH + "S = (y == 0).all(dim=1).float().mean()",
        "a count": BATCH + "S = (y == 0).sum()",
        "percent": BATCH + "S = 100 * (y == 0).float().mean()",
        "one per feature": BATCH + "S = (y == 0).float().mean(dim=0)",
        "another number": BATCH + "S = 0.5",
        "text": BATCH + "S = '0.8'",
    },
    "03.2": {
        "W the wrong way round": FORWARD.format("return torch.relu(x @ W @ W.T + b)"),
        "nothing returned": FORWARD.format("torch.relu(x @ W.T @ W + b)"),
        "NumPy": FORWARD.format("return torch.relu(x @ W.T @ W + b).numpy()"),
        "a list": FORWARD.format("return [torch.relu(W.T @ W @ row + b) for row in x]"),
        "changes x": FORWARD.format("x -= 1; return torch.relu(x @ W.T @ W + b)"),
        "another model's W": FORWARD.format("return torch.relu(x @ W.T @ W + b) + 0 * model.W.sum()"),
        "NaN": FORWARD.format("return torch.relu(x @ W.T @ W + b) / 0 * 0"),
        "calls itself": FORWARD.format("return forward(x, W, b)"),
        "cut at 1": FORWARD.format("return (x @ W.T @ W + b).clamp(0, 1)"),
        "absolute values": FORWARD.format("return (x @ W.T @ W + b).abs()"),
        "a bias that never cuts": FORWARD.format("return torch.relu(x @ W.T @ W + b.clamp(min=0))"),
        "wrong for several rows only": FORWARD.format(
            "return torch.relu(x @ W.T @ W + b) + 0.1 * (len(x) > 1)"
        ),
        "normalised by the batch": FORWARD.format("return torch.relu(x @ W.T @ W + b) - x.mean(dim=0)"),
        "raises": FORWARD.format("raise ValueError('not yet')"),
        "leaves Python": FORWARD.format("raise SystemExit"),
        "other arguments": "def forward(x):\n    return x",
        "not a function": "forward = torch.zeros(4, 5)",
    },
    "03.3": {
        "one feature left out": RECEIVED.format(
            "p = gram(W)[i] * x; return p[:-1].sum() - p[i] * (len(x) > 2)"
        ),
        "a Python number": RECEIVED.format("p = gram(W)[i] * x; return (p.sum() - p[i]).item()"),
        "always feature 3": RECEIVED.format("p = gram(W)[3] * x; return p.sum() - p[3]"),
        "the sign turned": RECEIVED.format("p = gram(W)[i] * x; return p[i] - p.sum()"),
    },
    "03.4": {
        "untrained": "my_model = ToyModel(5, 2, generator=torch.Generator().manual_seed(0))",
        "hardly trained": TRAINED.format(0, 0.05, "steps=3"),
        "the old sparsity": TRAINED.format(0, 0.1, ""),
        "features on half of the time": TRAINED.format(0, 0.5, ""),
        "two features kept, three answered by their mean": (
            "my_model = ToyModel(5, 2)\nmy_model.W.data = torch.eye(2, 5)\n"
            "my_model.b_final.data = torch.tensor([0.0, 0, 0.25, 0.25, 0.25])"
        ),
        "stopped early": TRAINED.format(0, 0.05, "steps=40"),
        "the run instead of the model": "my_model = train(ToyModel(5, 2), SparseFeatures(5, 0.05))",
        "20 → 10": "my_model = ToyModel(20, 10)",
        "several at once": "my_model = ToyModel(5, 2, instances=(3,))",
        "the reading": "my_model = 'pentagon'",
    },
    "03.5": {
        "no bias": "my_W, my_b = theory.polygon(5), torch.zeros(5)",
        "the bias of section 3": "my_W, my_b = theory.polygon(5), torch.full((5,), -0.25)",
        "far too much bias": "my_W, my_b = theory.polygon(5), torch.full((5,), -0.8)",
        "a positive bias": "my_W, my_b = theory.polygon(5), torch.full((5,), 0.1)",
        "two features": "my_W, my_b = torch.eye(2, 5), torch.tensor([0, 0, 0.05, 0.05, 0.05])",
        "the two digons": "my_W = torch.tensor([[1.0, -1, 0, 0, 0], [0, 0, 1, -1, 0]])\nmy_b = torch.zeros(5)",
        "nothing": "my_W, my_b = torch.zeros(2, 5), torch.zeros(5)",
        "rows for columns": "my_W, my_b = theory.polygon(5).T, torch.full((5,), -0.2)",
        "two the same way": (
            "my_W = theory.polygon(4)[:, [0, 0, 1, 2, 3]].clone()\nmy_b = torch.full((5,), -0.1)"
        ),
        "uneven lengths": (
            "my_W = theory.polygon(5) * torch.tensor([2.0, 1, 1, 1, 1])\nmy_b = torch.full((5,), -0.1)"
        ),
        "a list": "my_W, my_b = [[1.0, -1, 0, 0, 0], [0, 0, 1, -1, 0]], torch.zeros(5)",
        "one bias": "my_W, my_b = theory.polygon(5), -0.1",
        "whole numbers": "my_W, my_b = torch.eye(2, 5).long(), torch.zeros(5)",
    },
    "03.6": {
        "no expectation": "expected = ''\nexperiment = lambda seed: 'pentagon'",
        "a model, not words": "expected = 'pentagon'\nexperiment = lambda seed: ToyModel(5, 2)",
        "the seed unused": "expected = 'pentagon'\nexperiment = lambda seed: 'pentagon'",
        "a number expected": "expected = 5\nexperiment = lambda seed: str(seed)",
        "an unfinished function": "expected = 'pentagon'\ndef experiment(seed):\n    model = ToyModel(5, seed)",
    },
}

RIGHT = {
    "03.2": {
        "double precision": FORWARD.format("return torch.relu(x @ W.T @ W + b).double()"),
        "row by row": FORWARD.format("return torch.relu(torch.stack([W.T @ (W @ row) + b for row in x]))"),
        "turned twice": FORWARD.format("return torch.relu((W.T @ (W @ x.T)).T + b)"),
    },
    "03.3": {
        "a loop": RECEIVED.format("return sum(gram(W)[i, j] * x[j] for j in range(len(x)) if j != i)"),
        "its own feature switched off": RECEIVED.format("y = x.clone(); y[i] = 0; return W[:, i] @ (W @ y)"),
    },
    "03.5": {
        "from the widget": (
            "my_W = torch.tensor([[1.09, 0.33, -0.87, -0.88, 0.33], [0.0, 1.03, 0.64, -0.63, -1.02]])\n"
            "my_b = torch.tensor([-0.19, -0.19, -0.18, -0.2, -0.19])"
        ),
    },
}
