"""How many unit vectors with |cos| ≤ ε fit into d dimensions: a search packs them while you watch."""

from collections.abc import Iterator

import torch

from tms_edu.linear.packing import MOST, STEPS, Packing, most_that_can_fit, packings
from tms_edu.plots import BLUE, GRAM_CMAP, ORANGE
from tms_edu.widgets.base import LivePicture
from tms_edu.widgets.controls import Setting, Slider

DIMENSIONS = (2, 3, 4, 5, 6, 7, 8, 12, 16, 24, 32, 48, 64)
LIMITS = (0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.6, 0.7)
BINS = 81  # odd, so that no ε falls between two bins
CEILING = 1500  # of the picture


class AlmostOrthogonal(LivePicture):
    """Pack unit vectors with |cos| ≤ ε into d dimensions, and see their cosines.

    >>> print(AlmostOrthogonal(d=3, epsilon=0.45).sentence)
    Exactly 6 unit vectors with |cos| ≤ 0.45 fit into 3 dimensions: this search packed them, and no more can. At right angles only 3 do.
    """

    d = Slider("dimensions d", DIMENSIONS, 16)
    epsilon = Slider("largest |cos| ε", LIMITS, 0.3, "{:.2f}".format, "ε, the largest |cos| allowed")
    seed = Slider("seed", range(10), 0, about="of the search")
    steps = Setting("steps", range(1, 100_001), STEPS, about="of the search")

    title = "Almost orthogonal"
    size = (7.4, 4.9)
    live, live_name = True, "Search"
    places = {
        "gram": (0.015, 0.22, 0.44, 0.70),
        "cosines": (0.50, 0.66, 0.48, 0.27),
        "count": (0.575, 0.125, 0.39, 0.32),
    }
    presets = {
        "Three dimensions": {"d": 3, "epsilon": 0.45},
        "16 dimensions": {"d": 16, "epsilon": 0.3},
        "64 dimensions": {"d": 64, "epsilon": 0.3},
    }

    def draw(self, axes, v):
        ax = axes.gram
        look = {"cmap": GRAM_CMAP, "vmin": -1, "vmax": 1, "interpolation": "nearest"}
        self._gram = ax.imshow([[0.0]], extent=(0, 1, 1, 0), **look)
        ax.set(title="cosine of each pair of vectors", xticks=[], yticks=[])
        self._size = ax.text(0.5, 1.065, "", ha="center", va="top")

        ax = axes.cosines
        (self._pairs,) = ax.plot(
            [], [], drawstyle="steps-mid", color=BLUE, linewidth=2, label="these vectors"
        )
        (self._by_chance,) = ax.plot([], [], color="0.5", linestyle=":", linewidth=2, label="random ones")
        self._limits = [
            ax.axvline(0, color=ORANGE, linestyle="--", linewidth=1.5, label=label) for label in ("±ε", None)
        ]
        ax.set(xlim=(-1, 1), ylim=(0, 1.1), xticks=(-1, -0.5, 0, 0.5, 1), yticks=[])
        ax.set_title("how many pairs have which cosine")
        ax.spines["left"].set_visible(False)
        under = {"loc": "upper center", "bbox_to_anchor": (0.47, -0.14)}
        ax.legend(ncol=3, frameon=False, handlelength=1.5, **under)

        ax = axes.count
        self._count = ax.step([], [], where="post", color=BLUE, linewidth=2, marker="o", markevery=[-1])[0]
        self._count.set_clip_on(False)
        self._lines = [ax.axhline(1, color=c, linestyle=style) for c, style in (("0.5", ":"), (ORANGE, "--"))]
        self._words = [ax.text(v.steps, 1, "", ha="right", va=va) for va in ("top", "bottom")]
        ax.set(xlim=(0, v.steps), ylim=(0.8, CEILING), yscale="log", xlabel="step of the search")
        ax.set_title("vectors packed", loc="left")
        ax.set_yticks([2, 10, 100, 1000], ["2", "10", "100", "1000"])
        ax.minorticks_off()

    def frames(self, v) -> Iterator[Packing]:
        yield from packings(v.d, v.epsilon, v.seed, v.steps)

    def say(self, frame: Packing, v) -> str:
        cosines = frame.trial @ frame.trial.T
        self._gram.set_data(cosines.numpy())
        tried = "" if self.done else ", being tried"
        self._size.set_text(f"{len(cosines)} vectors in {v.d} dimensions{tried}")
        pairs = cosines[tuple(torch.triu_indices(*cosines.shape, offset=1))]
        counts = torch.histc(pairs.clamp(-1, 1), BINS, -1, 1)
        middles = (torch.arange(BINS) + 0.5) * 2 / BINS - 1
        self._pairs.set_data(middles, counts / counts.max())
        chance = (1 - middles.square()) ** ((v.d - 3) / 2)
        self._by_chance.set_data(middles, chance / chance.max())
        for line, x in zip(self._limits, (-v.epsilon, v.epsilon), strict=True):
            line.set_xdata([x, x])
        most = most_that_can_fit(v.d, v.epsilon)
        self._show_count(frame, v.d, most)
        if not self.done:
            return f"The search packs unit vectors with |cos| ≤ {v.epsilon:.2f} into {v.d} dimensions."
        return _sentence(len(frame.vectors), most, v)

    def _show_count(self, frame: Packing, d: int, most: int | None):
        self._count.set_data(*zip(*frame.history, (frame.step, len(frame.vectors)), strict=True))
        drawn = most is not None and most < CEILING
        limit = f"{most} at most" if drawn else f"no upper bound below {CEILING:,} known here"
        heights, words = (d, most if drawn else 700), (f"{d} fit at right angles", limit)
        clear = (0.85, 1.1)  # of its line, below or above
        for line, text, height, word, off in zip(
            self._lines, self._words, heights, words, clear, strict=True
        ):
            line.set_ydata([height, height])
            text.set(y=height * off, text=word)
        self._lines[1].set_visible(drawn)

    def code(self, v) -> str:
        steps = "" if v.steps == STEPS else f", steps={v.steps}"
        return f"""from tms_edu.linear.packing import most_that_can_fit, packings
*_, last = packings({v.d}, {v.epsilon}, seed={v.seed}{steps})
cosines = (last.vectors @ last.vectors.T).fill_diagonal_(0)
print(len(last.vectors), cosines.abs().max(), most_that_can_fit({v.d}, {v.epsilon}))"""


def _sentence(count: int, most: int | None, v) -> str:
    if count == most:
        limit = ", and no more can."
    elif count == MOST:
        limit = " and stopped there, not because it was full."
    else:
        limit = f"; no more than {most:,} can." if most else "; how many more could, no simple bound tells."
    return (
        f"{'Exactly' if count == most else 'At least'} {count} unit vectors with |cos| ≤ {v.epsilon:.2f} fit into {v.d} "
        f"dimensions: this search packed them{limit} At right angles {'as many' if count == v.d else f'only {v.d}'} do."
    )
