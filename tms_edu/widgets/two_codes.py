"""Cat and dog in one direction by two codes, and in two directions: who can read them back, and under what noise."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from torch import Generator, Tensor

from tms_edu.linear.codes import DIRECTIONS, FRESH, INTEGER_PART, SIZE, STEPS, Encoding, accuracy, decoders
from tms_edu.plots import FEATURE_COLORS, FEATURE_MARKERS
from tms_edu.widgets.base import LivePicture
from tms_edu.widgets.controls import Choice, Slider

IDEAL = "ideal decoder"
HIDDEN_UNITS = {"linear probe": 0, "ReLU network, 4": 4, "ReLU network, 32": 32}
NOISES = (0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 1.0, 1.5, 2.0)
ANIMALS = ("cat", "dog", "hen", "cow", "pig", "owl", "fox", "bee")
REACH = 13.0
SHOWN = 2_000


@dataclass(frozen=True)
class Frame:
    """Hold what the decoder answers at each point of the grid, how often it and the ideal are right, and the step."""

    answers: Tensor
    accuracy: float
    ideal: float
    step: int | None = None


class TwoCodes(LivePicture):
    """Store cat and dog by two codes in one direction, or in two directions, and train a decoder while you watch.

    Args:
        encoding: "integer part" (odd cat, even dog), "small to large" or "two directions".
        n_animals: how many features share the code, 2, 4 or 8.
        noise: σ of what is added to each activation, 0.02 to 2.
        decoder: "linear probe", "ReLU network, 4" or "ReLU network, 32" (hidden units), or "ideal decoder".
        seed: of the decoder before training and of its data, 0 to 9.
        steps: updates in a whole training.

    Raises:
        ValueError: for a value out of these ranges.

    >>> TwoCodes("two directions", decoder="ideal decoder", noise=0.1).sentence.startswith(
    ...     "Cat and dog have two directions. Under noise σ = 0.10 the ideal decoder names 100.0 % right")
    True
    """

    title = "Two codes"
    size = (7.4, 4.6)
    live = True
    rebuild_on = ("encoding", "n_animals")
    presets = {
        "Odd or even": {"encoding": INTEGER_PART, "n_animals": 2, "decoder": "linear probe"},
        "The same, network": {"encoding": INTEGER_PART, "n_animals": 2, "decoder": "ReLU network, 32"},
        "Small or large": {"encoding": SIZE, "n_animals": 2, "decoder": "linear probe"},
        "Two directions": {"encoding": DIRECTIONS, "n_animals": 2, "decoder": "linear probe"},
    }

    def __init__(
        self,
        encoding: str = INTEGER_PART,
        n_animals: int = 2,
        noise: float = 0.1,
        decoder: str = "linear probe",
        seed: int = 0,
        steps: int = STEPS,
    ):
        self.steps = steps
        super().__init__(
            encoding=Choice("code", [INTEGER_PART, SIZE, DIRECTIONS], encoding),
            n_animals=Choice("animals n", [2, 4, 8], n_animals),
            noise=Slider("noise σ", NOISES, noise, "{:.2f}".format),
            decoder=Choice("decoder", [*HIDDEN_UNITS, IDEAL], decoder),
            seed=Slider("seed", range(10), seed),
        )

    def build(self, figure: Figure, encoding: str, n_animals: int, **_):
        ax = figure.add_axes((0.085, 0.12, 0.63, 0.80))
        self._view = (_PlaneView if encoding == DIRECTIONS else _LineView)(ax, n_animals)
        ax = figure.add_axes((0.80, 0.12, 0.195, 0.70))
        colors = ("0.7", FEATURE_COLORS[1], FEATURE_COLORS[0])
        self._bars = ax.bar(
            ("chance", "this\none", "ideal"), (0, 0, 0), width=0.7, color=colors, hatch=("", "//", "")
        )
        self._percents = [ax.text(k, 0, "", ha="center", va="bottom") for k in range(3)]
        ax.set(ylim=(0, 1.08), title="named right")
        ax.set_yticks([0, 0.5, 1], ["0 %", "50 %", "100 %"])
        ax.spines[["top", "right"]].set_visible(False)
        ax.tick_params(axis="x", length=0)
        self._progress = figure.text(0.9, 0.95, "", ha="center")
        return [*self._view.moving, *self._bars, *self._percents, self._progress]

    def frames(self, encoding, n_animals, noise, decoder, seed) -> Iterator[Frame]:
        stored = Encoding(encoding, n_animals, noise)
        grid = (_PlaneView if encoding == DIRECTIONS else _LineView).grid()
        ideal = stored.ideal_accuracy()
        if decoder == IDEAL:
            yield Frame(stored.ideal(grid).argmax(-1), ideal, ideal)
            return
        for step, trained in decoders(stored, HIDDEN_UNITS[decoder], seed, self.steps):
            with torch.no_grad():
                answers = trained(grid).argmax(-1)
            rows = FRESH if step == self.steps else SHOWN
            yield Frame(answers, accuracy(trained, stored, rows), ideal, step)

    def show(self, frame: Frame, encoding, n_animals, noise, decoder, **_) -> str:
        stored = Encoding(encoding, n_animals, noise)
        self._view.show(frame.answers, *stored.draw(FRESH, Generator().manual_seed(20_000)))
        for bar, text, height in zip(
            self._bars, self._percents, (1 / n_animals, frame.accuracy, frame.ideal), strict=True
        ):
            bar.set_height(height)
            text.set_y(height)
            text.set_text(f"{100 * height:.0f} %")
        self._percents[1].set_visible(self.done)
        self._progress.set_text("" if frame.step is None else f"step {frame.step} of {self.steps}")
        if frame.step == 0:
            return f"Not trained yet: the {decoder} answers at random."
        if not self.done:
            return f"In training: the {decoder} learns to tell {_animals(n_animals)} apart."
        return _sentence(stored, decoder, frame.accuracy, frame.ideal)

    def code(self, encoding, n_animals, noise, decoder, seed) -> str:
        start = f"""from tms_edu.linear.codes import Encoding, accuracy, decoders
