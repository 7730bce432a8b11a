"""What W says: pure functions of the weights, any leading axes, and a reading of the Gram matrix in words."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from tms_edu._validate import require, require_float
from tms_edu.wording import counted, join, listed, number_word, signed

W_AXES = "(*instances, d_hidden, n_features)"
TINT = 0.1  # about the faintest colour that shows on a scale from -1 to 1


def gram(
    W: Float[Tensor, "*instances d_hidden n_features"],
) -> Float[Tensor, "*instances n_features n_features"]:
    """Multiply every column with every column, WᵀW.

    Entry [i, j] is W_i·W_j: on the diagonal how strongly feature i is represented, ‖W_i‖²; off it, how much i and j
    get in each other's way (paper, "Demonstrating superposition").

    Raises:
        ValueError: if W is not a finite floating-point tensor with two axes or more, none of them empty (so for every function here).

    >>> gram(torch.tensor([[1.0, 0.0, -1.0]]))
    tensor([[ 1.,  0., -1.],
            [ 0.,  0., -0.],
            [-1., -0.,  1.]])
    """
    require_float("W", W, W_AXES, 2)
    return W.mT @ W


def feature_norms(
    W: Float[Tensor, "*instances d_hidden n_features"],
) -> Float[Tensor, "*instances n_features"]:
    """Measure the length of each column, ‖W_i‖: 0 for a feature that is not represented.

    >>> feature_norms(torch.tensor([[3.0, 0.0], [4.0, 0.0]]))
    tensor([5., 0.])
    """
    require_float("W", W, W_AXES, 2)
    return W.norm(dim=-2)


def interference(
    W: Float[Tensor, "*instances d_hidden n_features"],
) -> Float[Tensor, "*instances n_features n_features"]:
    """Measure how much of feature j is seen when looking along feature i, (Ŵ_i·W_j)² with Ŵ_i = W_i / ‖W_i‖.

    Row i holds what disturbs feature i; its sum is the paper's measure of superposition of i. The diagonal is 0, and so is
    the row of a feature without a direction. Not symmetric: the length of W_j counts, that of W_i does not.

    >>> interference(torch.tensor([[1.0, -2.0]]))
    tensor([[0., 4.],
            [1., 0.]])
    """
    overlap = (_directions(W).mT @ W).square()
    return overlap - torch.diag_embed(overlap.diagonal(dim1=-2, dim2=-1))


def feature_dimensionality(
    W: Float[Tensor, "*instances d_hidden n_features"],
) -> Float[Tensor, "*instances n_features"]:
    """Measure the fraction of a dimension that each feature has to itself.

    D_i = ‖W_i‖² / Σ_j (Ŵ_i·W_j)²   (paper, "The geometry of superposition"); 0 for a zero column.

    Alone in its dimension a feature has 1; each of an antipodal pair has 1/2. The D_i add up to at most the rank of W.

    >>> feature_dimensionality(torch.tensor([[1.0, -1.0, 0.0], [0.0, 0.0, 2.0]]))
    tensor([0.5000, 0.5000, 1.0000])
    """
    directions = _directions(W)
    shared = (directions.mT @ W).square().sum(-1)
    return torch.where(shared > 0, (directions * W).sum(-2).square() / shared.where(shared > 0, 1.0), 0.0)


def dimensions_per_feature(W: Float[Tensor, "*instances d_hidden n_features"]) -> Float[Tensor, "*instances"]:
    """Divide the hidden dimensions by the number of features represented, D* = m / ‖W‖²_F.

    ‖W‖²_F counts features by their squared lengths (paper, "The geometry of superposition"). It is not the mean of
    `feature_dimensionality`. By convention 0 where W is all zero.

    >>> dimensions_per_feature(torch.tensor([[1.0, -1.0, 0.0, 0.0], [0.0, 0.0, 1.0, -1.0]]))
    tensor(0.5000)
    """
    require_float("W", W, W_AXES, 2)
    represented = W.square().sum((-2, -1))
    return torch.where(represented > 0, W.shape[-2] / represented.where(represented > 0, 1.0), 0.0)


def gaps(W: Float[Tensor, "*instances 2 n_features"]) -> Float[Tensor, "*instances n_features"]:
    """Measure the angles in degrees between neighbouring columns in the plane, once around the circle.

    >>> gaps(torch.tensor([[1.0, 0.0, -1.0], [0.0, 1.0, 0.0]])).tolist()
    [90.0, 90.0, 180.0]
    """
    require_float("W", W, W_AXES, 2)
    angles = torch.atan2(W[..., 1, :], W[..., 0, :]).rad2deg().remainder(360).sort(dim=-1).values
    return torch.cat([angles, angles[..., :1] + 360], dim=-1).diff()


def _directions(W: Tensor) -> Tensor:
    require_float("W", W, W_AXES, 2)
    # Scaling by the largest entry first keeps the squares of very short columns from underflowing to a norm of 0.
    largest = W.abs().amax(-2, keepdim=True)
    scaled = W / largest.where(largest > 0, 1.0)
    norms = scaled.norm(dim=-2, keepdim=True)
    return scaled / norms.where(norms > 0, 1.0)


@dataclass(frozen=True)
class FeatureReading:
    """Say what a model did with one feature.

    Attributes:
        index: i.
        status: "recovered", "superposed" or "dropped", by the matrix alone.
        norm: ‖W_i‖.
        bias: b_i, or None if no bias was given.
        partners: the features it interferes with, and the signed W_i·W_j.
        dead: whether the bias keeps output i at 0 for every input with values from 0 to 1.
    """

    index: int
    status: str
    norm: float
    bias: float | None
    partners: dict[int, float]
    dead: bool


@dataclass(frozen=True)
class Group:
    """Collect features that interfere with one another, directly or through others.

    Attributes:
        members: their indices, ascending.
        dimensions: the number of dimensions they span together.
        shape: "digon", "triangle", "tetrahedron", "square antiprism", "pentagon", … if they stand in that regular
            arrangement with nearly equal lengths, else None.
    """

    members: tuple[int, ...]
    dimensions: int
    shape: str | None


@dataclass(frozen=True)
class Reading:
    """Hold what `read_gram` saw; `str(reading)` is what a teacher would say."""

    features: tuple[FeatureReading, ...]
    groups: tuple[Group, ...]

    @property
    def status(self) -> list[str]:
        """List "recovered", "superposed" or "dropped" for each feature."""
        return [feature.status for feature in self.features]

    def indices(self, status: str) -> list[int]:
        """List the features of one status."""
        return [feature.index for feature in self.features if feature.status == status]

    @property
    def shape(self) -> str:
        """Name the arrangement, for example "two digons and one dropped"."""
        # The larger groups first, so that one arrangement has one name, whatever the order of its features.
        sized = sorted(
            (
                -len(group.members),
                group.shape or f"{counted(len(group.members), 'feature')} in {group.dimensions}D",
            )
            for group in self.groups
        )
        names = [name for _, name in sized]
        if len(names) == 1 and len(self.groups[0].members) == len(self.features):
            return names[0]
        told = [_times(names.count(name), name) for name in dict.fromkeys(names)]
        counts = {status: len(self.indices(status)) for status in ("recovered", "dropped")}
        return join([*told, *(f"{number_word(count)} {status}" for status, count in counts.items() if count)])

    def __str__(self) -> str:
        dead = {feature.index for feature in self.features if feature.dead}
        recovered, dropped = {*self.indices("recovered")}, {*self.indices("dropped")}
        tinted = {i for i in recovered if abs(self.features[i].bias or 0) >= TINT}
        sentences = (
            *self._tell("{Features} {are} recovered, with no interference", recovered - tinted),
            *self._tell(
                "{Features} would be recovered, with no interference, but for {their} {bias}", tinted
            ),
            *map(self._superposed, self.groups),
            *self._tell("{Features} {are} dropped{with_bias}", dropped - dead),
            *self._tell("{Features} {are} dropped and dead, 0 for every input{with_bias}", dropped & dead),
            *self._tell("{Outputs} {are} dead, 0 for every input{with_bias}", dead - dropped),
        )
        return " ".join(f"{sentence}." for sentence in sentences)

    def _tell(self, sentence: str, features: set[int]) -> Iterator[str]:
        if found := sorted(features):
            biases = [self.features[i].bias for i in found if self.features[i].bias is not None]
            bias = _between(biases, "bias", "biases from") if biases else ""
            yield sentence.format(
                Features=listed("Feature", found),
                Outputs=listed("Output", found),
                are="is" if len(found) == 1 else "are",
                their="its" if len(found) == 1 else "their",
                bias=bias,
                with_bias=f" ({bias})" if bias else "",
            )

    def _superposed(self, group: Group) -> str:
        partners = {i: self.features[i].partners for i in group.members}
        interference = _between(
            [value for own in partners.values() for value in own.values()], "is", "runs from"
        )
        outside = sorted(set().union(*partners.values()) - partners.keys())
        faint = f"with {listed('feature', outside)}, which count{'s' * (len(outside) == 1)} as dropped"
        if len(partners) == 1:
            return f"Feature {group.members[0]} is superposed {faint}; its interference {interference}"
        name = f" as a {group.shape}" if group.shape else _loosely(partners)
        also = f", and {faint}" if outside else ""
        space = counted(group.dimensions, "dimension")
        return f"{listed('Feature', group.members)} are superposed in {space}{name}{also}; their interference {interference}"


def read_gram(
    gram: Float[Tensor, "*instances n_features n_features"],
    b: Float[Tensor, "*instances n_features"] | None = None,
    *,
    represented_above: float = 0.25,
    interferes_above: float = TINT,
) -> Reading | list:
    """Read a Gram matrix as a person would, feature by feature.

    A feature whose diagonal entry stays below `represented_above` is dropped. One that is represented is superposed with
    every feature whose entry in its row is at least `interferes_above` in size, and recovered if there is none.

    Args:
        gram: WᵀW, (n, n); with leading axes a (nested) list of readings is returned.
        b: the output bias, (n,), told with dropped features, with recovered ones where it shows, and with dead outputs.
        represented_above: threshold for ‖W_i‖². The default is a length of one half.
        interferes_above: threshold for |W_i·W_j|.

    Raises:
        ValueError: if `gram` is not square, symmetric and finite, or `b` does not fit it.

    >>> print(read_gram(torch.tensor([[1.0, 0.0, -1.0], [0.0, 0.0, 0.0], [-1.0, 0.0, 1.0]])))
    Features 0 and 2 are superposed in one dimension as a digon; their interference is −1.00. Feature 1 is dropped.
    """
    _require_gram(gram, b)
    G = gram.detach().cpu().double().numpy()
    bias = np.full(G.shape[:-1], np.nan) if b is None else b.detach().cpu().double().numpy()
    return _read(G, bias, represented_above, interferes_above)


def _require_gram(gram: Tensor, b: Tensor | None) -> None:
    require_float("gram", gram, "(*instances, n_features, n_features)", 2)
    require(
        gram.shape[-1] == gram.shape[-2],
        f"A Gram matrix is square; got shape {tuple(gram.shape)}. Did you pass W? Use gram(W).",
    )
    require(
        torch.allclose(gram, gram.mT, atol=1e-4 * max(1.0, gram.abs().max().item())),
        "A Gram matrix is symmetric, and this one is not: gram[i, j] differs from gram[j, i].",
    )
    require(
        not (gram.diagonal(dim1=-2, dim2=-1) < -1e-6).any(),
        "A Gram matrix has squared lengths on its diagonal, and this one has a negative entry there.",
    )
    if b is not None:
        require_float("b", b, "(*instances, n_features)", 1)
        require(
            b.shape == gram.shape[:-1],
            f"b must have shape {tuple(gram.shape[:-1])} beside this matrix; got {tuple(b.shape)}.",
        )


def _read(G: np.ndarray, b: np.ndarray, represented_above: float, interferes_above: float) -> Reading | list:
    if G.ndim > 2:
        return [_read(*one, represented_above, interferes_above) for one in zip(G, b, strict=True)]
    represented = G.diagonal() >= represented_above
    touches = (np.abs(G) >= interferes_above) & ~np.eye(len(G), dtype=bool)
    superposed = represented & touches.any(1)
    status = np.where(superposed, "superposed", np.where(represented, "recovered", "dropped")).tolist()
    norms = G.diagonal().clip(min=0) ** 0.5
    # With inputs from 0 to 1 an output hears at most the sum of what is positive in its row. A bias that rounds to 0 kills
    # nothing, and NaN stands for no bias.
    dead = (b < -0.005) & (b + G.clip(min=0).sum(1) <= 0)
    # One list for all rows, cut up below: much faster than a call per row.
    partners, values = touches.nonzero()[1].tolist(), G[touches].tolist()
    ends = touches.sum(1).cumsum().tolist()
    features = tuple(
        FeatureReading(
            index=i,
            status=status[i],
            norm=norms[i].item(),
            bias=None if np.isnan(b[i]) else b[i].item(),
            partners=dict(zip(partners[start:end], values[start:end], strict=True)),
            dead=bool(dead[i]),
        )
        for i, (start, end) in enumerate(zip([0, *ends], ends, strict=False))
    )
    return Reading(features, tuple(_group(G, members) for members in _connected(touches, superposed)))


def _connected(touches: np.ndarray, superposed: np.ndarray) -> Iterator[np.ndarray]:
    # A feature that is too faint to count as represented may still disturb others, but it does not tie a group together.
    left = superposed.copy()
    while left.any():
        group = np.zeros_like(left)
        frontier = np.arange(len(left)) == left.argmax()
        while frontier.any():
            group |= frontier
            frontier = touches[frontier].any(0) & left & ~group
        left &= ~group
        yield group.nonzero()[0]


def _group(G: np.ndarray, members: np.ndarray) -> Group:
    lengths = G.diagonal()[members].clip(min=1e-12) ** 0.5
    cosines = G[np.ix_(members, members)] / np.outer(lengths, lengths)
    eigenvalues = torch.linalg.eigvalsh(torch.from_numpy(cosines).float())
    dimensions = int((eigenvalues > 0.1 * eigenvalues[-1]).sum())
    alike = lengths.max() <= 1.25 * lengths.min()
    return Group(tuple(members.tolist()), dimensions, _regular_shape(cosines, dimensions) if alike else None)


def _regular_shape(cosines: np.ndarray, dimensions: int) -> str | None:
    # In each of these arrangements every member sees the others at the same cosines.
    seen = np.sort(cosines, axis=1)[:, :-1]
    fitting = (shape for shape in SHAPES if shape[1:3] == (len(seen), dimensions))
    return next((name for name, *_, expected in fitting if np.abs(seen - expected).max() < 0.15), None)


def _shapes() -> Iterator[tuple[str, int, int, np.ndarray]]:
    for k, name in {3: "triangle", 5: "pentagon", 6: "hexagon", 7: "heptagon", 8: "octagon"}.items():
        yield name, k, 2, np.sort(np.cos(2 * np.pi * np.arange(1, k) / k))
    for k, name in {2: "digon", 4: "tetrahedron", 5: "5-cell"}.items():
        yield name, k, k - 1, np.full(k - 1, -1 / (k - 1))
    # Two squares turned by 45°, all edges equal: radius² = 1 and half-height² = √2 / 4 before scaling.
    turns, heights = np.arange(8) * np.pi / 4, (2**0.5 / 4) ** 0.5 * np.tile([1.0, -1.0], 4)
    points = np.stack([np.cos(turns), np.sin(turns), heights]) / (1 + 2**0.5 / 4) ** 0.5
    yield "square antiprism", 8, 3, np.sort(points[:, 0] @ points[:, 1:])


SHAPES = tuple(_shapes())


def _loosely(partners: dict[int, dict[int, float]]) -> str:
    # Not every two members of a chain interfere.
    within = {i: sorted(own.keys() & partners.keys()) for i, own in partners.items()}
    crossings = sum(map(len, within.values())) // 2
    if crossings == len(partners) * (len(partners) - 1) // 2:
        return ""
    pairs = (
        [f"{i} with {j}" for i, others in within.items() for j in others if i < j] if crossings <= 4 else []
    )
    return ", not all with one another" + (f": {join(pairs)}" if pairs else "")


def _times(number: int, name: str) -> str:
    if " in " in name:
        return name if number == 1 else f"{number_word(number)} times {name}"
    return counted(number, name)


def _between(values: list[float], one: str, several: str) -> str:
    low, high = signed(min(values)), signed(max(values))
    return f"{one} {low}" if low == high else f"{several} {low} to {high}"
