"""Real handwritten digits, and a small network that names them."""

from tms_edu.digits.firing import class_means, digits_per_neuron, fires_for, shared_ink
from tms_edu.digits.images import load_digits
from tms_edu.digits.network import DigitsNetwork, accuracy, network_of_the_text, train_digits

__all__ = [
    "DigitsNetwork",
    "accuracy",
    "class_means",
    "digits_per_neuron",
    "fires_for",
    "load_digits",
    "network_of_the_text",
    "shared_ink",
    "train_digits",
]
