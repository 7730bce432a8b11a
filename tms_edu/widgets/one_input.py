"""Follow one input by hand: into the hidden space, back out, and through the ReLU."""

from functools import cache
from typing import NamedTuple

import torch
from torch import Tensor

from tms_edu import SparseFeatures, ToyModel, gram, plots, theory, train
from tms_edu._validate import require_numbers
from tms_edu.widgets.base import LivePicture
from tms_edu.widgets.controls import Dropdown, Slider, quoted
from tms_edu.wording import join, signed

SUBSCRIPTS = "₀₁₂₃₄₅₆₇"
ROUNDS_TO_0 = -0.005
# The models to choose from, by the code that makes their W and b.
MODELS = {
    "trained": """from tms_edu import SparseFeatures, ToyModel, train
model = ToyModel(5, 2, generator=torch.Generator().manual_seed(0))
train(model, SparseFeatures(5, 0.05), progress=False)
W, b = model.W.detach(), model.b_final.detach()""",
    "unit pentagon": """from tms_edu import theory
W, b = theory.polygon(5), torch.zeros(5)""",
    "two digons": """from tms_edu import theory
W, b = theory.polygon(4, 5), torch.tensor([0, 0, 0, 0, 0.025])""",
}
POLYGONS = {
    "unit pentagon": (theory.polygon(5), torch.zeros(5)),
    # The dropped feature answers with its mean, as on one time in twenty.
    "two digons": (theory.polygon(4, 5), torch.tensor([0.0, 0.0, 0.0, 0.0, 0.025])),
}


class Steps(NamedTuple):
    """Hold every number between x and x'.

    Attributes:
        W: (2, n).
        x: (n,).
        h: (2,).
        terms: what comes into each output i, (n, n + 1): G_ij x_j from each x_j, and at last b_i.
        sums: of the terms, before the ReLU, (n,).
        x_hat: x', (n,).
    """

    W: Tensor
    x: Tensor
    h: Tensor
    terms: Tensor
    sums: Tensor
    x_hat: Tensor


