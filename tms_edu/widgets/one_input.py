"""Follow one input by hand: into the hidden space, back out, and through the ReLU."""

from collections.abc import Sequence
from functools import cache
from typing import NamedTuple

import torch
from matplotlib.figure import Figure
from torch import Tensor

from tms_edu import SparseFeatures, ToyModel, gram, plots, theory, train
from tms_edu.widgets.base import LivePicture
from tms_edu.widgets.controls import Choice, Slider

MODELS = ("trained", "unit pentagon", "two digons")
MOST_FEATURES = 8
ON = tuple(k / 20 for k in range(21))
SUBSCRIPTS = "₀₁₂₃₄₅₆₇"


class Steps(NamedTuple):
    """Hold every number between x and x'.

    Attributes:
        W: (2, n).
        x: (n,).
        parts: what each x_j brings into each output i, G_ij x_j, shape (n, n).
        b: (n,).
    """

    W: Tensor
    x: Tensor
    parts: Tensor
    b: Tensor

    @property
    def h(self) -> Tensor:
        return self.W @ self.x

    @property
    def sums(self) -> Tensor:
        return self.parts.sum(-1) + self.b

    @property
    def x_hat(self) -> Tensor:
        return self.sums.relu()


class OneInput(LivePicture):
    """Set x by hand and follow it through h = W x to x' = ReLU(Wᵀh + b), one output at a time.

    Args:
        x: the input, n values in [0, 1].
        output: the output i whose sum is written out.
        model: "trained" (five features in two dimensions, on one time in twenty), "unit pentagon" (columns of length 1, b
            = 0), "two digons" (the fifth feature is dropped), or a ToyModel of your own with two dimensions and 2 to 8
            features.

    Raises:
        ValueError: for a value out of these ranges, or an x that does not fit the model.

    >>> OneInput(x=(1, 0, 0, 0, 0), model="two digons").x_hat.tolist()[:3]
    [1.0, 0.0, 0.0]
    """

    title = "One input, by hand"
    size = (7.4, 5.0)
    rebuild_on = ("model",)
    presets = {
        "One feature on": {"x0": 0.8, "x1": 0.0, "x2": 0.0, "output": 0},
        "Its echo in output 1": {"x0": 0.8, "x1": 0.0, "x2": 0.0, "output": 1},
        "Two on at once": {"x0": 0.8, "x1": 0.5, "x2": 0.0, "output": 0},
    }

    def __init__(
        self, x: Sequence[float | int] | None = None, output: int = 0, model: str | ToyModel = "trained"
    ):
        own = isinstance(model, ToyModel)
        self._own = _weights_of(model) if own else None
        n = model.n_features if own else 5
        x = [0.8] + [0.0] * (n - 1) if x is None else [float(value) for value in x]
        if len(x) != n:
            raise ValueError(f"x must have one value for each of the {n} features; got {len(x)}.")
        self.presets = {label: _within(n, values) for label, values in self.presets.items()}
        controls = {f"x{j}": Slider(f"x{SUBSCRIPTS[j]}", ON, x[j], "{:.2f}".format) for j in range(n)}
        controls["output"] = Slider("follow output i", range(n), output)
        # With a model of the reader's own there is nothing to choose.
        self.rebuild_on = () if own else self.rebuild_on
        super().__init__(**controls, **({} if own else {"model": Choice("model", MODELS, model)}))

    @property
    def x_hat(self) -> Tensor:
        """Return x', shape (n,)."""
        return self._run.frame.x_hat

    def build(self, figure: Figure, model: str | None = None, **values):
        W, b = _weights(model) if self._own is None else self._own
        n = W.shape[1]
        plane = figure.add_axes((0.085, 0.43, 0.37, 0.55))
        self._path, self._h, self._foot = _draw_plane(plane, W)
        G = gram(W)
        low = (G.clamp(max=0).sum(-1) + b.clamp(max=0)).min().item()
        high = (G.clamp(min=0).sum(-1) + b.clamp(min=0)).max().item()
        ax = figure.add_axes((0.60, 0.43, 0.32, 0.55))
        self._rows = _Waterfall(ax, n, (min(low, 0) - 0.1, max(high, 1) + 0.1))
        self._pairs = _Pairs(figure.add_axes((0.085, 0.075, 0.895, 0.22)), n, max(high, 1) + 0.1)
        return [*self._path, self._h, self._foot, *self._rows.moving, *self._pairs.moving]

    def frames(self, model: str | None = None, output: int = 0, **x):
        W, b = _weights(model) if self._own is None else self._own
        inputs = torch.tensor(list(x.values()))
        yield Steps(W, inputs, gram(W) * inputs, b)

    def show(self, frame: Steps, output: int, **_) -> str:
        ends = (frame.W * frame.x).cumsum(-1).T.tolist()
        for line, start, end in zip(self._path, [[0.0, 0.0], *ends], ends, strict=False):
            line.set_data([start[0], end[0]], [start[1], end[1]])
        h, column = frame.h, frame.W[:, output]
        foot = h @ column / column.square().sum().clamp(min=1e-9) * column
        self._h.set_data(h[:1].tolist(), h[1:].tolist())
        self._foot.set_data([h[0].item(), foot[0].item()], [h[1].item(), foot[1].item()])
        self._rows.show(frame, output)
        self._pairs.show(frame)
        return _sentence(frame, output)

    def code(self, model: str | None = None, output: int = 0, **x) -> str:
        return f"""import torch
{_code_of_weights(model, self._own)}
x = torch.tensor({list(x.values())})
h = W @ x
parts = (W.T @ W)[{output}] * x  # what each feature brings into output {output}
print(parts, b[{output}], torch.relu(W.T @ h + b))"""


