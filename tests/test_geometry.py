import math

import pytest
import torch

from tms_edu import (
    dimensions_per_feature,
    feature_dimensionality,
    feature_norms,
    gram,
    interference,
    read_gram,
)
from tms_edu.theory import polygon

EVERY_FUNCTION = [gram, feature_norms, interference, feature_dimensionality, dimensions_per_feature]


def tight_frames():
    tetrahedron = torch.tensor([[1.0, 1, -1, -1], [1, -1, 1, -1], [1, -1, -1, 1]]) / 3**0.5
    for k in (3, 5, 6, 7):
        yield polygon(k), 2 / k
    yield torch.tensor([[1.0, -1.0]]), 1 / 2
    yield tetrahedron, 3 / 4
    yield antiprism(), 3 / 8
    yield torch.eye(4), 1.0


def antiprism():
    """Eight unit vectors with equal shares of three dimensions: two squares turned by 45°, each at height ±1/√3."""
    turns = torch.arange(8) * math.pi / 4
    height = torch.tensor([1.0, -1.0]).repeat(4) / 3**0.5
    return torch.stack([turns.cos() * (2 / 3) ** 0.5, turns.sin() * (2 / 3) ** 0.5, height])


@pytest.mark.parametrize("W, share", list(tight_frames()))
def test_n_unit_vectors_that_share_d_dimensions_evenly_have_d_over_n_each(W, share):
    assert torch.allclose(feature_dimensionality(W), torch.full((W.shape[1],), share), atol=1e-6)
    assert torch.allclose(feature_dimensionality(1.7 * W), torch.full((W.shape[1],), share), atol=1e-6)
    assert dimensions_per_feature(W).item() == pytest.approx(share, abs=1e-6)


def test_dimensions_per_feature_is_not_the_mean_of_the_feature_dimensionalities():
    trained = 1.1346 * polygon(5)
    assert feature_dimensionality(trained).mean().item() == pytest.approx(0.4, abs=1e-5)
    assert dimensions_per_feature(trained).item() == pytest.approx(0.311, abs=1e-3)


