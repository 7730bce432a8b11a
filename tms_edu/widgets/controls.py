"""What a reader can set: a value out of a list, with a label and words for each value."""

import reprlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from inspect import Parameter, Signature
from numbers import Integral, Real
from typing import Any


@dataclass
class Slider:
    """Offer values in order.

    Attributes:
        label: what it sets, in words and symbol: "sparsity S".
        options: the values, first to last.
        value: the one it starts with. A number between two options becomes one too.
        text: what to write beside the slider for a value.
        about: what the argument of this name means, for the docstring; the label if empty.
    """

    label: str
    options: Sequence[Any]
    value: Any
    text: Callable[[Any], str] = str
    about: str = ""
    kind = "slider"

    def __post_init__(self):
        if self._lies_between(self.value):
            value = int(self.value) if isinstance(self.value, Integral) else float(self.value)
            self.options = sorted([*self.options, value], reverse=self.options[0] > self.options[-1])
        self.value = self.own(self.value)

    def _lies_between(self, value: Any) -> bool:
        kinds = [
            Integral if isinstance(option, Integral) else Real
            for option in self.options
            if option is not None
        ]
        a_number = isinstance(value, Real if Real in kinds else Integral) and not isinstance(value, bool)
        if self.kind != "slider" or None in self.options or not a_number or value in self.options:
            return False
        return bool(min(self.options) < value < max(self.options))

    def offer(self) -> str:
        """Say in words which values there are."""
        if self.kind in ("slider", "setting"):
            first = self.options[self.options[0] is None]
            return f"a value from {first!r} to {self.options[-1]!r}{' or None' * (None in self.options)}"
        return f"one of {list(self.options)!r}"

    def own(self, value: Any) -> Any:
        """Return the option that equals `value`, else raise ValueError (JSON turns 1.0 into 1)."""
        plain = value is None or isinstance(
            value, (str, Real)
        )  # an array is equal to nothing, and says so loudly
        on_or_off = isinstance(value, bool) == isinstance(self.options[0], bool)
        if not plain or not on_or_off or value not in self.options:
            raise ValueError(f"{self.label}: got {quoted(value)}, expected {self.offer()}.")
        return self.options[self.options.index(value)]

    def spec(self, name: str) -> dict:
        """Describe the control to the browser."""
        options = list(self.options)
        texts = [self.text(option) for option in options]
        return {"name": name, "kind": self.kind, "label": self.label, "options": options, "texts": texts}


@dataclass
class Dropdown(Slider):
    """Offer values without an order, in a drop-down list."""

    kind = "choice"


@dataclass
class Switch(Slider):
    """Offer on and off."""

    options: Sequence[bool] = (False, True)
    value: bool = False
    kind = "switch"


@dataclass
class Setting(Slider):
    """Take a value from code only: it is set once and has no place on the page."""

    kind = "setting"


def signature(controls: dict[str, Slider]) -> Signature:
    """Make a parameter of every control, with its value as the default."""
    kind = Parameter.POSITIONAL_OR_KEYWORD
    return Signature([Parameter(name, kind, default=control.value) for name, control in controls.items()])


def documented(text: str, controls: dict[str, Slider]) -> str:
    """Write the arguments into a docstring: before its attributes or examples, else at its end."""
    args = [f"        {name}: {c.about or c.label}, {c.offer()}." for name, c in controls.items()]
    args = [
        "",
        "    Args:",
        *args,
        "",
        "    Raises:",
        "        ValueError: for a value that is not offered.",
        "",
    ]
    lines = text.rstrip().splitlines()
    tails = [k for k, line in enumerate(lines) if line.strip() == "Attributes:" or ">>>" in line]
    end = min(tails, default=len(lines))
    return "\n".join(["\n".join(lines[:end]).rstrip(), *args, *lines[end:], ""])


def quoted(value: Any) -> str:
    """Quote what somebody gave, cut where it is long.

    >>> quoted("no"), len(quoted("no" * 50_000)) < 50
    ("'no'", True)
    """
    try:
        return reprlib.repr(value)
    except Exception:  # whole numbers of thousands of digits, and whatever cannot show itself
        return f"a {type(value).__name__}"


def sparsity_in_words(feature_probability: float) -> str:
    """Write S, with 1 - S beside it.

    >>> sparsity_in_words(0.1)
    '0.90 (1 − S = 0.10)'
    """
    return f"{1 - feature_probability:.2f} (1 − S = {feature_probability:.2f})"
