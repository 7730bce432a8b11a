"""Notebook 00: its exercises and predictions."""

import torch

from tms_edu import SparseFeatures, ToyModel, feature_norms, gram, read_gram, theory, train
from tms_edu.checks.exercises import number
from tms_edu.checks.forms import outcome
from tms_edu.checks.outcomes import ANSWERS_ITS_MEAN_BELOW, weights
from tms_edu.checks.predictions import Choice, register

REPRESENTED_ABOVE = 0.5
STOP = 0.05  # between stops of the slider, where the pentagon begins


@outcome(
    (lambda m: m.S > 1, "S is a fraction between 0 and 1, and {S:g} is not. Is it in percent?"),
    (lambda m: m.S < 0, "S is how often a feature is off. It cannot be negative."),
    (
        lambda m: m.kept[0] < m.most == 5,
        "S = {S:g} is right with some seeds, and not with seed 0. The slider has stops near it: look on both sides.",
    ),
    (
        lambda m: m.most == 5,
        "At S = {S:g} all five are kept, and already at a smaller S. Go back on the slider, step by step.",
    ),
    (
        lambda m: m.S <= 0.5 and max(_kept(m.S)) == 5,
        "The slider writes two numbers. {S:g} is 1 − S, how often a feature is on; I asked for S.",
    ),
    (
        lambda m: True,
        "At S = {S:g} the best run of three keeps {most} of the five. Move on towards rarer features.",
    ),
    good=lambda m: m.kept[0] == 5 > _kept(min(1.0, 1 - m.S + STOP), seeds=1)[0],
    right="At S = {S:g} all five are kept. Near here two opposite pairs and a pentagon are nearly as good as each other, and the "
    "start decides which one training finds. Notebook 03 asks where the better one changes.",
)
def check_first_pentagon(S) -> dict:
    """Check the smallest sparsity of the lab's slider at which five features keep a direction in two dimensions."""
    S = number(S, name="S")
    kept = _kept(1 - S) if 0 <= S <= 1 else [0]
    return {"S": S, "kept": kept, "most": max(kept)}


def _kept(feature_probability: float, seeds: int = 3) -> list[int]:
    """Train models 5 → 2 from the first seeds, and count in each the features that keep a direction of their own."""
    counts = []
    for seed in range(seeds):
        model = ToyModel(5, 2, generator=torch.Generator().manual_seed(seed))
        train(model, SparseFeatures(5, feature_probability), seed=seed, progress=False)
        reading = read_gram(gram(model.W), model.b_final)
        shaped = sum(len(group.members) for group in reading.groups if group.shape)
        counts.append(shaped + len(reading.indices("recovered")))
    return counts


@outcome(
    (
        lambda m: m.longest < REPRESENTED_ABOVE,
        "W = {W:.2f}: neither feature has a direction to speak of. How often are they on in your data, and how long did you train?",
    ),
    (
        lambda m: m.length < REPRESENTED_ABOVE and m.bias > 0.1 and m.squared >= ANSWERS_ITS_MEAN_BELOW,
        "W = {W:.2f}, and feature {lost} is not kept. Its bias of {bias:.2f} says that the features were on far more often "
        "than asked for. Which `feature_probability` did your data have?",
    ),
    (
        lambda m: m.length < REPRESENTED_ABOVE and m.bias > 0.1,
        "W = {W:.2f}: feature {lost} is dropped, and answered with {bias:.2f}. So large a mean belongs to features that are "
        "on often. Which `feature_probability` did your data have?",
    ),
    (
        lambda m: m.length < REPRESENTED_ABOVE,
        "W = {W:.2f}: this run lost feature {lost}. {length:.2f}² = {squared:.2f} is under the 0.25 from which this course calls a "
        "feature kept. It happens in about every second run. What can you change about the start?",
    ),
    (
        lambda m: m.W.prod() > 0,
        "W = {W:.2f}: both features point the same way, so their outputs cannot be told apart.",
    ),
    (
        lambda m: m.loss > 1.03 * m.best + 1e-5,
        "W = {W:.2f} keeps both, but the loss, {loss:.4f}, is above the best known, {best:.4f}. Was it trained to the end, "
        "and at 1 − S = {p:g}?",
    ),
    right="W = {W:.2f}: one dimension, two features, one up and one down. Loss {loss:.4f}; keeping only one of them would cost "
    "{alone:.4f}.",
)
def check_two_in_one(model, feature_probability: float = 0.05) -> dict:
    """Check the reader's own trained 2 → 1 model: both features kept, as a digon."""
    W, b = weights(model, 1, 2)
    p, features, norms = feature_probability, SparseFeatures(2, feature_probability), feature_norms(W)
    lost = int(norms.argmin())
    return {
        "W": W,
        "p": p,
        "lost": lost,
        "bias": b[lost].item(),
        "length": norms[lost].item(),
        "squared": norms[lost].item() ** 2,
        "longest": norms.max().item(),
        "loss": theory.expected_loss(W, b, features).item(),
        "best": theory.optimum(features, 1)[2].item(),
        "alone": p * (1 / 3 - p / 4),
    }


FIVE, PAIRS = "pentagon", "two digons and one dropped"

register(
    Choice(
        "00.1",
        "S goes from 0.95 down to 0.60: features are on more often. What do the five arrows do?",
        [
            (
                "All five stay where they are",
                lambda reading: reading.shape == FIVE and reading.features[0].norm >= 1,
                "Where the arrows point is not fixed by how many features and dimensions there are. It depends on how often two are on together.",
            ),
            (
                "All five stay, and get shorter",
                lambda reading: reading.shape == FIVE,
                "Short arrows would give weak answers for all five. Four at full length, and one given up, cost less.",
            ),
            (
                "One is given up, four pair up as opposites",
                lambda reading: reading.shape == PAIRS,
                "This run ended otherwise; look at the lab.",
            ),
            (
                "Two are left, at a right angle",
                lambda reading: reading.shape == "two recovered and three dropped",
                "So far it comes only further left. At S = 0.60 two features are still seldom enough on together for a pair of opposites to pay.",
            ),
        ],
        lesson="An arrow of a pentagon disturbs four others, an arrow of a pair only one. The more often features meet, the more that counts.",
    ),
    Choice(
        "00.2",
        "Features that are always on, the first the most important: how many of the five keep a direction?",
        [
            (
                "All five",
                lambda kept: kept == 5,
                "Five fit only because each is mostly off. Always on, they are in each other's way all the time.",
            ),
            (
                "Four, as two opposite pairs",
                lambda kept: kept == 4,
                "Opposite pairs work while the two are rarely on together. Here they always are.",
            ),
            (
                "Two",
                lambda kept: kept == 2,
                "This run kept another number; look at the lengths of the columns.",
            ),
        ],
        lesson="Two dimensions, two features: the most important ones. Rarity is what makes room for more.",
    ),
)
