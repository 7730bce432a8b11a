"""Wire three detectors to one ReLU neuron, and see for which animals it fires."""

from itertools import product

from matplotlib.figure import Figure
from matplotlib.patches import Circle

from tms_edu.plots import BLUE, ORANGE
from tms_edu.widgets.base import LivePicture
from tms_edu.widgets.controls import Slider

DETECTORS = ("whiskers", "tail", "ear")
CASES = list(product((0, 1), repeat=3))
STRENGTHS = tuple(k / 10 for k in range(0, 31))
WEIGHTS = tuple(k / 4 for k in range(-8, 9))
BIASES = tuple(k / 4 for k in range(-12, 5))
# What a neuron means that fires for exactly these of the eight cases.
MEANINGS = {
    frozenset({(1, 1, 1)}): "That is the intersection: all three or nothing",
    frozenset(case for case in CASES if sum(case) >= 2): "That is a vote: any two of the three will do",
    frozenset(case for case in CASES if sum(case) >= 1): "That is the union: any one will do",
    frozenset(CASES): "It fires for everything, even for nothing at all",
    frozenset(): "Of the eight on/off cases it fires for none",
}
_ONES = {**dict.fromkeys(DETECTORS, 1.0), **{f"w_{detector}": 1.0 for detector in DETECTORS}}


