"""Wrong answers to the exercises of notebook 02, each a cell that replaces the stub."""

READ = """
def read(a):
    {}
"""
UNPACK = """
def unpack(h, k):
    {}
"""
INVERT = """
def invert(t, Z):
    {}
"""
PROBE = """
my_network = {network}
images, labels = load_digits("train")
y = torch.isin(labels, torch.tensor({digits}))
my_w, my_b = fit_probe(my_network.hidden(images).detach(), y)
{then}
"""
NETWORK = "train_digits(DigitsNetwork(16, generator=torch.Generator().manual_seed(1)))"
EXPERIMENT = "expected = {!r}\ndef experiment(seed):\n    {}"


def probe(network: str = NETWORK, digits: str = "[0, 6, 8, 9]", then: str = "") -> str:
    return PROBE.format(network=network, digits=digits, then=then)


ROWS = "phi = (1 + 5**0.5) / 2\nrows = torch.tensor([[0, 1, phi], [0, -1, phi], [1, phi, 0], [-1, phi, 0], [phi, 0, 1], [phi, 0, -1]])\n"
UNIT = ROWS + "V = (rows / rows.norm(dim=1, keepdim=True)).T\n"

WRONG = {
    "02.1": {
        "the remainder": READ.format("return a % 2"),
        "only cats": READ.format("return (a.floor() % 2 == 1).float() * (a > 0)"),
        "an if on a batch": READ.format("return 1.0 if a.floor() % 2 == 1 else 2.0"),
        "nothing returned": READ.format("torch.where(a.floor() % 2 == 1, 1.0, 2.0)"),
        "changes a": READ.format("a.floor_(); return torch.where(a % 2 == 1, 1.0, 2.0)"),
    },
    "02.2": {
        "True or False": UNPACK.format(
            "n = (h * 2**k).round(); return torch.stack([(n // 2 ** (k - i)) % 2 == 1 for i in range(1, k + 1)], dim=1)"
        ),
        "no remainder": UNPACK.format(
            "n = (h * 2**k).round(); return torch.stack([n // 2 ** (k - i) for i in range(1, k + 1)], dim=1)"
        ),
        "right for three bits": UNPACK.format(
            "n = (h * 2**k).round(); return torch.stack([(n // 2 ** (k - i)) % 2 * (i < 4) for i in range(1, k + 1)], dim=1)"
        ),
        "sorted by the batch": UNPACK.format(
            "n = (h * 2**k).round(); n = n if len(n) == 16 else n.sort(descending=True).values; return torch.stack([(n // 2 ** (k - i)) % 2 for i in range(1, k + 1)], dim=1)"
        ),
        "a list": UNPACK.format("return [(h * 2**k).round() % 2 for i in range(k)]"),
    },
    "02.3": {
        "upper end": INVERT.format("s = torch.floor(Z * t); return torch.stack([(s + 1) / Z, Z * t - s])"),
        "y wrong": INVERT.format(
            "s = torch.floor(Z * t); return torch.stack([(s + 0.5) / Z, 1 - Z * t + s])"
        ),
        "right for Z = 3 only": INVERT.format(
            "s = torch.floor(Z * t); return torch.stack([(s + 0.5) / Z, (Z * t - s) * Z / 3])"
        ),
        "a tuple": INVERT.format("s = torch.floor(Z * t); return (s + 0.5) / Z, Z * t - s"),
    },
    "02.4": {
        "untrained": probe("DigitsNetwork(16, generator=torch.Generator().manual_seed(1))"),
        "even digits": probe(digits="[0, 2, 4, 6, 8]"),
        "odd digits": probe(digits="[1, 3, 5, 7, 9]"),
        "turned round": probe(digits="[1, 2, 3, 4, 5, 7]"),
        "one digit": probe(digits="[8]"),
        "9 forgotten": probe(
            "train_digits(DigitsNetwork(16, generator=torch.Generator().manual_seed(0)))", "[0, 6, 8]"
        ),
        "8 forgotten": probe(
            "train_digits(DigitsNetwork(16, generator=torch.Generator().manual_seed(4)))", "[0, 6, 9]"
        ),
        "on the scores": probe(then="my_w, my_b = fit_probe(my_network(images).detach(), y)"),
        "a row": probe(then="my_w = my_w[None]"),
        "no threshold": probe(then="my_b = my_b + 0.8"),
        "always yes": probe(then="my_b = 100.0"),
        "always no": probe(then="my_b = -100.0"),
        "on the pixels": probe(then="my_w, my_b = fit_probe(images, y)"),
        "w and b in one": probe(then="my_w = torch.cat([my_w, my_b[None]])"),
        "a column": probe(then="my_w = my_w[:, None]"),
        "several networks": probe(then="my_network = DigitsNetwork(16, instances=(2,))"),
        "no network": probe(then="my_network = 16"),
        "b as text": probe(then="my_b = 'b'"),
    },
    "02.5": {
        "rows": UNIT + "my_six = V.T",
        "not unit": ROWS + "my_six = rows.T",
        "opposites": "my_six = torch.cat([torch.eye(3), -torch.eye(3)], dim=1)",
        "the same twice": "my_six = torch.cat([torch.eye(3), torch.eye(3)], dim=1)",
        "five": UNIT + "my_six = V[:, :5]",
        "four": UNIT + "my_six = V[:, :4]",
        "three": "my_six = torch.eye(3)",
        "random ones": "my_six = torch.nn.functional.normalize(torch.randn(3, 6, generator=torch.Generator().manual_seed(0)), dim=0)",
        "a list": UNIT + "my_six = V.tolist()",
    },
    "02.6": {
        "no expectation": EXPERIMENT.format("", "return str(pack(3, 0.5, seed).shape[1])"),
        "numbers": EXPERIMENT.format("more", "return pack(3, 0.5, seed).shape[1]"),
        "seed not used": EXPERIMENT.format("more", "return 'more'"),
        "raises": EXPERIMENT.format("more", "return pack(3, 0.5, seed)[7, 7]"),
    },
}

RIGHT = {
    "02.1": {
        "whole numbers": READ.format(
            "n = a.floor(); return torch.where(n <= 0, 0, torch.where(n % 2 == 1, 1, 2))"
        ),
        "one by one": READ.format("return torch.tensor([0 if v < 1 else 1 if int(v) % 2 else 2 for v in a])"),
    },
    "02.2": {
        "whole numbers": UNPACK.format(
            "n = (h * 2**k).round().long(); return torch.stack([(n // 2 ** (k - i)) % 2 for i in range(1, k + 1)], dim=1)"
        ),
        "bit operations": UNPACK.format(
            "n = (h * 2**k).round().int(); return (n[:, None] & 2 ** torch.arange(k - 1, -1, -1) > 0).float()"
        ),
    },
    "02.3": {
        "remainder": INVERT.format("return torch.stack([((Z * t).int() + 0.5) / Z, (Z * t) % 1])"),
    },
    "02.4": {
        "many neurons": probe("train_digits(DigitsNetwork(40, generator=torch.Generator().manual_seed(2)))"),
        "few neurons": probe("train_digits(DigitsNetwork(8, generator=torch.Generator().manual_seed(1)))"),
    },
    "02.5": {
        "double precision": UNIT + "my_six = V.double()",
    },
}