class _Waterfall:
    """The terms of one output's sum, each beginning where the one above it ends."""

    def __init__(self, ax, n: int, limits: tuple[float, float]):
        self._bars = ax.barh(range(n + 3), [0.0] * (n + 3), height=0.7, edgecolor="black", linewidth=0.8)
        for j in range(n):
            self._bars[j].set_facecolor(_color(j))
        self._bars[n].set_facecolor("0.7")
        self._bars[n + 1].set_facecolor("white")
        self._bars[n + 2].set_facecolor("black")
        ax.axvline(0, color="black", linewidth=0.8)
        ax.set(xlim=limits, ylim=(n + 2.6, -0.6), xlabel="what comes into output i", yticks=[])
        ax.set_xticks(range(round(limits[0]), round(limits[1]) + 1))
        ax.spines[["top", "right", "left"]].set_visible(False)
        left, right = ax.get_yaxis_transform(), ax.get_yaxis_transform()
        self._names = [ax.text(-0.03, k, "", transform=left, ha="right", va="center") for k in range(n + 3)]
        self._numbers = [ax.text(1.2, k, "", transform=right, ha="right", va="center") for k in range(n + 3)]
        self.moving = [*self._bars, *self._names, *self._numbers]

    def show(self, frame: Steps, i: int):
        n = len(frame.x)
        terms = [*frame.parts[i].tolist(), frame.b[i].item()]
        total = sum(terms)
        starts = [sum(terms[:k]) for k in range(n + 1)] + [0.0, 0.0]
        for bar, start, width in zip(self._bars, starts, [*terms, total, max(total, 0.0)], strict=True):
            bar.set(x=min(start, start + width), width=abs(width))
        for j, bar in enumerate(self._bars[:n]):
            bar.set_hatch("" if j == i else "///")  # hatched: interference
        names = [f"from x{SUBSCRIPTS[j]}" + (" itself" if j == i else "") for j in range(n)]
        names += [
            f"bias b{SUBSCRIPTS[i]}",
            "sum" if total > -0.005 else "sum, removed",
            f"ReLU: x′{SUBSCRIPTS[i]}",
        ]
        for text, name in zip(self._names, names, strict=True):
            text.set_text(name)
        for text, value in zip(self._numbers, [*terms, total, max(total, 0.0)], strict=True):
            text.set_text(_signed(value))


class _Pairs:
    """Every x_j beside its x'_j."""

    def __init__(self, ax, n: int, high: float):
        places = range(n)
        given = ax.bar([j - 0.19 for j in places], [0.0] * n, width=0.34, color="white", linewidth=1.8)
        back = ax.bar([j + 0.19 for j in places], [0.0] * n, width=0.34)
        for j in places:
            given[j].set_edgecolor(_color(j))
            back[j].set(facecolor=_color(j), edgecolor=_color(j))
        self._given, self._back = given, back
        self._numbers = [ax.text(j + 0.19, 0, "", ha="center", va="bottom") for j in places]
        ax.set(xlim=(-0.5, n - 0.5), ylim=(0, 1.3 * high), yticks=range(int(high) + 1))
        ax.set_xticks(places, [f"feature {j}" if n < 7 else str(j) for j in places])
        ax.set_ylabel("x, x′")
        ax.text(0.995, 0.98, "outlined: x, filled: x′", transform=ax.transAxes, ha="right", va="top")
        ax.spines[["top", "right"]].set_visible(False)
        ax.tick_params(axis="x", length=0)
        self.moving = [*given, *back, *self._numbers]

    def show(self, frame: Steps):
        rows = zip(self._given, self._back, self._numbers, frame.x, frame.x_hat, strict=True)
        for given, back, number, x, x_hat in rows:
            given.set_height(x.item())
            back.set_height(x_hat.item())
            number.set_y(x_hat.item())
            number.set_text(f"{x_hat.item():.2f}")


