"""An off-screen figure that is drawn again and again, fast, and packed as PNG."""

import io
import textwrap
import threading
from collections.abc import Callable
from functools import cache
from itertools import takewhile
from pathlib import Path

import numpy as np
from matplotlib import get_data_path
from matplotlib.artist import Artist
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.spines import Spine
from PIL import Image, ImageDraw, ImageFont

from tms_edu.plots import FEATURE_COLORS, GRAM_CMAP

CSS_PIXELS, SCALE = 100, 1.5  # per inch on the page; picture pixels per page pixel
FONT_SIZE = 11  # of the sentence under a picture, in points
# All figures share fonts and a parser of formulas. Matplotlib guards them by this lock where it draws a whole figure,
# a cell's for instance, but not where it draws one artist. It has no public name.
_drawing = getattr(Figure, "_render_lock", threading.RLock())


class Easel:
    """Draw one figure again and again: what stays is drawn once, what moves on top of it each time.

    Args:
        size: width and height in inches of 100 page pixels.
    """

    def __init__(self, size: tuple[float, float]):
        self.figure = Figure(figsize=size, dpi=CSS_PIXELS * SCALE)
        self._canvas = FigureCanvasAgg(self.figure)
        self._moving: list[Artist] = []
        self._background = None

    def rebuild(self, fill: Callable[[Figure], None]):
        """Clear the figure and let `fill` fill it.

        Ticks, labels, titles and legends are what costs and stays; all else in the axes is taken to move.
        """
        self.figure.clear()
        fill(self.figure)
        drawn: list[Artist] = []
        for ax in self.figure.axes:
            drawn += takewhile(lambda child: not isinstance(child, Spine), ax.get_children())
        self._moving = sorted(drawn, key=Artist.get_zorder)
        for artist in self._moving:
            artist.set_animated(True)
        self._background = None

    def picture(self) -> Image.Image:
        """Draw what moves over what stays."""
        with _drawing:
            if self._background is None:
                self._canvas.draw()
                self._background = self._canvas.copy_from_bbox(self.figure.bbox)
            self._canvas.restore_region(self._background)
            for artist in self._moving:
                self.figure.draw_artist(artist)
            # A moving image covers half of its frame.
            for axes in {artist.axes for artist in self._moving if artist.axes and artist.axes.axison}:
                for spine in axes.spines.values():
                    axes.draw_artist(spine)
            pixels = self._canvas.buffer_rgba()
            return Image.frombuffer("RGBA", self._canvas.get_width_height(), pixels).convert("RGB")


def png(picture: Image.Image, level: int) -> bytes:
    """Pack a picture: level 1 is fast, 9 is small."""
    data = io.BytesIO()
    picture.quantize(palette=_palette(), dither=Image.Dither.NONE).save(data, "PNG", compress_level=level)
    return data.getvalue()


@cache
def _palette() -> Image.Image:
    # Our pictures share their colours: with a palette they are a third of the size, and packed in a third of the time.
    def shades(color: str, count: int) -> np.ndarray:
        strength = np.linspace(1, 0, count, endpoint=False)[:, None]
        return strength * to_rgb(color) + 1 - strength

    matrix = GRAM_CMAP(np.linspace(0, 1, 97))[:, :3]
    matrix = matrix[(1 - matrix).max(1) > 0.05]  # what is nearly white would do for white
    colors = np.concatenate(
        [np.ones((1, 3)), shades("black", 32), matrix, *(shades(c, 15)[:-1] for c in FEATURE_COLORS)]
    )
    palette = Image.new("P", (1, 1))
    palette.putpalette(np.rint(255 * colors).astype(np.uint8).tobytes())
    return palette


def captioned(picture: Image.Image, sentence: str) -> Image.Image:
    """Write the sentence under a picture; where no kernel runs, the picture is all there is."""
    (width, height), dpi = picture.size, CSS_PIXELS * SCALE
    font = ImageFont.truetype(Path(get_data_path(), "fonts", "ttf", "DejaVuSans.ttf"), FONT_SIZE * dpi / 72)
    # Digits are wide and an i is narrow: a fixed number of characters cuts some lines off.
    count = round(14 * width / dpi)
    while any(font.getlength(line) > 0.96 * width for line in textwrap.wrap(sentence, count)):
        count -= 2
    lines = textwrap.wrap(sentence, count)
    whole = Image.new("RGB", (width, height + round((0.215 * len(lines) + 0.1) * dpi)), "white")
    whole.paste(picture, (0, 0))
    for k, line in enumerate(lines):
        ImageDraw.Draw(whole).text((0.02 * width, height + 0.215 * k * dpi), line, "black", font)
    return whole
