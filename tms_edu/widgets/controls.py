"""What a reader can set: a value out of a list, with a label and words for each value."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass
class Slider:
    """Offer values in order.

    Attributes:
        label: what it sets, in words and symbol: "sparsity S".
        options: the values, first to last.
        value: the one it starts with. A number between two options becomes one too.
        text: what to write beside the slider for a value.
    """

    label: str
    options: Sequence[Any]
    value: Any
    text: Callable[[Any], str] = str
    kind = "slider"

    def __post_init__(self):
        self.options = list(self.options)
        if self.value in self.options:
            return
        kinds = int if all(isinstance(option, int) for option in self.options) else (int, float)
        between = isinstance(self.value, kinds) and min(self.options) <= self.value <= max(self.options)
        if self.kind != "slider" or not between:
            raise ValueError(f"{self.label}: got {self.value!r}, expected {self.offer()}.")
        self.options = sorted([*self.options, self.value], reverse=self.options[0] > self.options[-1])

    def offer(self) -> str:
        """Say in words which values there are."""
        if self.kind == "slider":
            return f"a value from {self.options[0]!r} to {self.options[-1]!r}"
        return f"one of {self.options!r}"

    def own(self, value: Any) -> Any:
        """Return the option that equals `value`, else raise ValueError (JSON turns 1.0 into 1)."""
        if value not in self.options:
            raise ValueError(f"{self.label}: got {value!r}, expected {self.offer()}.")
        return self.options[self.options.index(value)]

    def spec(self, name: str) -> dict:
        """Describe the control to the browser."""
        texts = [self.text(option) for option in self.options]
        return {"name": name, "kind": self.kind, "label": self.label, "options": self.options, "texts": texts}


@dataclass
class Choice(Slider):
    """Offer values without an order, in a drop-down list."""

    kind = "choice"


@dataclass
class Switch(Slider):
    """Offer on and off."""

    options: Sequence[bool] = (False, True)
    value: bool = False
    kind = "switch"


def sparsity_in_words(feature_probability: float) -> str:
    """Write S, with 1 - S beside it.

    >>> sparsity_in_words(0.1)
    '0.90 (1 − S = 0.10)'
    """
    return f"{1 - feature_probability:.2f} (1 − S = {feature_probability:.2f})"
