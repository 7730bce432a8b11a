"""Wire three detectors to one ReLU neuron, and see for which animals it fires."""

from functools import partial
from itertools import product
from typing import NamedTuple

from matplotlib.patches import Circle

from tms_edu.plots import BLUE, ORANGE
from tms_edu.widgets.base import LivePicture
from tms_edu.widgets.controls import Slider
from tms_edu.widgets.parts import gaps
from tms_edu.wording import plain

DETECTORS = ("whiskers", "tail", "ear")
CASES = list(product((0, 1), repeat=3))
STRENGTHS = tuple(k / 10 for k in range(0, 31))
WEIGHTS = tuple(k / 4 for k in range(-8, 9))
BIASES = tuple(k / 4 for k in range(-12, 5))
LONGEST = 3.6  # bars beyond it are cut
HEIGHTS = (4.2, 2.7, 1.2)
# What a neuron means that fires for exactly these of the eight cases.
MEANINGS = {
    frozenset({(1, 1, 1)}): "That is the intersection: all three or nothing",
    frozenset(case for case in CASES if sum(case) >= 2): "That is a vote: any two of the three will do",
    frozenset(case for case in CASES if sum(case) >= 1): "That is the union: any one will do",
    frozenset(CASES): "It fires for everything, even for nothing at all",
    frozenset(): "Of the eight on/off cases it fires for none",
}
_ONES = {**dict.fromkeys(DETECTORS, 1.0), **{f"w_{detector}": 1.0 for detector in DETECTORS}}
_signed, _strength = (
    partial(plain, spec="+.2f"),
    partial(Slider, options=STRENGTHS, value=1.0, text="{:.1f}".format),
)
_weight = partial(Slider, options=WEIGHTS, value=1.0, text=_signed)


class Response(NamedTuple):
    """Hold what goes into the neuron, the sum, and what comes out for each of the eight on/off cases."""

    inputs: list[float]
    weights: list[float]
    total: float
    cases: dict[tuple[int, ...], float]

    @property
    def output(self) -> float:
        return max(0.0, self.total)


