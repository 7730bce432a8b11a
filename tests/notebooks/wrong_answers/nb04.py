"""Wrong answers to the exercises of notebook 04, each a cell that replaces the stub."""

DECODER = """
def best_decoder(W):
    {}
"""
GIVEN = "given_W = torch.tensor([[1.0, 0.0, 2.0], [0.0, 1.0, -3.0]])\nlost_x = {}"
FREE = """
torch.manual_seed({seed})
my_free = FreeDecoder(5, 2)
{start}
train(my_free, SparseFeatures(5, {probability}), steps={steps})
"""
FROM_TRANSPOSE = "with torch.no_grad():\n    my_free.W_dec.copy_(my_free.W.T)"
TIED = """
class Tied(torch.nn.Module):
    def __init__(self, n, m):
        super().__init__()
        {init}

    def forward(self, x):
        {forward}
"""
W_AND_B = "self.W = torch.nn.Parameter(torch.randn(m, n)); self.b = torch.nn.Parameter(torch.zeros(n))"
FORWARD = "return torch.relu(x @ self.W.T @ self.W + self.b)"


def tied(init: str = W_AND_B, forward: str = FORWARD) -> str:
    return TIED.format(init=init, forward=forward)


WRONG = {
    "04.1": {
        "rows for columns": "my_W = torch.tensor([[0.0, 1.0], [-1.0, 0.0], [1.0, -1.0]])",
        "the sum as third column": "my_W = torch.tensor([[0.0, -1.0, -1.0], [1.0, 0.0, 1.0]])",
        "rows swapped": "my_W = torch.tensor([[1.0, 0.0, -1.0], [0.0, -1.0, 1.0]])",
        "features swapped": "my_W = torch.tensor([[-1.0, 0.0, 1.0], [0.0, 1.0, -1.0]])",
        "a sign in feature 1": "my_W = torch.tensor([[0.0, 1.0, -1.0], [1.0, 0.0, -1.0]])",
        "feature 0 longer": "my_W = torch.tensor([[0.0, -1.0, 1.0], [2.0, 0.0, -2.0]])",
        "third column zero": "my_W = torch.tensor([[0.0, -1.0, 0.0], [1.0, 0.0, 0.0]])",
        "a list": "my_W = [[0.0, -1.0, 1.0], [1.0, 0.0, -1.0]]",
        "two features": "my_W = torch.tensor([[0.0, -1.0], [1.0, 0.0]])",
    },
    "04.2": {
        "all zero": GIVEN.format("torch.zeros(3)"),
        "a hidden vector": GIVEN.format("torch.tensor([2.0, -3.0])"),
        "column 2 added": GIVEN.format("torch.tensor([2.0, -3.0, 1.0])"),
        "one feature": GIVEN.format("torch.tensor([0.0, 0.0, 1.0])"),
        "all ones": GIVEN.format("torch.ones(3)"),
        "nearly zero": GIVEN.format("torch.tensor([1.0, 1.0, 1.0]) / 0"),
        "a row of W": GIVEN.format("given_W[0]"),
        "a batch": GIVEN.format("torch.tensor([[2.0, -3.0, -1.0]])"),
    },
    "04.3": {
        "an inverse of a long matrix": DECODER.format("return torch.linalg.inv(W)"),
        "the formula for n > m": DECODER.format("return W.T @ torch.linalg.inv(W @ W.T)"),
        "another left inverse": DECODER.format(
            "V = torch.linalg.pinv(W); n = W.shape[1]; Q = torch.linalg.qr(W, mode='complete').Q\n"
            "    return V + Q[:, n:].sum(dim=1)"
        ),
        "scaled": DECODER.format("return 2 * torch.linalg.pinv(W)"),
        "nothing returned": DECODER.format("torch.linalg.pinv(W)"),
        "NumPy": DECODER.format("return torch.linalg.pinv(W).numpy()"),
        "changes W": DECODER.format("W /= 2; return torch.linalg.pinv(W) / 2"),
    },
    "04.4": {
        "a tied model": "my_free = train(ToyModel(5, 2), SparseFeatures(5, 0.1)).model",
        "the record of a run": "my_free = train(FreeDecoder(5, 2), SparseFeatures(5, 0.1))",
        "untrained": "my_free = FreeDecoder(5, 2)",
        "several at once": "my_free = FreeDecoder(5, 2, (3,))",
        "another size": "my_free = FreeDecoder(6, 2)",
        "without ReLU": "my_free = train(FreeDecoder(5, 2, relu=False), SparseFeatures(5, 0.1)).model",
        "a random start that got stuck": FREE.format(seed=0, start="", probability=0.1, steps=800),
        "features always on": FREE.format(seed=0, start=FROM_TRANSPOSE, probability=1.0, steps=800),
        "only a few steps": FREE.format(seed=0, start=FROM_TRANSPOSE, probability=0.1, steps=3),
        "sharing memory": FREE.format(
            seed=0, start="my_free.W_dec.data = my_free.W.data.T", probability=0.1, steps=800
        ),
        "a pentagon, not trained on": (
            "my_free = FreeDecoder(5, 2)\nmy_free.W.data = theory.polygon(5)\n"
            "my_free.W_dec.data, my_free.b_final.data = 1.2 * theory.polygon(5).T, torch.full((5,), -0.2)"
        ),
        "two digons": (
            "my_free = FreeDecoder(5, 2)\nmy_free.W.data = torch.tensor([[1.0, -1, 0, 0, 0], [0, 0, 1, -1, 0]])\n"
            "my_free.W_dec.data, my_free.b_final.data = 1.1 * my_free.W.data.T, torch.full((5,), -0.02)"
        ),
        "every output cut": "my_free = FreeDecoder(5, 2)\nmy_free.b_final.data -= 5",
        "no b_final": "my_free = FreeDecoder(5, 2)\nmy_free.b_final = None",
        "diverged": "my_free = FreeDecoder(5, 2)\nmy_free.b_final.data += torch.nan",
        "a number": "my_free = 0.016",
        "the class": "my_free = FreeDecoder",
    },
    "04.5": {
        "two matrices": tied(
            W_AND_B + "; self.V = torch.nn.Parameter(torch.randn(n, m))",
            "return torch.relu(x @ self.W.T @ self.V.T + self.b)",
        ),
        "a copy at the start": tied(
            W_AND_B + "; self.V = torch.nn.Parameter(self.W.data.T.clone())",
            "return torch.relu(x @ self.W.T @ self.V.T + self.b)",
        ),
        "a transpose kept from the start": tied(
            W_AND_B + "; self.V = self.W.data.clone()", "return torch.relu(x @ self.W.T @ self.V + self.b)"
        ),
        "a view kept on the side": tied(
            W_AND_B + "; self.W_dec = self.W.T", "return torch.relu(x @ self.W.T @ self.W_dec.T + self.b)"
        ),
        "a bias in the middle instead": tied(
            "self.W = torch.nn.Parameter(torch.randn(m, n)); self.b = torch.nn.Parameter(torch.zeros(m))",
            "return torch.relu((x @ self.W.T + self.b) @ self.W)",
        ),
        "detached on the way up": tied(forward="return torch.relu(x @ self.W.T @ self.W.detach() + self.b)"),
        "detached on the way down": tied(forward="return torch.relu(x @ self.W.data.T @ self.W + self.b)"),
        "detached twice": tied(forward="return torch.relu(x @ self.W.data.T @ self.W.data + self.b)"),
        "no bias": tied(
            "self.W = torch.nn.Parameter(torch.randn(m, n))", "return torch.relu(x @ self.W.T @ self.W)"
        ),
        "no ReLU": tied(forward="return x @ self.W.T @ self.W + self.b"),
        "a ReLU in the middle": tied(forward="return torch.relu(torch.relu(x @ self.W.T) @ self.W + self.b)"),
        "the bias not used": tied(forward="return torch.relu(x @ self.W.T @ self.W)"),
        "the bias after the ReLU": tied(forward="return torch.relu(x @ self.W.T @ self.W) + self.b"),
        "only down": tied(forward="return x @ self.W.T"),
        "W as (n, m)": tied(
            "self.W = torch.nn.Parameter(torch.randn(n, m)); self.b = torch.nn.Parameter(torch.zeros(n))",
            "return torch.relu(x @ self.W @ self.W.T + self.b)",
        ),
        "a hidden bias": tied(W_AND_B + "; self.c = torch.nn.Parameter(torch.zeros(m))"),
        "plain tensors": tied("self.W = torch.randn(m, n); self.b = torch.zeros(n)"),
        "nothing returned": tied(forward="torch.relu(x @ self.W.T @ self.W + self.b)"),
        "columns": tied(forward="return torch.relu(self.W.T @ self.W @ x + self.b)"),
        "a slope scaled": tied(
            forward="W = 2 * self.W - self.W.detach(); return torch.relu(x @ W.T @ W + self.b)"
        ),
        "a bias of one row": tied(
            "self.W = torch.nn.Parameter(torch.randn(m, n)); self.b = torch.nn.Parameter(torch.zeros(1, n))"
        ),
        "a bias in two pieces": tied(
            "self.W = torch.nn.Parameter(torch.randn(m, n)); self.b = torch.nn.Parameter(torch.zeros(2)); "
            "self.c = torch.nn.Parameter(torch.zeros(n - 2))",
            "return torch.relu(x @ self.W.T @ self.W + torch.cat([self.b, self.c]))",
        ),
        "sizes written in": tied(
            "self.W = torch.nn.Parameter(torch.randn(2, 5)); self.b = torch.nn.Parameter(torch.zeros(5))"
        ),
        "a model": "Tied = ToyModel(5, 2)",
        "a function": "def Tied(n, m):\n    return torch.randn(n, m)",
    },
    "04.6": {
        "no expectation": "expected = ''\ndef experiment(seed):\n    torch.manual_seed(seed)\n    return 'free is lower'",
        "numbers": "expected = 'free is lower'\ndef experiment(seed):\n    return 0.016 + seed",
        "seed not used": "expected = 'free is lower'\ndef experiment(seed):\n    return 'free is lower'",
        "raises": "expected = 'free is lower'\ndef experiment(seed):\n    return FreeDecoder(5, 2)(torch.rand(3, 4), seed)",
    },
}