class OneInput(LivePicture):
    """Set x by hand and follow it through h = W x to x' = ReLU(Wᵀh + b), one output at a time.

    Args:
        x: the input, n values in [0, 1].
        output: the output i whose sum is written out.
        model: "trained" (five features in two dimensions, on one time in twenty), "unit pentagon" (columns of length 1, b
            = 0), "two digons" (the fifth feature is dropped), or a ToyModel of your own with two dimensions and 2 to 8
            features.

    Raises:
        ValueError: for a value out of these ranges, an x that does not fit the model, or a model of another kind.

    >>> OneInput(x=(1, 0, 0, 0, 0), model="two digons").frame.x_hat.tolist()[:3]
    [1.0, 0.0, 0.0]
    """

    title = "One input, by hand"
    size = (7.4, 5.0)
    places = {
        "plane": (0.085, 0.43, 0.37, 0.55),
        "terms": (0.60, 0.43, 0.32, 0.55),
        "pairs": (0.085, 0.075, 0.895, 0.22),
    }
    presets = {  # all else is 0
        "One feature on": {"x0": 0.8},
        "Its echo in output 1": {"x0": 0.8, "output": 1},
        "Two on at once": {"x0": 0.8, "x1": 0.5},
    }
    recipe = """import torch
{weights}
x = torch.tensor({x})
h = W @ x
parts = (W.T @ W)[{output}] * x  # what each feature brings into output {output}
print(parts, b[{output}], torch.relu(W.T @ h + b))"""

    def __init__(
        self, x: list | tuple | Tensor | None = None, output: int = 0, model: str | ToyModel = "trained"
    ):
        self._own = None if isinstance(model, str) else _weights_of(model)
        # With a model of the reader's own there is nothing to choose.
        choice = {} if self._own else {"model": Dropdown("model", list(MODELS), model)}
        self.rebuild_on = tuple(choice)
        n = self._own[0].shape[1] if self._own else 5
        x = [0.8] + [0.0] * (n - 1) if x is None else _clean(require_numbers("x", x).flatten())
        if len(x) != n:
            raise ValueError(f"x must have one value for each of the {n} features; got {len(x)}.")
        sliders = {
            f"x{j}": Slider(f"x{SUBSCRIPTS[j]}", [k / 20 for k in range(21)], x[j], "{:.2f}".format)
            for j in range(n)
        }
        off = dict.fromkeys(sliders, 0.0) | {"output": 0}
        self.presets = {label: off | values for label, values in self.presets.items()}
        super().__init__(**sliders, output=Slider("follow output i", range(n), output), **choice)

    def draw(self, axes, v):
        W, b = self._own or POLYGONS.get(v.model) or _trained()
        n, colors = len(b), plots.FEATURE_COLORS[: len(b)]
        self._draw_plane(axes.plane, W, colors)
        # As far as the sums of any input reach, down and up.
        terms = torch.cat([gram(W), b[:, None]], 1)
        low, high = (side.relu().sum(-1).max().item() + 0.1 for side in (-terms, terms))
        high = max(high, 1.1)

        ax, rows, colors_of_rows = axes.terms, range(n + 3), [*colors, "0.7", "white", "black"]
        self._bars = ax.barh(rows, [0] * (n + 3), 0.7, color=colors_of_rows, edgecolor="black", linewidth=0.8)
        ax.axvline(0, color="black", linewidth=0.8)
        ax.set(xlim=(-low, high), ylim=(n + 2.6, -0.6), yticks=(), xlabel="what comes into output i")
        ax.set_xticks(range(round(-low), round(high) + 1))
        ax.spines["left"].set_visible(False)
        beside = {"transform": ax.get_yaxis_transform(), "ha": "right", "va": "center"}
        self._names, self._numbers = ([ax.text(x, k, "", **beside) for k in rows] for x in (-0.03, 1.2))

        ax, left, right = axes.pairs, [j - 0.19 for j in range(n)], [j + 0.19 for j in range(n)]
        self._given = ax.bar(left, [0] * n, 0.34, color="white", edgecolor=colors, linewidth=1.8)
        self._back = ax.bar(right, [0] * n, 0.34, color=colors, edgecolor=colors)
        self._answers = [ax.text(x, 0, "", ha="center", va="bottom") for x in right]
        ax.set(xlim=(-0.5, n - 0.5), ylim=(0, 1.3 * high), yticks=range(int(high) + 1), ylabel="x, x′")
        ax.set_xticks(range(n), [f"feature {j}" if n < 7 else str(j) for j in range(n)])
        ax.tick_params(axis="x", length=0)
        ax.text(0.995, 0.98, "outlined: x, filled: x′", transform=ax.transAxes, ha="right", va="top")

    def _draw_plane(self, ax, W: Tensor, colors: tuple[str, ...]):
        plots.plot_columns(W, ax=ax)
        for line in ax.lines:
            line.set_alpha(0.35)
        self._path = [ax.plot([], [], color=color, linewidth=5)[0] for color in colors]
        (self._foot,) = ax.plot([], [], color="black", linestyle=":", linewidth=1.5)
        (self._h,) = ax.plot([], [], color="black", marker="*", markersize=14, linestyle="", zorder=5)
        farthest_h = torch.stack([W, -W]).relu().sum(-1).max().item()
        reach = max(1.7, W.norm(dim=0).max().item() + 0.3, farthest_h + 0.2)
        ax.set(xlim=(-reach, reach), ylim=(-reach, reach), xticks=(-1, 0, 1), yticks=(-1, 0, 1))
        ax.text(0.02, 0.98, "★ h, sum of the thick lines", transform=ax.transAxes, va="top")

    def compute(self, v) -> Steps:
        W, b = self._own or POLYGONS.get(v.model) or _trained()
        x = W.new_tensor([getattr(v, f"x{j}") for j in range(len(b))])
        terms = torch.cat([gram(W) * x, b[:, None]], 1)
        return Steps(W, x, W @ x, terms, terms.sum(-1), terms.sum(-1).relu())

    def say(self, frame: Steps, v) -> str:
        path = torch.nn.functional.pad((frame.W * frame.x).cumsum(-1), (1, 0))
        for j, (x, x_hat) in enumerate(zip(frame.x.tolist(), frame.x_hat.tolist(), strict=True)):
            self._path[j].set_data(*path[:, j : j + 2])
            self._given[j].set_height(x)
            self._back[j].set_height(x_hat)
            self._answers[j].set(y=x_hat, text=f"{x_hat:.2f}")
        column = frame.W[:, v.output]
        foot = frame.h @ column / column.square().sum().clamp(min=1e-9) * column
        self._h.set_data(*frame.h[:, None])
        self._foot.set_data(*torch.stack([frame.h, foot], 1))
        self._show_terms(frame, v.output)
        return _sentence(frame, v.output)

    def _show_terms(self, frame: Steps, i: int):
        # Each begins where the one above it ends; hatched: interference.
        terms, total, n = frame.terms[i].tolist(), frame.sums[i].item(), len(frame.x)
        names = [f"from x{SUBSCRIPTS[j]}{' itself' if j == i else ''}" for j in range(n)]
        told = ", removed" if total <= ROUNDS_TO_0 else ""
        names += [f"bias b{SUBSCRIPTS[i]}", f"sum{told}", f"ReLU: x′{SUBSCRIPTS[i]}"]
        for k, value in enumerate([*terms, total, max(total, 0.0)]):
            self._bars[k].set(x=sum(terms[:k]) if k <= n else 0.0, width=value)
            self._bars[k].set_hatch("///" if k < n and k != i else "")
            self._names[k].set_text(names[k])
            self._numbers[k].set_text(signed(value))

    def code(self, v) -> str:
        W, b, x = map(_clean, (self.frame.W, self.frame.terms[:, -1], self.frame.x))
        own = f"W = torch.tensor({W})\nb = torch.tensor({b})"
        return self.recipe.format(weights=own if self._own else MODELS[v.model], x=x, output=v.output)