class CatCircuit(LivePicture):
    """Wire cat = ReLU(w·(whiskers, tail, ear) + b) and try it on any input.

    >>> CatCircuit(bias=-2.0).output
    1.0
    """

    whiskers = _strength("whiskers", about="activation of the whisker detector")
    w_whiskers = _weight("weight of whiskers")
    tail = _strength("tail", about="activation of the tail detector")
    w_tail = _weight("weight of tail")
    ear = _strength("ear", about="activation of the detector of triangular ears")
    w_ear = _weight("weight of ear")
    bias = Slider("bias b", BIASES, 0.0, _signed)

    title = "Cat circuit"
    size = (7.4, 4.0)
    places = {"circuit": (0.01, 0.05, 0.55, 0.9), "cases": (0.74, 0.15, 0.24, 0.76)}
    presets = {
        "Any two will do": _ONES | {"bias": -1.0},
        "All three": _ONES | {"bias": -2.0},
        "Three times the whiskers": _ONES | {"bias": -2.0, "whiskers": 3.0, "tail": 0.0, "ear": 0.0},
    }
    recipe = """import torch
w, b = torch.tensor([{w_whiskers}, {w_tail}, {w_ear}]), {bias}
cat = torch.relu(w @ torch.tensor([{whiskers}, {tail}, {ear}]) + b)
print(cat.item())"""

    @property
    def output(self) -> float:
        """Return what the neuron gives for the input on the sliders."""
        return self.frame.output

    def draw(self, axes, v):
        ax, centred = axes.circuit, {"ha": "center", "va": "center"}
        ax.set(xlim=(0, 5.5), ylim=(0, 5))
        ax.set_axis_off()
        self._wires = [ax.plot([1.5, 4.2], [y, 2.7], solid_capstyle="round", zorder=1)[0] for y in HEIGHTS]
        white = {"fc": "white", "ec": "none", "pad": 2}
        self._weights = [ax.text(2.5, y, "", bbox=white, **centred) for y in (3.45, 2.7, 1.95)]
        self._inputs = [ax.text(0.85, y, "", **centred) for y in HEIGHTS]
        for y in HEIGHTS:
            ax.add_patch(Circle((0.85, y), 0.66, fill=False, edgecolor="0.3"))
        self._neuron = ax.add_patch(Circle((4.6, 2.7), 0.66, edgecolor="black"))
        self._neuron_text = ax.text(4.6, 2.7, "", **centred)
        self._sum = ax.text(2.9, 0.15, "", ha="center")

        ax = axes.cases
        self._bars = ax.barh(range(8), [0] * 8, height=0.6, edgecolor=BLUE)
        self._numbers = [ax.text(0, k, "", va="center") for k in range(8)]
        ax.set(xlim=(0, 5), ylim=(7.6, -0.6), xticks=(0, 1, 2, 3), xlabel="output")
        self._gaps = gaps(ax, 8, LONGEST - 0.3)
        ax.set_yticks(range(8), [_name(case) for case in CASES])
        ax.set_title("all eight cases", fontsize=10)

    def compute(self, v) -> Response:
        inputs = [getattr(v, detector) for detector in DETECTORS]
        weights = [getattr(v, f"w_{detector}") for detector in DETECTORS]
        cases = {case: max(0.0, _total(case, weights, v.bias)) for case in CASES}
        return Response(inputs, weights, _total(inputs, weights, v.bias), cases)

    def say(self, frame: Response, v) -> str:
        for k, (strength, weight) in enumerate(zip(frame.inputs, frame.weights, strict=True)):
            self._inputs[k].set_text(f"{DETECTORS[k]}\n{strength:.1f}")
            self._weights[k].set_text(f"× {_signed(weight)}")
            self._wires[k].set(linewidth=1 + 4 * abs(weight), color=_color(weight))
            self._wires[k].set_linestyle("-" if weight >= 0 else (0, (1, 1.2)))
        self._neuron.set_facecolor("#F6DFD0" if frame.output > 0 else "white")
        self._neuron_text.set_text(f"ReLU\n{frame.output:.2f}")
        products = zip(frame.weights, frame.inputs, strict=True)
        terms = "  ".join(_signed(w * x + 0.0) for w, x in products)  # + 0.0 for the sign of -2 × 0
        self._sum.set_text(f"{terms}  {_signed(v.bias)} (bias) = {_signed(frame.total + 0.0)}")
        for (case, value), bar, text, gap in zip(
            frame.cases.items(), self._bars, self._numbers, self._gaps, strict=True
        ):
            bar.set(width=min(value, LONGEST), facecolor=BLUE if case == (1, 1, 1) else ORANGE)
            text.set(x=min(value, LONGEST) + 0.15, text=f"{value:.2f}" if value else "silent")
            gap.set_visible(value > LONGEST)
        return _sentence(frame)


def _total(inputs, weights, bias: float) -> float:
    # Sums of quarters times tenths: rounding away what binary fractions leave, or a sum of 0 would fire.
    return round(sum(w * x for w, x in zip(weights, inputs, strict=True)) + bias, 9)


def _color(weight: float) -> str:
    return ORANGE if weight > 0 else BLUE if weight < 0 else "0.85"


def _name(case) -> str:
    return " + ".join(d for d, on in zip(DETECTORS, case, strict=True) if on) or "nothing"


def _sentence(frame: Response) -> str:
    verb = f"fires with {frame.output:.2f}" if frame.output > 0 else "is silent"
    firing = frozenset(case for case, value in frame.cases.items() if value > 0)
    names = "; ".join(_name(case) for case in sorted(firing))
    there = MEANINGS.get(firing, f"Of the eight cases it fires for {len(firing)}: {names}")
    fooled = ""
    if 0 in frame.inputs and frame.output > 0 and firing == {(1, 1, 1)}:
        fooled = " It is fooled: something is missing here, and it fires all the same."
    return f"On this input the neuron {verb}. {there}.{fooled}"
