"""A finished picture carries the sentence that it shows, below it and as its alternative text."""

import base64
import html
import io

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from tms_edu._validate import require


class Captioned:
    """A finished picture and the one sentence that it shows; see `caption`.

    As the last value of a cell, or in `display(…)`, it shows the picture, with the sentence as its alternative text, and
    the sentence below.
    """

    def __init__(self, png: bytes, sentence: str):
        self.png, self.sentence = png, sentence

    def __repr__(self) -> str:
        return self.sentence

    def _ipython_display_(self) -> None:
        from IPython.display import display

        picture = {"image/png": base64.b64encode(self.png).decode(), "text/plain": self.sentence}
        display(picture, metadata={"image/png": {"alt": self.sentence}}, raw=True)
        # Text of its own, because JupyterLab and nbconvert show no alternative text.
        display({"text/html": f"<p>{html.escape(self.sentence)}</p>", "text/plain": self.sentence}, raw=True)


def caption(picture: Axes | Figure | np.ndarray, sentence: str) -> Captioned:
    """Finish a figure with the sentence it shows, which is also its alternative text.

    Args:
        picture: a Figure, its Axes, or an array of them.
        sentence: what the reader should see, with its number.

    Raises:
        ValueError: if the sentence is empty.
    """
    require(sentence.strip(), "A picture needs a sentence that says what it shows.")
    figure = (picture if isinstance(picture, (Axes, Figure)) else np.ravel(picture)[0]).figure
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=100, bbox_inches="tight", pad_inches=0.1)
    plt.close(figure)
    return Captioned(buffer.getvalue(), sentence)