class CatCircuit(LivePicture):
    """Wire cat = ReLU(w·(whiskers, tail, ear) + b) and try it on any input.

    Args:
        whiskers: activation of the whisker detector, 0 to 3.
        tail: of the tail detector.
        ear: of the detector of triangular ears.
        w_whiskers: weight of the whisker detector, -2 to 2.
        w_tail: weight of the tail detector.
        w_ear: weight of the ear detector.
        bias: b, -3 to 1.

    Raises:
        ValueError: for a value out of these ranges.

    >>> CatCircuit(bias=-2.0).output
    1.0
    """

    title = "Cat circuit"
    size = (7.4, 4.0)
    presets = {
        "Any two will do": _ONES | {"bias": -1.0},
        "All three": _ONES | {"bias": -2.0},
        "Three times the whiskers": _ONES | {"bias": -2.0, "whiskers": 3.0, "tail": 0.0, "ear": 0.0},
    }

    def __init__(
        self,
        whiskers: float = 1.0,
        tail: float = 1.0,
        ear: float = 1.0,
        w_whiskers: float = 1.0,
        w_tail: float = 1.0,
        w_ear: float = 1.0,
        bias: float = 0.0,
    ):
        strengths, weights = (whiskers, tail, ear), (w_whiskers, w_tail, w_ear)
        controls = {}
        for detector, strength, weight in zip(DETECTORS, strengths, weights, strict=True):
            controls[detector] = Slider(detector, STRENGTHS, strength, "{:.1f}".format)
            controls[f"w_{detector}"] = Slider(f"weight of {detector}", WEIGHTS, weight, "{:+.2f}".format)
        super().__init__(**controls, bias=Slider("bias b", BIASES, bias, "{:+.2f}".format))

    @property
    def output(self) -> float:
        """Return what the neuron gives for the input on the sliders."""
        return self._run.frame["output"]

    def build(self, figure: Figure, **_):
        left = figure.add_axes((0.01, 0.05, 0.55, 0.9))
        left.set(xlim=(0, 5.5), ylim=(0, 5))
        left.set_axis_off()
        heights = (4.2, 2.7, 1.2)
        self._wires = [left.plot([1.5, 4.2], [y, 2.7], solid_capstyle="round", zorder=1)[0] for y in heights]
        self._weights = [
            left.text(2.5, y, "", ha="center", va="center", bbox={"fc": "white", "ec": "none", "pad": 2})
            for y in (3.45, 2.7, 1.95)
        ]
        self._inputs = [left.text(0.85, y, "", ha="center", va="center") for y in heights]
        for y in heights:
            left.add_patch(Circle((0.85, y), 0.66, fill=False, edgecolor="0.3"))
        self._neuron = left.add_patch(Circle((4.6, 2.7), 0.66, edgecolor="black"))
        self._neuron_text = left.text(4.6, 2.7, "", ha="center", va="center")
        self._sum = left.text(2.9, 0.15, "", ha="center")

        right = figure.add_axes((0.74, 0.15, 0.24, 0.76))
        self._bars = right.barh(range(8), [0] * 8, height=0.6, edgecolor=BLUE)
        self._numbers = [right.text(0, k, "", va="center") for k in range(8)]
        right.set(xlim=(0, 5), ylim=(7.6, -0.6), xticks=(0, 1, 2, 3), xlabel="output")
        right.set_yticks(range(8), [_name(case) for case in CASES])
        right.set_title("all eight cases", fontsize=10)
        right.spines[["top", "right"]].set_visible(False)
        return [
            *self._wires,
            *self._weights,
            *self._inputs,
            self._neuron,
            self._neuron_text,
            self._sum,
            *self._bars,
            *self._numbers,
        ]

    def frames(self, whiskers, tail, ear, w_whiskers, w_tail, w_ear, bias):
        weights = (w_whiskers, w_tail, w_ear)
        total = _total((whiskers, tail, ear), weights, bias)
        cases = {case: max(0.0, _total(case, weights, bias)) for case in CASES}
        yield {"total": total, "output": max(0.0, total), "cases": cases}

    def show(self, frame, whiskers, tail, ear, w_whiskers, w_tail, w_ear, bias) -> str:
        inputs, weights = (whiskers, tail, ear), (w_whiskers, w_tail, w_ear)
        for k in range(3):
            self._inputs[k].set_text(f"{DETECTORS[k]}\n{inputs[k]:.1f}")
            self._weights[k].set_text(f"× {weights[k]:+.2f}")
            self._wires[k].set(linewidth=1 + 4 * abs(weights[k]), color=_color(weights[k]))
            self._wires[k].set_linestyle("-" if weights[k] >= 0 else (0, (1, 1.2)))
        output = frame["output"]
        self._neuron.set_facecolor("#F6DFD0" if output > 0 else "white")
        self._neuron_text.set_text(f"ReLU\n{output:.2f}")
        terms = "  ".join(f"{w * x:+.2f}" for w, x in zip(weights, inputs, strict=True))
        self._sum.set_text(f"{terms}  {bias:+.2f} (bias) = {frame['total']:+.2f}")
        for (case, value), bar, text in zip(frame["cases"].items(), self._bars, self._numbers, strict=True):
            bar.set_width(min(value, 3.6))
            bar.set_facecolor(BLUE if case == (1, 1, 1) else ORANGE)
            text.set_x(min(value, 3.6) + 0.15)
            text.set_text(f"{value:.2f}" if value else "silent")
        return _sentence(inputs, frame)

    def code(self, whiskers, tail, ear, w_whiskers, w_tail, w_ear, bias) -> str:
        return f"""import torch
w, b = torch.tensor([{w_whiskers}, {w_tail}, {w_ear}]), {bias}
cat = torch.relu(w @ torch.tensor([{whiskers}, {tail}, {ear}]) + b)
print(cat.item())"""


def _total(inputs, weights, bias: float) -> float:
    # Sums of quarters times tenths: rounding away what binary fractions leave, or a sum of 0 would fire.
    return round(sum(w * x for w, x in zip(weights, inputs, strict=True)) + bias, 9)


def _color(weight: float) -> str:
    return ORANGE if weight > 0 else BLUE if weight < 0 else "0.85"


def _name(case) -> str:
    return " + ".join(d for d, on in zip(DETECTORS, case, strict=True) if on) or "nothing"


def _sentence(inputs, frame) -> str:
    verb = f"fires with {frame['output']:.2f}" if frame["output"] > 0 else "is silent"
    here = f"On this input the neuron {verb}."
    firing = frozenset(case for case, value in frame["cases"].items() if value > 0)
    if firing in MEANINGS:
        there = f"{MEANINGS[firing]}."
    else:
        there = f"Of the eight cases it fires for {len(firing)}: {'; '.join(_name(case) for case in sorted(firing))}."
    fooled = "It is fooled: something is missing here, and it fires all the same." if 0 in inputs else ""
    return f"{here} {there} {fooled if frame['output'] > 0 and firing == {(1, 1, 1)} else ''}".strip()
