"""Notebook 00: its exercises and predictions."""

import torch
from torch import Tensor

from tms_edu import SparseFeatures, ToyModel, feature_norms, gram, read_gram, theory, train
from tms_edu.checks.exercises import Nearly, exercise, number
from tms_edu.checks.outcomes import ANSWERS_ITS_MEAN_BELOW, weights
from tms_edu.checks.predictions import Choice, register
from tms_edu.geometry import Reading

REPRESENTED_ABOVE = 0.5
STOP = 0.05  # between stops of the slider, where the pentagon begins


@exercise
def check_first_pentagon(S) -> str:
    """Check the smallest sparsity of the lab's slider at which five features keep a direction in two dimensions."""
    S = number(S, name="S")
    if S > 1:
        raise Nearly(f"S is a fraction between 0 and 1, and {S:g} is not. Is it in percent?")
    if S < 0:
        raise Nearly("S is how often a feature is off. It cannot be negative.")
    kept = _kept(1 - S)
    if kept[0] < max(kept) == 5:
        raise Nearly(
            f"S = {S:g} is right with some seeds, and not with seed 0. The slider has stops near it: look on both sides."
        )
    if max(kept) == 5 and _kept(min(1.0, 1 - S + STOP), seeds=1)[0] < 5:
        return (
            f"At S = {S:g} all five are kept. Near here two opposite pairs and a pentagon are nearly as good as each other, and the "
            "start decides which one training finds. Notebook 03 asks where the better one changes."
        )
    if max(kept) < 5:
        if S <= 0.5 and max(_kept(S)) == 5:
            raise Nearly(
                f"The slider writes two numbers. {S:g} is 1 − S, how often a feature is on; I asked for S."
            )
        raise Nearly(
            f"At S = {S:g} the best run of three keeps {max(kept)} of the five. Move on towards rarer features."
        )
    raise Nearly(
        f"At S = {S:g} all five are kept, and already at a smaller S. Go back on the slider, step by step."
    )


def _kept(feature_probability: float, seeds: int = 3) -> list[int]:
    """Train models 5 → 2 from the first seeds, and count in each the features that keep a direction of their own."""
    counts = []
    for seed in range(seeds):
        model = ToyModel(5, 2, generator=torch.Generator().manual_seed(seed))
        train(model, SparseFeatures(5, feature_probability), seed=seed, progress=False)
        reading = read_gram(gram(model.W), model.b_final)
        counts.append(
            sum(len(group.members) for group in reading.groups if group.shape)
            + len(reading.indices("recovered"))
        )
    return counts


@exercise
def check_two_in_one(model, feature_probability: float = 0.05) -> str:
    """Check the reader's own trained 2 → 1 model: both features kept, as a digon."""
    W, b = weights(model, 1, 2)
    features = SparseFeatures(2, feature_probability)
    loss, best = theory.expected_loss(W, b, features).item(), theory.optimum(features, 1)[2].item()
    if (b == 0).all():
        raise Nearly("Every bias is exactly 0, as it is before the first step. Has this model been trained?")
    norms = feature_norms(W)
    if norms.min() < REPRESENTED_ABOVE:
        raise Nearly(_one_is_missing(W, b, norms))
    if W.prod() > 0:
        raise Nearly(
            f"W = {_row(W)}: both features point the same way, so their outputs cannot be told apart."
        )
    if loss > 1.03 * best + 1e-5:
        raise Nearly(
            f"W = {_row(W)} keeps both, but the loss, {loss:.4f}, is above the best known, {best:.4f}. Was it trained to the end, "
            f"and at 1 − S = {feature_probability:g}?"
        )
    return (
        f"W = {_row(W)}: one dimension, two features, one up and one down. Loss {loss:.4f}; keeping only one of them would cost "
        f"{feature_probability * (1 / 3 - feature_probability / 4):.4f}."
    )


def _one_is_missing(W: Tensor, b: Tensor, norms: Tensor) -> str:
    if (norms < REPRESENTED_ABOVE).all():
        return f"W = {_row(W)}: neither feature has a direction to speak of. How often are they on in your data, and how long did you train?"
    lost = int(norms.argmin())
    length = norms[lost].item()
    if b[lost] > 0.1 and length**2 >= ANSWERS_ITS_MEAN_BELOW:
        return (
            f"W = {_row(W)}, and feature {lost} is not kept. Its bias of {b[lost]:.2f} says that the features were on far more often "
            "than asked for. Which `feature_probability` did your data have?"
        )
    if b[lost] > 0.1:
        return (
            f"W = {_row(W)}: feature {lost} is dropped, and answered with {b[lost]:.2f}. So large a mean belongs to features that are "
            "on often. Which `feature_probability` did your data have?"
        )
    return (
        f"W = {_row(W)}: this run lost feature {lost}. {length:.2f}² = {length**2:.2f} is under the 0.25 from which this course calls a "
        "feature kept. It happens in about every second run. What can you change about the start?"
    )


def _row(W: Tensor) -> str:
    return "(" + ", ".join(f"{value:.2f}" for value in W[0].tolist()) + ")"


PAIRS, FIVE = "One is given up, four pair up as opposites", "All five stay where they are"
TWO = "Two are left, at a right angle"


def _read_more_often(reading: Reading) -> str | None:
    if reading.indices("recovered") and not reading.indices("superposed"):
        return TWO if len(reading.indices("recovered")) == 2 else None
    return {"two digons and one dropped": PAIRS, "pentagon": FIVE}.get(reading.shape)


def _read_always_on(kept: int) -> str | None:
    return {5: "All five", 4: "Four, as two opposite pairs", 2: "Two"}.get(int(kept))


register(
    Choice(
        key="00.1",
        question="S goes from 0.95 down to 0.60: features are on more often. What do the five arrows do?",
        options={
            FIVE: "Where the arrows point is not fixed by how many features and dimensions there are. It depends on how often two are on together.",
            "All five stay, and get shorter": "Short arrows would give weak answers for all five. Four at full length, and one given up, cost less.",
            PAIRS: "This run ended otherwise; look at the lab.",
            TWO: "So far it comes only further left. At S = 0.60 two features are still seldom enough on together for a pair of opposites to pay.",
        },
        observe=_read_more_often,
        lesson="An arrow of a pentagon disturbs four others, an arrow of a pair only one. The more often features meet, the more that counts.",
    ),
    Choice(
        key="00.2",
        question="Features that are always on, the first the most important: how many of the five keep a direction?",
        options={
            "All five": "Five fit only because each is mostly off. Always on, they are in each other's way all the time.",
            "Four, as two opposite pairs": "Opposite pairs work while the two are rarely on together. Here they always are.",
            "Two": "This run kept another number; look at the lengths of the columns.",
        },
        observe=_read_always_on,
        lesson="Two dimensions, two features: the most important ones. Rarity is what makes room for more.",
    ),
)