RIGHT = {
    "04.1": {
        "whole numbers": "my_W = torch.tensor([[0, -1, 1], [1, 0, -1]])",
    },
    "04.2": {
        "whole numbers": GIVEN.format("torch.tensor([2, -3, -1])"),
        "a direction of length 1": GIVEN.format("torch.linalg.svd(given_W)[2][2]"),
    },
    "04.3": {
        "pinv": DECODER.format("return torch.linalg.pinv(W)"),
        "solve": DECODER.format("return torch.linalg.solve(W.T @ W, W.T)"),
        "lstsq": DECODER.format("return torch.linalg.lstsq(W, torch.eye(W.shape[0])).solution"),
    },
    "04.5": {
        "names of its own": tied(
            "self.M = torch.nn.Parameter(torch.randn(m, n)); self.b_final = torch.nn.Parameter(torch.zeros(n))",
            "return torch.relu(x @ self.M.mT @ self.M + self.b_final)",
        ),
        "a linear layer": tied(
            "self.down = torch.nn.Linear(n, m, bias=False); self.b = torch.nn.Parameter(torch.zeros(n))",
            "return torch.relu(self.down(x) @ self.down.weight + self.b)",
        ),
        "functional": tied(
            forward="return torch.nn.functional.linear(x @ self.W.T, self.W.T, self.b).clamp(min=0)"
        ),
    },
}
