"""Ask each neuron of a trained digits network what excites it."""

from functools import lru_cache
from typing import NamedTuple

import torch
from torch import Tensor

from tms_edu.digits import DigitsNetwork, accuracy, class_means, fires_for, load_digits, train_digits
from tms_edu.plots import BLUE, GRAM_CMAP
from tms_edu.widgets.base import LivePicture
from tms_edu.widgets.controls import Dropdown, Slider
from tms_edu.wording import join

N_NEURONS = 16
PICTURES = ("the strongest", "one of each digit")
ROWS, COLUMNS = 2, 6


class Answers(NamedTuple):
    """Hold what one neuron does on the images the network has not seen."""

    weights: Tensor  # (64,)
    h: Tensor  # (images,)
    means: Tensor  # (10,)
    fires: list[int]
    accuracy: float


class NeuronProber(LivePicture):
    """Probe a trained 64 → 16 → 10 network: which digits excite a neuron, and which pictures most.

    >>> prober = NeuronProber()
    >>> prober.means.shape
    torch.Size([10])
    """

    neuron = Slider("neuron", range(N_NEURONS), 11)
    seed = Slider("seed", range(6), 1, about="of the network's first weights and of the order of its images")
    activity_cost = Slider(
        "activity cost",
        (0.0, 0.003, 0.01, 0.03),
        0.01,
        "{:g}".format,
        "price of a unit of activation in training",
    )
    pictures = Dropdown("pictures", PICTURES, PICTURES[0])

    title = "Neuron prober"
    size = (7.4, 4.6)
    display_only = ("pictures",)
    places = {
        "weights": (0.03, 0.52, 0.27, 0.40),
        "means": (0.40, 0.57, 0.58, 0.35),
        "images": [
            (0.03 + 0.16 * column, 0.235 - 0.215 * row, 0.118, 0.19)
            for row in range(ROWS)
            for column in range(COLUMNS)
        ],
    }
    presets = {
        "One digit": {"neuron": 6, "seed": 1, "activity_cost": 0.01},
        "Two digits": {"neuron": 8, "seed": 1, "activity_cost": 0.01},
        "Activity is free": {"neuron": 8, "seed": 1, "activity_cost": 0.0},
    }
    recipe = f"""import torch
from tms_edu.digits import DigitsNetwork, class_means, fires_for, load_digits, train_digits
network = DigitsNetwork({N_NEURONS}, generator=torch.Generator().manual_seed({{seed}}))
train_digits(network, activity_cost={{activity_cost}}, seed={{seed}})
images, labels = load_digits("test")
means = class_means(network.hidden(images), labels)[:, {{neuron}}]
print(fires_for(means[:, None])[:, 0].nonzero()[:, 0].tolist())"""

    @property
    def means(self) -> Tensor:
        """Return the mean activation on each digit, (10,)."""
        return self.frame.means

    def draw(self, axes, v):
        self._weights = axes.weights.imshow([[0.0] * 8] * 8, cmap=GRAM_CMAP, vmin=-1, vmax=1)
        axes.weights.set_title("how it weighs the pixels", fontsize=10)
        self._bars = axes.means.bar(range(10), [0] * 10, width=0.7, edgecolor=BLUE)
        axes.means.axhline(0.5, color="0.5", linestyle="--", linewidth=1)
        axes.means.set(xlim=(-0.6, 9.6), ylim=(0, 1.08), xticks=range(10), yticks=(0, 0.5, 1))
        axes.means.set(xlabel="digit", ylabel="mean ÷ its largest")
        axes.means.set_title("how strongly it answers; dashed: half of its favourite", fontsize=10)
        for ax in (axes.weights, *axes.images):
            ax.set(xticks=(), yticks=())
        self._images = [ax.imshow([[0.0] * 8] * 8, cmap="Greys", vmin=0, vmax=1) for ax in axes.images]
        self._labels = [ax.text(1.06, 0.5, "", transform=ax.transAxes, va="center") for ax in axes.images]

    def compute(self, v) -> Answers:
        network, right = _network(v.seed, v.activity_cost)
        images, labels = load_digits("test")
        with torch.no_grad():
            h = network.hidden(images)
        means = class_means(h, labels)
        fires = fires_for(means)[:, v.neuron].nonzero()[:, 0].tolist()
        return Answers(network.W1[v.neuron].detach(), h[:, v.neuron], means[:, v.neuron], fires, right)

    def say(self, frame: Answers, v) -> str:
        self._weights.set_data((frame.weights / frame.weights.abs().max()).reshape(8, 8).numpy())
        largest = max(frame.means.max().item(), 1e-9)
        for digit, (bar, mean) in enumerate(zip(self._bars, frame.means.tolist(), strict=True)):
            fires = digit in frame.fires
            bar.set(height=mean / largest, facecolor=BLUE if fires else "white", hatch="" if fires else "//")
        images, labels = load_digits("test")
        shown = _strongest(frame.h, labels, v.pictures)
        for k, (image, label) in enumerate(zip(self._images, self._labels, strict=True)):
            image.set_visible(k < len(shown))
            label.set_text(f"{labels[shown[k]]}\n{frame.h[shown[k]]:.1f}" if k < len(shown) else "")
            if k < len(shown):
                image.set_data(images[shown[k]].reshape(8, 8).numpy())
        return _sentence(v.neuron, frame)


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


def _sentence(neuron: int, frame: Answers) -> str:
    network = f"The network names {frame.accuracy:.0%} of 497 unseen images right."
    if not frame.fires:
        return f"Neuron {neuron} fires for none: it is on for hardly any image. {network}"
    on = (frame.h > 0).float().mean()
    favourite = frame.means.argmax().item()
    digits = f"{len(frame.fires)} digits, {join(frame.fires)}" if len(frame.fires) > 1 else "one digit"
    return (
        f"Neuron {neuron} fires for {digits}; its favourite is {favourite}, with a mean of {frame.means.max():.1f}. "
        f"It is on for {on:.0%} of the images. {network}"
    )
