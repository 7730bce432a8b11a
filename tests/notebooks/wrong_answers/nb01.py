"""Wrong answers that students give in notebook 01, each with a message of its own."""

MEANS = "def class_means(h, labels):\n    {}"
CAT = "def cat(x):\n    {}"
NETWORK = """my_network = train_digits(DigitsNetwork(16, generator=torch.Generator().manual_seed(0)))
my_neuron, my_digits = {}, {}"""
FIRING = """expected = {}
def experiment(seed):
    {}"""

WRONG = {
    "01.1": {
        "digits from 1": MEANS.format(
            "return torch.stack([h[labels == (k + 1) % 10].mean(0) for k in range(10)])"
        ),
        "a list": MEANS.format("return [h[labels == k].mean(0) for k in range(10)]"),
        "NumPy": MEANS.format("return torch.stack([h[labels == k].mean(0) for k in range(10)]).numpy()"),
        "uses the page's h": "old = h\ndef class_means(h, labels):\n    return torch.stack([old[labels == k].mean(0) for k in range(10)])",
        "returns nothing": MEANS.format("means = [h[labels == k].mean(0) for k in range(10)]"),
    },
    "01.2": {
        "untrained": "my_network = DigitsNetwork(16)\nmy_neuron, my_digits = 0, (0, 1)",
        "not a network": "my_network = ToyModel(5, 2)\nmy_neuron, my_digits = 0, (0, 1)",
        "several networks": "my_network = DigitsNetwork(16, instances=(3,))\nmy_neuron, my_digits = 0, (0, 1)",
        "that of the text": "my_network, my_neuron, my_digits = network, 0, (2, 3)",
        "no such neuron": NETWORK.format("16", "(0, 1)"),
        "half a neuron": NETWORK.format("0.5", "(0, 1)"),
        "a word": NETWORK.format("'the third'", "(0, 1)"),
        "twice the same digit": NETWORK.format("0", "(1, 1)"),
        "no such digit": NETWORK.format("0", "(1, 12)"),
        "one digit": NETWORK.format("0", "8"),
        "one digit in a tensor": NETWORK.format("0", "torch.tensor(8)"),
        "three digits": NETWORK.format("0", "(1, 8, 9)"),
        "a silent neuron": NETWORK.format("2", "(1, 8)"),
        "a digit it does not fire for": NETWORK.format("0", "(1, 2)"),
        "forgot to fill in the network's name": "my_network, my_neuron, my_digits = None, 0, (0, 1)",
    },
    "01.3": {
        "no turn": "Q = torch.eye(2)",
        "W itself": "Q = W",
        "half a right angle": "Q = torch.tensor([[1.0, 1.0], [-1.0, 1.0]]) / 2**0.5",
        "a reflection": "Q = torch.tensor([[0.0, 1.0], [1.0, 0.0]])",
        "stretched": "Q = 2 * W.T",
        "flat": "Q = torch.tensor([[1.0, 0.0], [0.0, 0.0]])",
        "sheared": "Q = torch.tensor([[1.0, 1.0], [0.0, 1.0]])",
        "an angle": "Q = 0.5",
        "a list": "Q = [[1.0, 0.0], [0.0, 1.0]]",
        "one column": "Q = W[:, 0]",
    },
    "01.4": {
        "equal weights": "w, b = torch.tensor([1.0, 1.0, 1.0]), -2.0",
        "whole numbers, a bias too high": "w, b = torch.tensor([1, 2, 1]), -2",
        "no bias": "w, b = torch.tensor([1.0, 2.0, 0.5]), 0.0",
        "a vote": "w, b = torch.tensor([1.0, 2.0, 0.5]), -1.0",
        "three taken back": "w, b = torch.tensor([1.0, 2.0, 0.5]), -3.0",
        "loudness instead of its inverse": "w, b = torch.tensor([1.0, 0.5, 2.0]), -2.0",
        "too strong": "w, b = torch.tensor([2.0, 4.0, 1.0]), -4.0",
        "a positive bias": "w, b = torch.tensor([0.0, 0.0, 0.0]), 1.0",
        "a row": "w, b = torch.tensor([[1.0, 2.0, 0.5]]), -2.0",
        "one weight": "w, b = torch.tensor(1.0), -2.0",
        "a list": "w, b = [1.0, 2.0, 0.5], -2.0",
        "three biases": "w, b = torch.tensor([1.0, 2.0, 0.5]), torch.tensor([-2.0, -2.0, -2.0])",
    },
    "01.5": {
        "a vote": CAT.format("return torch.relu((x - torch.relu(x - 1)).sum(dim=-1) - 1)"),
        "a lower bar": CAT.format("return (x >= 0.5).all(dim=-1).float()"),
        "steeper": CAT.format("return torch.relu(3 * (x - torch.relu(x - 1)).sum(dim=-1) - 8)"),
        "the root of a product": CAT.format("return x.clamp(max=1).prod(dim=-1).sqrt()"),
        "the smallest two": CAT.format(
            "return torch.relu(x.clamp(max=1).sort(dim=-1).values[:, :2].sum(dim=-1) - 1)"
        ),
        "True or False": CAT.format("return (x >= 1).all(dim=-1)"),
        "in place": CAT.format("x -= torch.relu(x - 1); return torch.relu(x.sum(dim=-1) - 2)"),
    },
    "01.6": {
        "no expectation": FIRING.format("''", "return train_digits(DigitsNetwork(8))"),
        "another word": FIRING.format("'different'", "return train_digits(DigitsNetwork(8))"),
        "a number": FIRING.format("2.5", "return 2.5"),
        "a number returned": FIRING.format("'more'", "return 2.5"),
        "the seed unused": FIRING.format(
            "'more'",
            "return train_digits(DigitsNetwork(8, generator=torch.Generator().manual_seed(0)), steps=20)",
        ),
        "nothing changed": FIRING.format(
            "'fewer'",
            "return train_digits(DigitsNetwork(16, generator=torch.Generator().manual_seed(seed)), seed=seed)",
        ),
        "all silent": FIRING.format(
            "'fewer'", "return train_digits(DigitsNetwork(8), activity_cost=1000.0, steps=60, seed=seed)"
        ),
        "a generator without the seed": FIRING.format(
            "'more'",
            "return train_digits(DigitsNetwork(8, generator=torch.Generator().manual_seed(0 * seed)), steps=20)",
        ),
        "an unknown price": FIRING.format("'fewer'", "return train_digits(DigitsNetwork(8), price=0)"),
        "several at once": FIRING.format("'fewer'", "return DigitsNetwork(8, instances=(seed + 1,))"),
    },
}

RIGHT = {
    "01.2": {
        "digits in a tensor": NETWORK.format("torch.tensor(0)", "torch.tensor([1, 8])"),
        "digits of the table": NETWORK.format(
            "0", "fires_for(class_means(my_network.hidden(images), labels))[:, 0].nonzero()[:2]"
        ),
    },
    "01.3": {
        "the inverse": "Q = torch.linalg.inv(W)",
        "turned half round": "Q = -W.T",
        "a reflection": "Q = torch.linalg.qr(W).Q.T",
    },
    "01.4": {
        "whole numbers": "w, b = torch.tensor([1, 2, 1]), -3",
        "b in a tensor": "w, b = torch.tensor([1, 2, 0.5]), torch.tensor([-2])",
    },
    "01.5": {
        "from below": CAT.format("return torch.relu(1 - torch.relu(1 - x).sum(dim=-1))"),
        "clipped": CAT.format("return torch.relu(x.clamp(max=1).sum(dim=-1) - 2)"),
    },
    "01.6": {
        "in capitals": FIRING.format(
            "' Fewer'",
            "return train_digits(DigitsNetwork(64, generator=torch.Generator().manual_seed(seed)))",
        ),
    },
}
