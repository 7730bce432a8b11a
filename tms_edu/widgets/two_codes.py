"""Cat and dog in one direction by two codes, and in two directions: who can read them back, and under what noise."""

from collections.abc import Iterator
from typing import NamedTuple

import torch
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from torch import Generator, Tensor

from tms_edu.linear.codes import DIRECTIONS, FRESH, INTEGER_PART, SIZE, STEPS, Encoding, accuracy, decoders
from tms_edu.plots import FEATURE_COLORS, FEATURE_MARKERS
from tms_edu.widgets.base import LivePicture
from tms_edu.widgets.controls import Dropdown, Setting, Slider

PROBE, IDEAL = "linear probe", "ideal decoder"
HIDDEN_UNITS = {PROBE: 0, "ReLU network, 4": 4, "ReLU network, 32": 32}
NOISES = (0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 1.0, 1.5, 2.0)
ANIMALS = ("cat", "dog", "hen", "cow", "pig", "owl", "fox", "bee")
TOGETHER = {2: "cat and dog", 4: "four animals", 8: "eight animals"}
SHARED = "share one direction"
HOW_STORED = {  # the others of a kind: with more than two animals
    (INTEGER_PART, 2): f"{SHARED}: odd is cat, even is dog",
    (SIZE, 2): f"{SHARED}: small is cat, large is dog",
    (DIRECTIONS, 2): "have two directions",
    INTEGER_PART: "take turns with the integer part",
    SIZE: f"{SHARED} by size",
    DIRECTIONS: "have {n} directions in the plane",
}
REACH = 13.0
SHOWN = 2_000  # rows that give the share named right while a decoder is in training
TINTS = 1 - 0.3 * (1 - torch.tensor([to_rgb(color) for color in FEATURE_COLORS]))


class Decoded(NamedTuple):
    """Hold what the decoder answers at each point of the view, how often it and the ideal are right, and the step."""

    answers: Tensor
    accuracy: float
    ideal: float
    step: int | None = None


class TwoCodes(LivePicture):
    """Store cat and dog by two codes in one direction, or in two directions, and train a decoder while you watch.

    By "integer part" odd is a cat and even a dog. A decoder is called by its hidden units; the ideal one knows the code
    and the noise.

    >>> TwoCodes("two directions", decoder="ideal decoder", noise=0.1).sentence.startswith(
    ...     "Cat and dog have two directions. Under noise σ = 0.10 the ideal decoder names 100.0 % right")
    True
    """

    encoding = Dropdown("code", (INTEGER_PART, SIZE, DIRECTIONS), INTEGER_PART)
    n_animals = Dropdown("animals n", (2, 4, 8), 2, about="how many features share the code")
    noise = Slider("noise σ", NOISES, 0.1, "{:.2f}".format, "σ of what is added to each activation")
    decoder = Dropdown("decoder", (*HIDDEN_UNITS, IDEAL), PROBE, about="who reads the activations")
    seed = Slider("seed", range(10), 0, about="of the decoder before training, and of its data")
    steps = Setting("steps", range(1, 100_001), STEPS, about="updates in a whole training")

    title = "Two codes"
    size = (7.4, 4.6)
    live = True
    places = {"view": (0.085, 0.12, 0.63, 0.80), "shares": (0.80, 0.12, 0.195, 0.70)}
    rebuild_on = ("encoding", "n_animals")
    presets = {
        "Odd or even": {"encoding": INTEGER_PART, "n_animals": 2, "decoder": PROBE},
        "The same, network": {"encoding": INTEGER_PART, "n_animals": 2, "decoder": "ReLU network, 32"},
        "Small or large": {"encoding": SIZE, "n_animals": 2, "decoder": PROBE},
        "Two directions": {"encoding": DIRECTIONS, "n_animals": 2, "decoder": PROBE},
    }

    def draw(self, axes, v):
        self._view = (_PlaneView if v.encoding == DIRECTIONS else _LineView)(axes.view, v.n_animals)
        ax, colors = axes.shares, ("0.7", FEATURE_COLORS[1], FEATURE_COLORS[0])
        names = ("chance", "this\none", "ideal")
        self._bars = ax.bar(names, (0, 0, 0), width=0.7, color=colors, hatch=("", "//", ""))
        self._percents = [ax.text(k, 0, "", ha="center", va="bottom") for k in range(3)]
        ax.set(ylim=(0, 1.08), title="named right")
        ax.set_yticks([0, 0.5, 1], ["0 %", "50 %", "100 %"])
        ax.tick_params(axis="x", length=0)
        self._progress = ax.text(0.51, 1.185, "", ha="center", transform=ax.transAxes)

    def frames(self, v) -> Iterator[Decoded]:
        stored = Encoding(v.encoding, v.n_animals, v.noise)
        grid = _PlaneView.grid if v.encoding == DIRECTIONS else _LineView.grid
        ideal = stored.ideal_accuracy()
        if v.decoder == IDEAL:
            yield Decoded(stored.ideal(grid).argmax(-1), ideal, ideal)
            return
        for step, trained in decoders(stored, HIDDEN_UNITS[v.decoder], v.seed, v.steps):
            with torch.no_grad():
                answers = trained(grid).argmax(-1)
            share = accuracy(trained, stored, FRESH if step == v.steps else SHOWN)
            yield Decoded(answers, share, ideal, step)

    def say(self, frame: Decoded, v) -> str:
        stored = Encoding(v.encoding, v.n_animals, v.noise)
        self._view.show(frame.answers, *stored.draw(FRESH, Generator().manual_seed(20_000)))
        heights = (1 / v.n_animals, frame.accuracy, frame.ideal)
        for bar, text, height in zip(self._bars, self._percents, heights, strict=True):
            bar.set_height(height)
            text.set(y=height, text=f"{100 * height:.0f} %")
        self._percents[1].set_visible(self.done)
        self._progress.set_text("" if frame.step is None else f"step {frame.step} of {v.steps}")
        if frame.step == 0:
            return f"Not trained yet: the {v.decoder} answers at random."
        if not self.done:
            return f"In training: the {v.decoder} learns to tell {TOGETHER[v.n_animals]} apart."
        return _sentence(stored, v.decoder, frame)

    def code(self, v) -> str:
        start = f"""from tms_edu.linear.codes import Encoding, accuracy, decoders
encoding = Encoding("{v.encoding}", {v.n_animals}, noise={v.noise})
"""
        if v.decoder == IDEAL:
            return f"{start}print(encoding.ideal_accuracy())"
        steps = "" if v.steps == STEPS else f", steps={v.steps}"
        return f"""{start}*_, (step, decoder) = decoders(encoding, hidden_units={HIDDEN_UNITS[v.decoder]}, seed={v.seed}{steps})
print(accuracy(decoder, encoding), encoding.ideal_accuracy())"""