def _clean(values: Tensor) -> list:
    # A float32, rounded, still shows all its digits, and its 0.8 is no 0.8; a double does not.
    return values.double().round(decimals=4).tolist()


def _weights_of(model: ToyModel) -> tuple[Tensor, Tensor]:
    shape = tuple(model.W.shape) if isinstance(model, ToyModel) else None
    if shape not in [(2, n) for n in range(2, len(SUBSCRIPTS) + 1)]:
        raise ValueError(
            f"model must be {join(map(repr, MODELS))} or a ToyModel, and that must have two dimensions, 2 to "
            f"{len(SUBSCRIPTS)} features and no instances, W of shape (2, n); got {shape or quoted(model)}."
        )
    return model.W.detach().cpu().clone().float(), model.b_final.detach().cpu().clone().float()


@cache
def _trained() -> tuple[Tensor, Tensor]:
    model = ToyModel(5, 2, generator=torch.Generator().manual_seed(0))
    train(model, SparseFeatures(5, 0.05), progress=False)
    return _weights_of(model)


def _sentence(frame: Steps, i: int) -> str:
    k, own, bias, total = SUBSCRIPTS[i], frame.terms[i, i], frame.terms[i, -1], frame.sums[i]
    removed = int((frame.sums < -1e-5).sum())
    error = (frame.x - frame.x_hat).square().sum()
    out = f"; the ReLU removes it, so x′{k} = 0" if total <= ROUNDS_TO_0 else f": that is x′{k} = {total:.2f}"
    return (
        f"h = ({signed(frame.h[0])}, {signed(frame.h[1])}). Output {i} receives {signed(own)} from x{k} itself, "
        f"{signed(total - own - bias)} of interference and {signed(bias)} of bias, together {signed(total)}{out}, "
        f"where x{k} = {frame.x[i]:.2f}. In all the ReLU removes {removed} negative {'sum' if removed == 1 else 'sums'}; "
        f"the squared errors add up to {error:.3f}."
    )