def _draw_plane(ax, W: Tensor):
    plots.plot_columns(W, ax=ax)
    ax.set(xticks=(-1, 0, 1), yticks=(-1, 0, 1))
    for line in ax.lines:
        line.set_alpha(0.35)
    path = [ax.plot([], [], color=_color(j), linewidth=5)[0] for j in range(W.shape[1])]
    (foot,) = ax.plot([], [], color="black", linestyle=":", linewidth=1.5)
    (h,) = ax.plot([], [], color="black", marker="*", markersize=14, linestyle="", zorder=5)
    reach = max(1.7, W.norm(dim=0).max().item() + 0.3, W.clamp(min=0).sum(-1).max().item() + 0.2)
    reach = max(reach, -W.clamp(max=0).sum(-1).min().item() + 0.2)
    ax.set(xlim=(-reach, reach), ylim=(-reach, reach))
    ax.text(0.02, 0.98, "★ h, sum of the thick lines", transform=ax.transAxes, va="top")
    return path, h, foot


def _sentence(frame: Steps, i: int) -> str:
    own, total, x_hat = frame.parts[i, i].item(), frame.sums[i].item(), frame.x_hat[i].item()
    others = frame.parts[i].sum().item() - own
    k = SUBSCRIPTS[i]
    into = (
        f"h = ({_signed(frame.h[0].item())}, {_signed(frame.h[1].item())}). Output {i} receives {_signed(own)} from x{k} "
        f"itself, {_signed(others)} of interference and {_signed(frame.b[i].item())} of bias, together {_signed(total)}"
    )
    if total > -0.005:
        out = f": that is x′{k} = {x_hat:.2f}, where x{k} = {frame.x[i].item():.2f}."
    else:
        out = f"; the ReLU removes it, so x′{k} = 0, where x{k} = {frame.x[i].item():.2f}."
    error = (frame.x - frame.x_hat).square().sum().item()
    removed = int((frame.sums < -1e-5).sum())
    outputs = "sum" if removed == 1 else "sums"
    return f"{into}{out} In all the ReLU removes {removed} negative {outputs}; the squared errors add up to {error:.3f}."


def _signed(value: float) -> str:
    return f"{value:+.2f}".replace("-", "−") if abs(value) >= 0.005 else "0.00"


def _color(j: int) -> str:
    return plots.FEATURE_COLORS[j % len(plots.FEATURE_COLORS)]


def _within(n: int, values: dict) -> dict:
    fits = {name: value for name, value in values.items() if name[0] != "x" or int(name[1:]) < n}
    return fits | {f"x{j}": 0.0 for j in range(3, n)}


def _weights_of(model: ToyModel) -> tuple[Tensor, Tensor]:
    W, b = model.W.detach().clone().float(), model.b_final.detach().clone().float()
    if W.ndim != 2 or W.shape[0] != 2 or not 2 <= W.shape[1] <= MOST_FEATURES:
        raise ValueError(
            f"model must have two dimensions, 2 to {MOST_FEATURES} features and no instances, W of shape (2, n); "
            f"got {tuple(W.shape)}."
        )
    return W, b


@cache
def _weights(name: str) -> tuple[Tensor, Tensor]:
    if name == "trained":
        model = ToyModel(5, 2, generator=torch.Generator().manual_seed(0))
        train(model, SparseFeatures(5, 0.05), progress=False)
        return _weights_of(model)
    if name == "unit pentagon":
        return theory.polygon(5), torch.zeros(5)
    # The dropped feature answers with its mean, as on one time in twenty.
    return theory.polygon(4, 5), torch.tensor([0.0, 0.0, 0.0, 0.0, 0.025])


def _code_of_weights(name: str | None, own: tuple[Tensor, Tensor] | None) -> str:
    if name == "trained":
        return """from tms_edu import SparseFeatures, ToyModel, train
model = ToyModel(5, 2, generator=torch.Generator().manual_seed(0))
train(model, SparseFeatures(5, 0.05), progress=False)
W, b = model.W.detach(), model.b_final.detach()"""
    if own is not None:
        W, b = [[round(w, 4) for w in row] for row in own[0].tolist()], [round(v, 4) for v in own[1].tolist()]
        return f"W = torch.tensor({W})\nb = torch.tensor({b})"
    size = "5" if name == "unit pentagon" else "4, 5"
    b = "torch.zeros(5)" if name == "unit pentagon" else "torch.tensor([0, 0, 0, 0, 0.025])"
    return f"from tms_edu import theory\nW, b = theory.polygon({size}), {b}"