class _LineView:
    # One row per animal: how its activations spread, tinted where the decoder answers this animal.

    grid = torch.linspace(-3, REACH, 512)[:, None]

    def __init__(self, ax: Axes, n: int):
        sides = (-3, REACH, n - 0.5, -0.5)
        self._image = ax.imshow(TINTS[:n, None].numpy(), extent=sides, aspect="auto", interpolation="nearest")
        look = {"drawstyle": "steps-mid", "color": "black", "linewidth": 1.2}
        self._lines = [ax.plot([], [], **look)[0] for _ in range(n)]
        ax.set(xlim=sides[:2], ylim=sides[2:], yticks=range(n), yticklabels=ANIMALS[:n])
        ax.set(xticks=range(-2, 13), xlabel="activation of the one neuron")
        ax.tick_params(axis="y", length=0)
        ax.set_title("tinted: here the decoder answers this animal", fontsize=11)

    def show(self, answers: Tensor, h: Tensor, animal: Tensor):
        rows = torch.arange(len(self._lines))[:, None]
        self._image.set_data(torch.where((answers == rows)[..., None], TINTS[rows], 1.0).numpy())
        counts = torch.stack([torch.histc(h[animal == k, 0], 128, -3, REACH) for k in range(len(rows))])
        middles = torch.linspace(-3, REACH, 129)[:-1] + 8 / 128
        for line, heights in zip(self._lines, rows + 0.47 - 0.75 * counts / counts.max(), strict=True):
            line.set_data(middles, heights)


class _PlaneView:
    # The plane of two neurons: activations by colour and marker, over what the decoder answers there.

    side = torch.linspace(-REACH, REACH, 120)
    grid = torch.stack(torch.meshgrid(side, side, indexing="xy"), dim=-1)

    def __init__(self, ax: Axes, n: int):
        sides, ticks = (-REACH, REACH), range(-10, 11, 5)
        self._image = ax.imshow([[(1, 1, 1)]], extent=sides * 2, origin="lower", interpolation="nearest")
        looks = list(zip(FEATURE_MARKERS, FEATURE_COLORS, strict=True))[:n]
        self._points = [ax.plot([], [], marker, markersize=4, color=color)[0] for marker, color in looks]
        for name, (x, y) in zip(ANIMALS, 11.4 * Encoding(DIRECTIONS, n, 0.0).directions.T, strict=False):
            ax.text(x, y, name, ha="center", va="center", fontsize=12)
        ax.set(xlim=sides, ylim=sides, xticks=ticks, yticks=ticks, aspect="equal")
        ax.set(xlabel="neuron 1", ylabel="neuron 2")
        ax.set_title("tinted: what the decoder answers", fontsize=11)

    def show(self, answers: Tensor, h: Tensor, animal: Tensor):
        self._image.set_data(TINTS[answers].numpy())
        for k, points in enumerate(self._points):
            points.set_data(*h[animal == k][:60].T.numpy())


def _sentence(stored: Encoding, decoder: str, frame: Decoded) -> str:
    n, units = stored.n_animals, HIDDEN_UNITS.get(decoder)
    how = HOW_STORED.get((stored.kind, n), HOW_STORED[stored.kind]).format(n=n)
    who = f"ReLU network of {units} units" if units else decoder
    others = {"guessing names": 1 / n}
    if decoder == PROBE and stored.kind != DIRECTIONS and n == 2:
        others["the best threshold"] = stored.best_cut_accuracy()
    if decoder != IDEAL:
        others["the ideal decoder"] = frame.ideal
    beside = ", ".join(f"{name} {100 * share:.1f} %" for name, share in others.items())
    return (
        f"{TOGETHER[n].capitalize()} {how}. Under noise σ = {stored.noise:.2f} the {who} names "
        f"{100 * frame.accuracy:.1f} % right; {beside}."
    )