def test_dimensionalities_never_add_up_to_more_than_the_rank():
    W = torch.randn(200, 6, 11, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    W[:100, 3:] = 0
    total = feature_dimensionality(W).sum(-1)
    assert (total[:100] <= 3 + 1e-9).all() and (total[100:] <= 6 + 1e-9).all()


def test_interference_is_what_the_definition_says_entry_by_entry():
    W = torch.randn(3, 5, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    for i in range(5):
        for j in range(5):
            expected = 0.0 if i == j else ((W[:, i] / W[:, i].norm()) @ W[:, j]).item() ** 2
            assert interference(W)[i, j].item() == pytest.approx(expected, abs=1e-6)


def test_rotating_the_hidden_space_changes_nothing_that_is_read_here():
    generator = torch.Generator().manual_seed(0)
    W = torch.randn(4, 7, generator=generator, dtype=torch.float64)
    Q = torch.linalg.qr(torch.randn(4, 4, generator=generator, dtype=torch.float64)).Q
    for function in EVERY_FUNCTION:
        assert torch.allclose(function(Q @ W), function(W))


@pytest.mark.parametrize("function", EVERY_FUNCTION)
def test_leading_axes_give_what_each_matrix_gives_alone(function):
    W = torch.randn(2, 3, 4, 6, generator=torch.Generator().manual_seed(0))
    W[1, 2, :, 0] = 0
    together = function(W)
    for i in range(2):
        for j in range(3):
            assert torch.allclose(together[i, j], function(W[i, j]), atol=1e-6)


@pytest.mark.parametrize("function", EVERY_FUNCTION)
@pytest.mark.parametrize("scale", [0.0, 1e-30, 1e-12, 1e12])
def test_zero_columns_and_extreme_scales_give_no_nan(function, scale):
    W = torch.randn(3, 5, generator=torch.Generator().manual_seed(0)) * scale
    W[:, 2] = 0
    assert function(W).isfinite().all() or (scale == 1e-30 and function is dimensions_per_feature)
    assert feature_dimensionality(W)[2] == 0 and interference(W)[2].sum() == 0


def test_dimensionality_does_not_depend_on_scale():
    W = torch.randn(3, 5, generator=torch.Generator().manual_seed(0))
    for scale in (1e-12, 1e12):
        assert torch.allclose(feature_dimensionality(W * scale), feature_dimensionality(W), atol=1e-5)


def test_gradients_pass_a_zero_column():
    W = torch.tensor([[1.0, 0.0], [0.0, 0.0]], requires_grad=True)
    (feature_dimensionality(W).sum() + interference(W).sum()).backward()
    assert W.grad.isfinite().all()


@pytest.mark.plain
@pytest.mark.parametrize("function", EVERY_FUNCTION)
@pytest.mark.parametrize(
    "wrong, message",
    [
        (torch.rand(5), "must have shape"),
        (torch.tensor([[1, 2], [3, 4]]), "floating-point"),
        (torch.tensor([[1.0, float("nan")]]), "must be finite"),
        (torch.tensor([[1.0, float("inf")]]), "must be finite"),
        ([[1.0, 2.0]], "must be a torch tensor"),
        (torch.zeros(0, 3), "no axis empty"),
        (torch.zeros(2, 0), "no axis empty"),
    ],
)
def test_what_is_no_weight_matrix_is_refused(function, wrong, message):
    with pytest.raises(ValueError, match=message):
        function(wrong)


def test_a_hand_written_matrix_is_read_feature_by_feature():
    W = torch.tensor([[1.0, 0.0, 0.0, 0.0, 0.05], [0.0, 1.0, -0.9, 0.0, 0.0]])
    reading = read_gram(gram(W), torch.tensor([0.0, 0.0, 0.0, 0.2, 0.1]))
    assert reading.status == ["recovered", "superposed", "superposed", "dropped", "dropped"]
    assert reading.features[1].partners == {2: pytest.approx(-0.9)}
    assert reading.features[2].norm == pytest.approx(0.9) and reading.features[3].bias == pytest.approx(0.2)
    assert reading.shape == "one digon, one recovered and two dropped"
    assert str(reading) == (
        "Feature 0 is recovered, with no interference. Features 1 and 2 are superposed in one dimension as a digon; "
        "their interference is −0.90. Features 3 and 4 are dropped (biases from +0.10 to +0.20)."
    )


@pytest.mark.parametrize(
    "k, name", [(3, "triangle"), (5, "pentagon"), (6, "hexagon"), (7, "heptagon"), (8, "octagon")]
)
def test_regular_polygons_are_named_however_they_are_turned_or_numbered(k, name):
    turn = torch.tensor([[math.cos(0.3), -math.sin(0.3)], [math.sin(0.3), math.cos(0.3)]])
    W = 1.1 * turn @ polygon(k)[:, torch.randperm(k, generator=torch.Generator().manual_seed(0))]
    reading = read_gram(gram(W))
    assert reading.shape == name and reading.groups[0].dimensions == 2


def test_other_arrangements_are_named():
    tetrahedron = next(W for W, share in tight_frames() if share == 3 / 4)
    assert read_gram(gram(tetrahedron)).shape == "tetrahedron"
    assert read_gram(gram(antiprism())).shape == "square antiprism"
    assert read_gram(gram(polygon(4))).shape == "two digons"
    assert read_gram(torch.eye(3)).shape == "three recovered"
    assert read_gram(torch.zeros(3, 3)).shape == "three dropped"
    bent = torch.tensor([[1.0, 0.6, -0.3], [0.0, 0.8, 0.9]])
    assert read_gram(gram(bent)).groups[0].shape is None
    assert read_gram(gram(bent)).shape == "three features in 2D"


def test_thresholds_are_arguments():
    G = torch.tensor([[1.0, 0.2], [0.2, 0.3]])
    assert read_gram(G).status == ["superposed", "superposed"]
    assert read_gram(G, interferes_above=0.25).status == ["recovered", "recovered"]
    assert read_gram(G, represented_above=0.5).status == ["superposed", "dropped"]


def test_a_threshold_of_zero_is_one():
    G = torch.tensor([[0.0, 0.5], [0.5, 1.0]])
    assert read_gram(G, represented_above=0.0).status == ["superposed", "superposed"]


def test_many_matrices_are_read_one_by_one():
    W = torch.stack([torch.eye(2), torch.tensor([[1.0, -1.0], [0.0, 0.0]])])
    readings = read_gram(gram(W), torch.zeros(2, 2))
    assert [reading.shape for reading in readings] == ["two recovered", "digon"]


@pytest.mark.plain
@pytest.mark.parametrize(
    "matrix, b, message",
    [
        (torch.rand(2, 5), None, "Did you pass W"),
        (torch.tensor([[1.0, 0.5], [0.0, 1.0]]), None, "symmetric"),
        (torch.tensor([[-1.0, 0.0], [0.0, 1.0]]), None, "negative entry"),
        (torch.full((2, 2), float("nan")), None, "finite"),
        (torch.eye(2, dtype=torch.int64), None, "floating-point"),
        (torch.eye(3), torch.zeros(2), "b must have shape"),
        (torch.zeros(0, 0), None, "no axis empty"),
    ],
)
def test_what_is_no_gram_matrix_is_refused(matrix, b, message):
    with pytest.raises(ValueError, match=message):
        read_gram(matrix, b)


@pytest.mark.parametrize("order", [(0, 1, 2, 3, 4), (2, 3, 4, 0, 1)])
def test_an_arrangement_has_one_name_whatever_the_order_of_its_features(order):
    W = torch.tensor([[1.0, -1.0, 0.0, 0.0, 0.0], [0.0, 0.0, 0.9, 0.3, 0.3]])[:, list(order)]
    assert read_gram(gram(W)).shape == "one digon, one feature in 1D and two dropped"


# What the sentences say in corners


def reading_of(W, b=None):
    return read_gram(gram(torch.tensor(W)), None if b is None else torch.tensor(b))


def test_who_is_too_faint_to_count_is_named_by_those_who_hear_it():
    reading = reading_of([[1.0, -0.4, 0.0], [0.0, 0.0, 1.0]])
    assert reading.shape == "one feature in 1D, one recovered and one dropped"
    assert str(reading) == (
        "Feature 2 is recovered, with no interference. Feature 0 is superposed with feature 1, which counts as dropped; "
        "its interference is −0.40. Feature 1 is dropped."
    )
    both = str(reading_of([[1.0, 0.3, 0.4], [0.0, 0.0, 0.0]]))
    assert (
        "Feature 0 is superposed with features 1 and 2, which count as dropped; its interference runs from +0.30 to +0.40."
        in both
    )
    pair = str(reading_of([[1.0, -1.0, 0.3], [0.0, 0.0, 0.0]]))
    assert (
        "Features 0 and 1 are superposed in one dimension as a digon, and with feature 2, which counts as dropped; "
        in pair
    )
    assert "their interference runs from −1.00 to +0.30." in pair


def test_a_dead_output_is_told_from_a_living_dropped_one():
    W = [[1.0, 0.0, 0.0, 0.0], [0.0, 1.0, 0.0, 0.0]]
    alone = "Features 0 and 1 are recovered, with no interference. "
    assert str(reading_of(W, [0.0, 0.0, 0.1, -0.2])) == (
        f"{alone}Feature 2 is dropped (bias +0.10). Feature 3 is dropped and dead, 0 for every input (bias −0.20)."
    )
    assert str(reading_of(W, [0.0, 0.0, -0.3, -0.2])).endswith(
        "Features 2 and 3 are dropped and dead, 0 for every input (biases from −0.30 to −0.20)."
    )
    assert str(reading_of(W, [0.0, 0.0, 0.0, 0.0])) == f"{alone}Features 2 and 3 are dropped (bias 0)."
    assert [f.dead for f in reading_of(W, [0.0, 0.0, 0.1, -0.2]).features] == [False, False, False, True]


@pytest.mark.parametrize("seed", range(20))
def test_dead_outputs_are_those_that_no_input_wakes(seed):
    generator = torch.Generator().manual_seed(seed)
    W = 0.7 * torch.randn(3, 6, generator=generator)
    b = -2 * torch.rand(6, generator=generator)
    corners = torch.cartesian_prod(*[torch.tensor([0.0, 1.0])] * 6)  # the largest sum is reached in a corner
    awake = (torch.relu(corners @ gram(W) + b) > 0).any(0)
    assert [feature.dead for feature in read_gram(gram(W), b).features] == (~awake).tolist()


def test_a_recovered_feature_with_a_bias_does_not_come_back_as_it_was():
    told = str(read_gram(torch.eye(2), torch.tensor([-0.5, 0.0])))
    assert told == (
        "Feature 1 is recovered, with no interference. "
        "Feature 0 would be recovered, with no interference, but for its bias −0.50."
    )
    told = str(read_gram(torch.eye(2), torch.tensor([-0.5, 0.3])))
    assert (
        told
        == "Features 0 and 1 would be recovered, with no interference, but for their biases from −0.50 to +0.30."
    )
    assert str(read_gram(torch.eye(1), torch.tensor([-1.5]))).endswith(
        "Output 0 is dead, 0 for every input (bias −1.50)."
    )
    assert (
        str(read_gram(torch.eye(2), torch.tensor([-0.02, 0.05])))
        == "Features 0 and 1 are recovered, with no interference."
    )


def test_a_chain_is_told_from_a_group_in_which_each_interferes_with_each():
    chain = torch.tensor([[1.0, 0.4, 0.0], [0.0, 0.4, 1.0]])
    reading = read_gram(gram(chain))
    assert reading.shape == "three features in 2D"
    assert str(reading) == (
        "Features 0, 1 and 2 are superposed in two dimensions, not all with one another: 0 with 1 and 1 with 2; "
        "their interference is +0.40."
    )
    bent = torch.tensor([[1.0, 0.6, -0.3], [0.0, 0.8, 0.9]])
    assert "one another" not in str(read_gram(gram(bent)))
    ring = torch.eye(6) + 0.3 * (torch.eye(6).roll(1, 0) + torch.eye(6).roll(-1, 0))
    assert "superposed in six dimensions, not all with one another; their" in str(read_gram(ring))


def test_how_many_dimensions_a_group_spans_does_not_depend_on_its_lengths():
    W = torch.tensor([[2.0, 0.3], [0.0, 0.45]])
    for scale in (torch.ones(2), torch.tensor([1.0, 2.0]), torch.tensor([3.0, 1.0])):
        assert read_gram(gram(W * scale)).groups[0].dimensions == 2


@pytest.mark.parametrize(("n", "m"), [(40, 5), (60, 30)])
def test_partners_and_groups_are_those_of_the_definition(n, m):
    W = torch.nn.functional.normalize(torch.randn(m, n, generator=torch.Generator().manual_seed(n)), dim=0)
    W[:, ::3] *= 0.4
    G = gram(W)
    reading = read_gram(G, interferes_above=0.3)
    for i, feature in enumerate(reading.features):
        touched = {j: G[i, j].item() for j in range(n) if j != i and G[i, j].abs() >= 0.3}
        assert feature.partners == pytest.approx(touched) and feature.norm == pytest.approx(
            W[:, i].norm().item()
        )
    group_of = {i: set(group.members) for group in reading.groups for i in group.members}
    assert sorted(group_of) == reading.indices("superposed")
    for i, members in group_of.items():
        linked = {j for j in reading.features[i].partners if reading.status[j] == "superposed"}
        assert linked <= members and all(group_of[j] == members for j in linked)
