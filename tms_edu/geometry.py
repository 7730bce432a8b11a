"""What W says: pure functions of the weights, any leading axes, and a reading of the Gram matrix in words."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from tms_edu._validate import require_float

W_AXES = "(*instances, d_hidden, n_features)"


def gram(
    W: Float[Tensor, "*instances d_hidden n_features"],
) -> Float[Tensor, "*instances n_features n_features"]:
    """Multiply every column with every column, WᵀW.

    Entry [i, j] is W_i·W_j: on the diagonal how strongly feature i is represented, ‖W_i‖²; off it, how much i and j
    get in each other's way (paper, "Demonstrating superposition").

    Raises:
        ValueError: if W is not a finite floating-point tensor with two axes or more (so for every function here).

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
        status: "recovered", "superposed" or "dropped".
        norm: ‖W_i‖.
        bias: b_i, or None if no bias was given.
        partners: the features it interferes with, and the signed W_i·W_j.
    """

    index: int
    status: str
    norm: float
    bias: float | None
    partners: dict[int, float]


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
    """Hold what `read_gram` saw; `str(reading)` is the sentence a teacher would say."""

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
        names = [
            name
            for _, name in sorted(
                (
                    -len(group.members),
                    group.shape or f"{_counted(len(group.members), 'feature')} in {group.dimensions}D",
                )
                for group in self.groups
            )
        ]
        if len(names) == 1 and len(self.groups[0].members) == len(self.features):
            return names[0]
        counted = [_counted(names.count(name), name) for name in dict.fromkeys(names)]
        for status in ("recovered", "dropped"):
            if self.indices(status):
                counted.append(f"{_number_word(len(self.indices(status)))} {status}")
        return _join(counted)

    def __str__(self) -> str:
        recovered, dropped = self.indices("recovered"), self.indices("dropped")
        sentences = [f"{_features(recovered)} recovered, with no interference"] if recovered else []
        sentences += [self._describe(group) for group in self.groups]
        if dropped:
            sentences.append(f"{_features(dropped)} dropped{self._bias_of(dropped)}")
        return ". ".join(sentences) + "."

    def _describe(self, group: Group) -> str:
        values = [value for i in group.members for value in self.features[i].partners.values()]
        name = f" as a {group.shape}" if group.shape else ""
        space = f"{_number_word(group.dimensions)} dimension{'s' if group.dimensions > 1 else ''}"
        low, high = f"{min(values):+.2f}", f"{max(values):+.2f}"
        between = f"is {low}" if low == high else f"runs from {low} to {high}"
        whose = "its" if len(group.members) == 1 else "their"
        return f"{_features(group.members)} superposed in {space}{name}; {whose} interference {between}"

    def _bias_of(self, indices: list[int]) -> str:
        biases = sorted(self.features[i].bias for i in indices if self.features[i].bias is not None)
        if not biases:
            return ""
        low, high = f"{biases[0]:+.2f}", f"{biases[-1]:+.2f}"
        return f" (bias {low})" if low == high else f" (biases from {low} to {high})"


def read_gram(
    gram: Float[Tensor, "*instances n_features n_features"],
    b: Float[Tensor, "*instances n_features"] | None = None,
    *,
    represented_above: float = 0.25,
    interferes_above: float = 0.1,
) -> Reading | list:
    """Read a Gram matrix as a person would, feature by feature.

    A feature whose diagonal entry stays below `represented_above` is dropped. One that is represented is superposed with
    every feature whose entry in its row is at least `interferes_above` in size, and recovered if there is none.

    Args:
        gram: WᵀW, (n, n); with leading axes a (nested) list of readings is returned.
        b: the output bias, (n,), to be told with the dropped features.
        represented_above: threshold for ‖W_i‖². The default is a length of one half.
        interferes_above: threshold for |W_i·W_j|: about the faintest tint that shows on a scale from -1 to 1.

    Raises:
        ValueError: if `gram` is not square, symmetric and finite, or `b` does not fit it.

    >>> print(read_gram(torch.tensor([[1.0, 0.0, -1.0], [0.0, 0.0, 0.0], [-1.0, 0.0, 1.0]])))
    Features 0 and 2 are superposed in one dimension as a digon; their interference is -1.00. Feature 1 is dropped.
    """
    _require_gram(gram, b)
    if gram.ndim > 2:
        biases = [None] * len(gram) if b is None else b
        limits = {"represented_above": represented_above, "interferes_above": interferes_above}
        return [read_gram(one, bias, **limits) for one, bias in zip(gram, biases, strict=True)]
    G = gram.detach().double()
    represented = G.diagonal() >= represented_above
    touches = (G.abs() >= interferes_above) & ~torch.eye(len(G), dtype=torch.bool, device=G.device)
    superposed = represented & touches.any(-1)
    features = tuple(
        FeatureReading(
            index=i,
            status="superposed" if superposed[i] else "recovered" if represented[i] else "dropped",
            norm=G[i, i].clamp(min=0).sqrt().item(),
            bias=None if b is None else b[i].item(),
            partners={int(j): G[i, j].item() for j in touches[i].nonzero().flatten()},
        )
        for i in range(len(G))
    )
    return Reading(features, tuple(_group(G, members) for members in _connected(touches, superposed)))


def _require_gram(gram: Tensor, b: Tensor | None) -> None:
    require_float("gram", gram, "(*instances, n_features, n_features)", 2)
    if gram.shape[-1] != gram.shape[-2]:
        raise ValueError(
            f"A Gram matrix is square; got shape {tuple(gram.shape)}. Did you pass W? Use gram(W)."
        )
    if not torch.allclose(gram, gram.mT, atol=1e-4 * max(1.0, gram.abs().max().item())):
        raise ValueError(
            "A Gram matrix is symmetric, and this one is not: gram[i, j] differs from gram[j, i]."
        )
    if (gram.diagonal(dim1=-2, dim2=-1) < -1e-6).any():
        raise ValueError(
            "A Gram matrix has squared lengths on its diagonal, and this one has a negative entry there."
        )
    if b is not None:
        require_float("b", b, "(*instances, n_features)", 1)
        if b.shape != gram.shape[:-1]:
            raise ValueError(
                f"b must have shape {tuple(gram.shape[:-1])} beside this matrix; got {tuple(b.shape)}."
            )


def _connected(touches: Tensor, superposed: Tensor) -> list[tuple[int, ...]]:
    # A feature that is too faint to count as represented may still disturb others, but it does not tie a group together.
    groups, left = [], set(superposed.nonzero().flatten().tolist())
    while left:
        group, frontier = set(), {min(left)}
        while frontier:
            group |= frontier
            frontier = {
                j for i in frontier for j in touches[i].nonzero().flatten().tolist() if j in left
            } - group
        left -= group
        groups.append(tuple(sorted(group)))
    return groups


def _group(G: Tensor, members: tuple[int, ...]) -> Group:
    own = G[list(members)][:, list(members)]
    eigenvalues = torch.linalg.eigvalsh(own)
    dimensions = int((eigenvalues > 0.1 * eigenvalues[-1]).sum())
    return Group(members, dimensions, _regular_shape(own, dimensions))


def _regular_shape(own: Tensor, dimensions: int) -> str | None:
    # In each of these arrangements every member sees the others at the same cosines.
    k, lengths = len(own), own.diagonal().sqrt()
    if k == 1 or lengths.max() > 1.25 * lengths.min():
        return None
    cosines = (own / torch.outer(lengths, lengths)).sort(dim=-1).values[:, :-1]
    for name, size, space, expected in _shapes():
        if (size, space) == (k, dimensions) and (cosines - expected).abs().max() < 0.15:
            return name
    return None


def _shapes():
    for k, name in {3: "triangle", 5: "pentagon", 6: "hexagon", 7: "heptagon", 8: "octagon"}.items():
        angles = 2 * torch.pi * torch.arange(1, k, dtype=torch.float64) / k
        yield name, k, 2, angles.cos().sort().values
    for k, name in {2: "digon", 4: "tetrahedron", 5: "5-cell"}.items():
        yield name, k, k - 1, torch.full((k - 1,), -1 / (k - 1), dtype=torch.float64)
    # Two squares turned by 45°, all edges equal: radius² = 1 and half-height² = √2 / 4 before scaling.
    half_height = (2**0.5 / 4) ** 0.5
    turns = torch.arange(8, dtype=torch.float64) * torch.pi / 4
    heights = half_height * torch.tensor([1.0, -1.0]).repeat(4).double()
    points = torch.stack([turns.cos(), turns.sin(), heights])
    cosines = (points / points.norm(dim=0)).T @ (points / points.norm(dim=0))
    yield "square antiprism", 8, 3, cosines[0].sort().values[:-1]


def _features(indices) -> str:
    return f"Feature {indices[0]} is" if len(indices) == 1 else f"Features {_join(indices)} are"


def _join(items) -> str:
    *most, last = [str(item) for item in items]
    return f"{', '.join(most)} and {last}" if most else last


def _number_word(number: int) -> str:
    words = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
    return words[number] if number < len(words) else str(number)


def _counted(number: int, name: str) -> str:
    if " in " in name:
        return name if number == 1 else f"{_number_word(number)} times {name}"
    return f"{_number_word(number)} {name}{'s' if number > 1 else ''}"
