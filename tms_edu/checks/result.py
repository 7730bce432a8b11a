"""What a check or a prediction says to the reader: a word, a sentence, never an exception."""

import html
import re
from dataclasses import dataclass

NOT_TRIED, NEARLY, RIGHT, COUNTED = "not tried yet", "nearly", "right", "counted"
GOOD, TO_DO, PREDICTION = "good", "to do", "prediction"

# Glyph, word and colour: the colour (Okabe–Ito) only repeats what the other two say.
_LOOK = {
    NOT_TRIED: ("○", "#6b6b6b"),
    NEARLY: ("◐", "#d55e00"),
    RIGHT: ("●", "#0072b2"),
    COUNTED: ("●", "#0072b2"),
    GOOD: ("●", "#0072b2"),
    TO_DO: ("✗", "#c00000"),
    PREDICTION: ("◇", "#6b6b6b"),
}


@dataclass(frozen=True)
class Result:
    """Hold one answer of a check.

    Attributes:
        status: "not tried yet", "nearly" or "right"; "counted" for experiments, which have no right answer;
            "good" or "to do" for the installation; "prediction" for what predictions say.
        message: plain sentences; code in backticks.

    >>> Result("nearly", "Look at `W.T`.")
    ◐ Nearly. Look at `W.T`.
    """

    status: str
    message: str

    def __repr__(self) -> str:
        glyph, word = _LOOK[self.status][0], self.status.capitalize()
        return f"{glyph} {self.message}" if self.status == PREDICTION else f"{glyph} {word}. {self.message}"

    def _repr_html_(self) -> str:
        glyph, colour = _LOOK[self.status]
        word = "" if self.status == PREDICTION else f"<strong>{self.status.capitalize()}.</strong> "
        return (
            f'<div role="status" style="border-left: 4px solid {colour}; padding: 0.3em 0.8em; max-width: 46em">'
            f'<span aria-hidden="true">{glyph}</span> {word}{to_html(self.message)}</div>'
        )


def to_html(text: str) -> str:
    """Escape plain text, keep its line breaks and set its backticked parts as code.

    >>> to_html("a < b in `W`")
    'a &lt; b in <code>W</code>'
    """
    escaped = re.sub(r"`([^`\n]+)`", r"<code>\1</code>", html.escape(text, quote=False))
    return escaped.replace("\n", "<br>")
