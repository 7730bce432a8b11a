"""Ask each neuron of a trained digits network what excites it."""

from dataclasses import dataclass
from functools import lru_cache

import torch
from matplotlib.figure import Figure
from torch import Tensor

from tms_edu.digits import (
    DigitsNetwork,
    accuracy,
    class_means,
    fires_for,
    in_words,
    load_digits,
    train_digits,
)
from tms_edu.plots import BLUE, GRAM_CMAP
from tms_edu.widgets.base import LivePicture
from tms_edu.widgets.controls import Choice, Slider

N_NEURONS = 16
PICTURES = ("the strongest", "one of each digit")
ROWS, COLUMNS = 2, 6


@dataclass(frozen=True)
class Frame:
    """Hold what one neuron does on the images the network has not seen."""

    weights: Tensor  # (64,)
    h: Tensor  # (images,)
    means: Tensor  # (10,)
    fires: list[int]
    accuracy: float


class NeuronProber(LivePicture):
    """Probe a trained 64 → 16 → 10 network: which digits excite a neuron, and which pictures most.

    Args:
        neuron: which of the 16, from 0.
        seed: of the network's first weights and of the order of its images, 0 to 5.
        activity_cost: price of a unit of activation in training, 0 to 0.03.
        pictures: "the strongest", or "one of each digit", the strongest of its class.

    Raises:
        ValueError: for a value that is not offered.

    >>> prober = NeuronProber()
    >>> prober.means.shape
    torch.Size([10])
    """

    title = "Neuron prober"
    size = (7.4, 4.6)
    display_only = ("pictures",)
    presets = {
        "One digit": {"neuron": 6, "seed": 1, "activity_cost": 0.01},
        "Two digits": {"neuron": 8, "seed": 1, "activity_cost": 0.01},
        "Activity is free": {"neuron": 8, "seed": 1, "activity_cost": 0.0},
    }

    def __init__(
        self, neuron: int = 11, seed: int = 1, activity_cost: float = 0.01, pictures: str = PICTURES[0]
    ):
        super().__init__(
            neuron=Slider("neuron", range(N_NEURONS), neuron),
            seed=Slider("seed", range(6), seed),
            activity_cost=Slider("activity cost", (0.0, 0.003, 0.01, 0.03), activity_cost, "{:g}".format),
            pictures=Choice("pictures", PICTURES, pictures),
        )

    @property
    def means(self) -> Tensor:
        """Return the mean activation on each digit, (10,)."""
        return self._run.frame.means

    def build(self, figure: Figure, **_):
        weights = figure.add_axes((0.03, 0.52, 0.27, 0.40))
        self._weights = weights.imshow([[0.0] * 8] * 8, cmap=GRAM_CMAP, vmin=-1, vmax=1)
        weights.set_title("how it weighs the pixels", fontsize=10)
        weights.set(xticks=(), yticks=())

        bars = figure.add_axes((0.40, 0.57, 0.58, 0.35))
        self._bars = bars.bar(range(10), [0] * 10, width=0.7, edgecolor=BLUE)
        self._line = bars.axhline(0.5, color="0.5", linestyle="--", linewidth=1)
        bars.set(xlim=(-0.6, 9.6), ylim=(0, 1.08), xticks=range(10), yticks=(0, 0.5, 1))
        bars.set(xlabel="digit", ylabel="mean ÷ its largest")
        bars.set_title("how strongly it answers; dashed: half of its favourite", fontsize=10)
        bars.spines[["top", "right"]].set_visible(False)

        self._images, self._labels = [], []
        for k in range(ROWS * COLUMNS):
            row, column = divmod(k, COLUMNS)
            ax = figure.add_axes((0.03 + 0.16 * column, 0.235 - 0.215 * row, 0.118, 0.19))
            self._images.append(ax.imshow([[0.0] * 8] * 8, cmap="Greys", vmin=0, vmax=1))
            self._labels.append(ax.text(1.06, 0.5, "", transform=ax.transAxes, va="center"))
            ax.set(xticks=(), yticks=())
        return [self._weights, *self._bars, self._line, *self._images, *self._labels]

    def frames(self, neuron, seed, activity_cost, **_):
        network, right = _network(seed, activity_cost)
        images, labels = load_digits("test")
        with torch.no_grad():
            h = network.hidden(images)
        means = class_means(h, labels)
        fires = fires_for(means)[:, neuron].nonzero()[:, 0].tolist()
        yield Frame(network.W1[neuron].detach(), h[:, neuron], means[:, neuron], fires, right)

    def show(self, frame: Frame, neuron, pictures, **_) -> str:
        self._weights.set_data((frame.weights / frame.weights.abs().max()).reshape(8, 8).numpy())
        largest = max(frame.means.max().item(), 1e-9)
        for digit, (bar, mean) in enumerate(zip(self._bars, frame.means.tolist(), strict=True)):
            bar.set_height(mean / largest)
            bar.set_facecolor(BLUE if digit in frame.fires else "white")
            bar.set_hatch("" if digit in frame.fires else "//")
        images, labels = load_digits("test")
        shown = _strongest(frame.h, labels, pictures)
        for k, (image, label) in enumerate(zip(self._images, self._labels, strict=True)):
            image.set_visible(k < len(shown))
            label.set_text(f"{labels[shown[k]]}\n{frame.h[shown[k]]:.1f}" if k < len(shown) else "")
            if k < len(shown):
                image.set_data(images[shown[k]].reshape(8, 8).numpy())
        return _sentence(neuron, frame)

    def code(self, neuron, seed, activity_cost, **_) -> str:
        return f"""import torch
from tms_edu.digits import DigitsNetwork, class_means, fires_for, load_digits, train_digits
network = DigitsNetwork({N_NEURONS}, generator=torch.Generator().manual_seed({seed}))
train_digits(network, activity_cost={activity_cost}, seed={seed})
images, labels = load_digits("test")
means = class_means(network.hidden(images), labels)[:, {neuron}]
print(fires_for(means[:, None])[:, 0].nonzero()[:, 0].tolist())"""


@lru_cache(maxsize=32)
def _network(seed: int, activity_cost: float) -> tuple[DigitsNetwork, float]:
    network = DigitsNetwork(N_NEURONS, generator=torch.Generator().manual_seed(seed))
    train_digits(network, activity_cost=activity_cost, seed=seed)
    return network, accuracy(network).item()


def _strongest(h: Tensor, labels: Tensor, pictures: str) -> list[int]:
    if not (h > 0).any():
        return []
    if pictures == PICTURES[0]:
        return h.topk(ROWS * COLUMNS).indices.tolist()
    return [torch.where(labels == k, h, -1.0).argmax().item() for k in range(10)]


def _sentence(neuron: int, frame: Frame) -> str:
    network = f"The network names {frame.accuracy:.0%} of 497 unseen images right."
    if not frame.fires:
        return f"Neuron {neuron} fires for none: it is on for hardly any image. {network}"
    on = (frame.h > 0).float().mean()
    favourite = frame.means.argmax().item()
    digits = f"{len(frame.fires)} digits, {in_words(frame.fires)}" if len(frame.fires) > 1 else "one digit"
    return (
        f"Neuron {neuron} fires for {digits}; its favourite is {favourite}, with a mean of {frame.means.max():.1f}. "
        f"It is on for {on:.0%} of the images. {network}"
    )
