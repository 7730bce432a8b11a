"""Superposition in toy models, to be trained and looked at while you read."""

from tms_edu.data import SparseFeatures
from tms_edu.geometry import (
    dimensions_per_feature,
    feature_dimensionality,
    feature_norms,
    gram,
    interference,
    read_gram,
)
from tms_edu.model import ToyModel
from tms_edu.training import reconstruction_loss, train

__all__ = [
    "SparseFeatures",
    "ToyModel",
    "dimensions_per_feature",
    "feature_dimensionality",
    "feature_norms",
    "gram",
    "interference",
    "read_gram",
    "reconstruction_loss",
    "train",
]
