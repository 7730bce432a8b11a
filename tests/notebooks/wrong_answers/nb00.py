"""Wrong answers that students give in notebook 00, each with a message of its own."""

TRAINED = """my_model = ToyModel(2, 1, generator=torch.Generator().manual_seed({}))
train(my_model, SparseFeatures(2, {}), {})"""
MADE = """my_model = ToyModel(2, 1)
my_model.W.data, my_model.b_final.data = torch.tensor([{}]), torch.tensor({})"""

WRONG = {
    "00.1": {
        "1 − S": "S = 0.25",
        "too sparse": "S = 0.95",
        "a little too sparse": "S = 0.85",
        "two digons": "S = 0.7",
        "right with another seed": "S = 0.75",
        "always on": "S = 0",
        "percent": "S = 80",
        "negative": "S = -0.8",
        "text": "S = '0.8'",
        "a list": "S = [0.8, 0.85]",
    },
    "00.2": {
        "untrained": "my_model = ToyModel(2, 1, generator=torch.Generator().manual_seed(0))",
        "an unlucky seed": TRAINED.format(1, 0.05, ""),
        "S instead of 1 − S": TRAINED.format(0, 0.95, ""),
        "sizes exchanged": "my_model = ToyModel(1, 2)",
        "the network of section 2": "my_model = model",
        "the run": "my_model = train(ToyModel(2, 1), SparseFeatures(2, 0.05))",
        "hardly trained": TRAINED.format(0, 0.05, "steps=4"),
        "stopped early": TRAINED.format(0, 0.05, "steps=40"),
        "another sparsity": TRAINED.format(0, 0.5, ""),
        "one short column, on most of the time": MADE.format([0.98, -0.23], [0.13, 0.56]),
        "one feature alone, on half of the time": MADE.format([1.0, 0.0], [0.0, 0.25]),
        "two short columns": MADE.format([0.3, -0.3], [0.02, 0.02]),
        "both the same way": MADE.format([0.8, 0.8], [-0.1, -0.1]),
        "several at once": "my_model = ToyModel(2, 1, instances=(3,))",
        "a word": "my_model = 'digon'",
    },
}
