"""Pictures that answer: controls, a picture and a sentence, computed while you watch."""

from tms_edu.widgets.almost_orthogonal import AlmostOrthogonal
from tms_edu.widgets.beat_the_optimiser import BeatTheOptimiser
from tms_edu.widgets.cat_circuit import CatCircuit
from tms_edu.widgets.gram_gym import GramGym
from tms_edu.widgets.neuron_prober import NeuronProber
from tms_edu.widgets.one_input import OneInput
from tms_edu.widgets.random_to_orthonormal import RandomToOrthonormal
from tms_edu.widgets.rotate_the_basis import RotateTheBasis
from tms_edu.widgets.superposition_lab import SuperpositionLab
from tms_edu.widgets.training_film import TrainingFilm
from tms_edu.widgets.two_codes import TwoCodes

__all__ = [
    "AlmostOrthogonal",
    "BeatTheOptimiser",
    "CatCircuit",
    "GramGym",
    "NeuronProber",
    "OneInput",
    "RandomToOrthonormal",
    "RotateTheBasis",
    "SuperpositionLab",
    "TrainingFilm",
    "TwoCodes",
]