encoding = Encoding("{encoding}", {n_animals}, noise={noise})
"""
        if decoder == IDEAL:
            return f"{start}print(encoding.ideal_accuracy())"
        steps = "" if self.steps == STEPS else f", steps={self.steps}"
        return f"""{start}*_, (step, decoder) = decoders(encoding, hidden_units={HIDDEN_UNITS[decoder]}, seed={seed}{steps})
print(accuracy(decoder, encoding), encoding.ideal_accuracy())"""


class _LineView:
    # One row per animal: how its activations spread, tinted where the decoder answers this animal.

    def __init__(self, ax: Axes, n: int):
        ax.set(
            xlim=(-3, REACH),
            ylim=(n - 0.5, -0.5),
            xticks=range(-2, 13),
            xlabel="activation of the one neuron",
        )
        ax.set_yticks(range(n), ANIMALS[:n])
        ax.tick_params(axis="y", length=0)
        self._tints = torch.tensor([_tint(k) for k in range(n)])
        self._image = ax.imshow(
            self._tints[:, None].numpy(),
            extent=(-3, REACH, n - 0.5, -0.5),
            aspect="auto",
            interpolation="nearest",
        )
        self._lines = [
            ax.plot([], [], drawstyle="steps-mid", color="black", linewidth=1.2)[0] for _ in range(n)
        ]
        ax.set_title("tinted: here the decoder answers this animal", fontsize=11)
        self.moving = [self._image, *self._lines]

    @staticmethod
    def grid() -> Float[Tensor, "512 1"]:
        return torch.linspace(-3, REACH, 512)[:, None]

    def show(self, answers: Tensor, h: Tensor, animal: Tensor):
        rows = torch.arange(len(self._tints))[:, None]
        here = (answers == rows)[..., None]
        self._image.set_data(torch.where(here, self._tints[:, None], 1.0).numpy())
        counts = torch.stack([torch.histc(h[animal == k, 0], 128, -3, REACH) for k in range(len(rows))])
        heights = 0.75 * counts / counts.max()
        middles = (torch.linspace(-3, REACH, 129)[:-1] + 8 / 128).tolist()
        for k, line in enumerate(self._lines):
            line.set_data(middles, (k + 0.47 - heights[k]).tolist())


class _PlaneView:
    # The plane of two neurons: activations by colour and marker, over what the decoder answers there.

    def __init__(self, ax: Axes, n: int):
        ax.set(
            xlim=(-REACH, REACH), ylim=(-REACH, REACH), xlabel="neuron 1", ylabel="neuron 2", aspect="equal"
        )
        ax.set(xticks=range(-10, 11, 5), yticks=range(-10, 11, 5))
        ax.set_title("tinted: what the decoder answers", fontsize=11)
        self._tints = torch.tensor([_tint(k) for k in range(n)])
        sides = (-REACH, REACH, -REACH, REACH)
        self._image = ax.imshow(
            torch.ones(1, 1, 3).numpy(), extent=sides, origin="lower", interpolation="nearest"
        )
        self._points = [
            ax.plot([], [], linestyle="", marker=FEATURE_MARKERS[k], markersize=4, color=FEATURE_COLORS[k])[0]
            for k in range(n)
        ]
        names = []
        for k in range(n):
            turn = min(math.pi / 2, 2 * math.pi / n) * k
            at = (11.4 * math.cos(turn), 11.4 * math.sin(turn))
            names.append(ax.text(*at, ANIMALS[k], ha="center", va="center", fontsize=12))
        self.moving = [self._image, *self._points, *names]

    @staticmethod
    def grid() -> Float[Tensor, "120 120 2"]:
        side = torch.linspace(-REACH, REACH, 120)
        return torch.stack(torch.meshgrid(side, side, indexing="xy"), dim=-1)

    def show(self, answers: Tensor, h: Tensor, animal: Tensor):
        self._image.set_data(self._tints[answers].numpy())
        for k, points in enumerate(self._points):
            points.set_data(*h[animal == k][:60].T.numpy())


def _tint(k: int) -> list[float]:
    return [1 - 0.3 * (1 - channel) for channel in to_rgb(FEATURE_COLORS[k])]


def _animals(n: int) -> str:
    return {2: "cat and dog", 4: "four animals", 8: "eight animals"}[n]


def _sentence(stored: Encoding, decoder: str, share: float, ideal: float) -> str:
    n = stored.n_animals
    how = {
        INTEGER_PART: "share one direction: odd is cat, even is dog"
        if n == 2
        else "take turns with the integer part",
        SIZE: "share one direction: small is cat, large is dog" if n == 2 else "share one direction by size",
        DIRECTIONS: "have two directions" if n == 2 else f"have {n} directions in the plane",
    }[stored.kind]
    units = HIDDEN_UNITS.get(decoder)
    who = f"ReLU network of {units} units" if units else decoder
    limit = "" if decoder == IDEAL else f", the ideal decoder {100 * ideal:.1f} %"
    named = f"names {100 * share:.1f} % right; guessing names {100 / n:.1f} %{limit}"
    return f"{_animals(n).capitalize()} {how}. Under noise σ = {stored.noise:.2f} the {who} {named}."
