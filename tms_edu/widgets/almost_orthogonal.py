"""How many unit vectors with |cos| ≤ ε fit into d dimensions: a search packs them while you watch."""

from collections.abc import Iterator

import torch
from matplotlib.figure import Figure

from tms_edu.linear.packing import MOST, STEPS, Packing, most_that_can_fit, packings
from tms_edu.plots import BLUE, GRAM_CMAP, ORANGE
from tms_edu.widgets.base import LivePicture
from tms_edu.widgets.controls import Slider

DIMENSIONS = (2, 3, 4, 5, 6, 7, 8, 12, 16, 24, 32, 48, 64)
LIMITS = (0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.6, 0.7)
BINS = 81  # odd, so that no ε falls between two bins


class AlmostOrthogonal(LivePicture):
    """Pack unit vectors with |cos| ≤ ε into d dimensions, and see their cosines.

    Args:
        d: dimensions, 2 to 64.
        epsilon: ε, the largest |cos| allowed, 0.05 to 0.7.
        seed: of the search, 0 to 9.
        steps: of the search.

    Raises:
        ValueError: for a value out of these ranges.

    >>> print(AlmostOrthogonal(d=3, epsilon=0.45).sentence)
    Exactly 6 unit vectors with |cos| ≤ 0.45 fit into 3 dimensions: this search packed them, and no more can. At right angles only 3 do.
    """

    title = "Almost orthogonal"
    size = (7.4, 4.9)
    live, live_name = True, "Search"
    presets = {
        "Three dimensions": {"d": 3, "epsilon": 0.45},
        "16 dimensions": {"d": 16, "epsilon": 0.3},
        "64 dimensions": {"d": 64, "epsilon": 0.3},
    }

    def __init__(self, d: int = 16, epsilon: float = 0.3, seed: int = 0, steps: int = STEPS):
        self.steps = steps
        super().__init__(
            d=Slider("dimensions d", DIMENSIONS, d),
            epsilon=Slider("largest |cos| ε", LIMITS, epsilon, "{:.2f}".format),
            seed=Slider("seed", range(10), seed),
        )

    def build(self, figure: Figure, **_):
        ax = figure.add_axes((0.015, 0.22, 0.44, 0.70))
        ax.set(title="cosine of each pair of vectors", xticks=[], yticks=[])
        self._gram = ax.imshow(
            torch.zeros(1, 1).numpy(),
            cmap=GRAM_CMAP,
            vmin=-1,
            vmax=1,
            extent=(0, 1, 1, 0),
            interpolation="nearest",
        )
        self._size = figure.text(0.235, 0.175, "", ha="center", va="top")
        return [self._gram, self._size, *self._build_histogram(figure), *self._build_count(figure)]

    def _build_histogram(self, figure: Figure):
        ax = figure.add_axes((0.50, 0.66, 0.48, 0.27))
        ax.set(xlim=(-1, 1), ylim=(0, 1.1), yticks=[], title="how many pairs have which cosine")
        ax.set_xticks([-1, -0.5, 0, 0.5, 1])
        ax.spines[["top", "right", "left"]].set_visible(False)
        (self._pairs,) = ax.plot([], [], drawstyle="steps-mid", color=BLUE, linewidth=2)
        (self._by_chance,) = ax.plot([], [], color="0.5", linestyle=":", linewidth=2)
        self._limits = [ax.axvline(0, color=ORANGE, linestyle="--", linewidth=1.5) for _ in range(2)]
        labels = ("these vectors", "random ones", "±ε")
        handles = (self._pairs, self._by_chance, self._limits[0])
        ax.legend(
            handles,
            labels,
            loc="upper center",
            bbox_to_anchor=(0.47, -0.14),
            ncol=3,
            frameon=False,
            handlelength=1.5,
        )
        return [self._pairs, self._by_chance, *self._limits]

    def _build_count(self, figure: Figure):
        ax = figure.add_axes((0.575, 0.125, 0.39, 0.32))
        ax.set(xlim=(0, self.steps), ylim=(0.8, 1500), yscale="log", xlabel="step of the search")
        ax.set_title("vectors packed", loc="left")
        ax.set_yticks([2, 10, 100, 1000], ["2", "10", "100", "1000"])
        ax.minorticks_off()
        ax.spines[["top", "right"]].set_visible(False)
        (self._count,) = ax.plot(
            [], [], drawstyle="steps-post", color=BLUE, linewidth=2, marker="o", markevery=[-1], clip_on=False
        )
        self._lines = [
            ax.axhline(1, color=color, linestyle=style) for color, style in (("0.5", ":"), (ORANGE, "--"))
        ]
        self._words = [ax.text(self.steps, 1, "", ha="right", va=va) for va in ("top", "bottom")]
        return [self._count, *self._lines, *self._words]

    def frames(self, d, epsilon, seed) -> Iterator[Packing]:
        yield from packings(d, epsilon, seed, self.steps)

    def show(self, frame: Packing, d, epsilon, **_) -> str:
        cosines = frame.trial @ frame.trial.T
        self._gram.set_data(cosines.numpy())
        self._size.set_text(
            f"{len(cosines)} vectors in {d} dimensions" + ("" if self.done else ", being tried")
        )
        pairs = cosines[tuple(torch.triu_indices(*cosines.shape, offset=1))]
        counts = torch.histc(pairs.clamp(-1, 1), BINS, -1, 1)
        middles = (torch.arange(BINS) + 0.5) * 2 / BINS - 1
        self._pairs.set_data(middles, counts / counts.max())
        chance = (1 - middles.square()) ** ((d - 3) / 2)
        self._by_chance.set_data(middles, chance / chance.max())
        for line, x in zip(self._limits, (-epsilon, epsilon), strict=True):
            line.set_xdata([x, x])
        self._show_count(frame, d, most_that_can_fit(d, epsilon))
        return self._sentence(frame, d, epsilon)

    def _show_count(self, frame: Packing, d: int, most: int | None):
        self._count.set_data(*zip(*frame.history, (frame.step, len(frame.vectors)), strict=True))
        drawn = most is not None and most < 1500
        words = (
            f"{d} fit at right angles",
            f"{most} at most" if drawn else "no upper bound below 1,500 known here",
        )
        for line, text, height, word in zip(
            self._lines, self._words, (d, most if drawn else 700), words, strict=True
        ):
            line.set_ydata([height, height])
            text.set_y(height * (0.85 if text is self._words[0] else 1.1))  # clear of its line
            text.set_text(word)
        self._lines[1].set_visible(drawn)

    def _sentence(self, frame: Packing, d: int, epsilon: float) -> str:
        if not self.done:
            return f"The search packs unit vectors with |cos| ≤ {epsilon:.2f} into {d} dimensions."
        count, most = len(frame.vectors), most_that_can_fit(d, epsilon)
        found = f"{'Exactly' if count == most else 'At least'} {count} unit vectors with |cos| ≤ {epsilon:.2f} fit into {d} dimensions: this search packed them"
        if count == most:
            limit = ", and no more can."
        elif count == MOST:
            limit = " and stopped there, not because it was full."
        else:
            limit = (
                f"; no more than {most:,} can." if most else "; how many more could, no simple bound tells."
            )
        return f"{found}{limit} At right angles {'as many' if count == d else f'only {d}'} do."

    def code(self, d, epsilon, seed) -> str:
        steps = "" if self.steps == STEPS else f", steps={self.steps}"
        return f"""from tms_edu.linear.packing import most_that_can_fit, packings
*_, last = packings({d}, {epsilon}, seed={seed}{steps})
cosines = (last.vectors @ last.vectors.T).fill_diagonal_(0)
print(len(last.vectors), cosines.abs().max(), most_that_can_fit({d}, {epsilon}))"""
