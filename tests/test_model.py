import numpy as np
import pytest
import torch

from tms_edu import ToyModel
from tms_edu.model import HiddenReLU


def test_the_output_is_the_papers_formula():
    model = ToyModel(4, 2)
    torch.nn.init.normal_(model.b_final)
    x = torch.rand(6, 4)
    expected = torch.stack([torch.relu(model.W.T @ model.W @ row + model.b_final) for row in x])
    assert torch.allclose(model(x), expected, atol=1e-6)
    assert torch.allclose(model(x[0]), expected[0], atol=1e-6)


def test_encoder_and_decoder_are_one_parameter():
    model = ToyModel(20, 10)
    assert {name: tuple(p.shape) for name, p in model.named_parameters()} == {"W": (10, 20), "b_final": (20,)}
    assert sum(p.numel() for p in model.parameters()) == 220
    x = torch.rand(3, 20)
    with torch.no_grad():
        model.W.zero_()
    assert (model(x) == 0).all()


def test_instances_are_independent_models():
    model = ToyModel(4, 2, instances=(3, 2))
    torch.nn.init.ones_(model.b_final)  # no output is off for every input
    x = torch.rand(3, 2, 5, 4)
    out = model(x)
    assert out.shape == x.shape
    single = ToyModel(4, 2)
    for i in range(3):
        for j in range(2):
            single.load_state_dict({"W": model.W[i, j].detach(), "b_final": model.b_final[i, j].detach()})
            assert torch.allclose(out[i, j], single(x[i, j]), atol=1e-6)
    out[1, 1].sum().backward()
    assert (model.W.grad[1, 1] != 0).any() and model.W.grad[0].abs().max() == 0


@pytest.mark.parametrize("n, m", [(5, 2), (100, 20)])
def test_the_initial_spread_is_that_of_one_matrix_however_many_stand_side_by_side(n, m):
    generator = torch.Generator().manual_seed(0)
    for instances in [(), (200,), (20, 30)]:
        draws = [
            ToyModel(n, m, instances=instances, generator=generator).W for _ in range(1 if instances else 200)
        ]
        W = torch.stack(draws).detach()
        assert W.std().item() == pytest.approx((2 / (n + m)) ** 0.5, rel=0.05)
        assert abs(W.mean().item()) < 0.05


def test_a_generator_fixes_the_start():
    one, two = (ToyModel(5, 2, generator=torch.Generator().manual_seed(7)) for _ in range(2))
    assert torch.equal(one.W, two.W) and (one.b_final == 0).all()


@pytest.mark.parametrize("instances", [(), (3,)])
def test_a_hidden_relu_cuts_h_where_it_is_negative(instances):
    model = HiddenReLU(4, 2, instances=instances)
    torch.nn.init.normal_(model.b_final)
    x = torch.rand(*instances, 6, 4)
    assert model.hidden(x).shape == (*instances, 6, 2) and (model.hidden(x) >= 0).all()
    W, b = (p.detach().double().numpy() for p in (model.W, model.b_final))
    h = np.maximum(0, x.double().numpy() @ np.swapaxes(W, -1, -2))
    assert (h == 0).any()
    assert np.allclose(model(x).detach().numpy(), np.maximum(0, h @ W + b[..., None, :]), atol=1e-5)


def test_where_h_is_never_negative_a_hidden_relu_changes_nothing():
    one, two = ToyModel(4, 3), HiddenReLU(4, 3)
    with torch.no_grad():
        two.W.copy_(one.W.abs_())
    x = torch.rand(5, 4)
    assert torch.equal(one(x), two(x))
    assert {name: p.shape for name, p in one.named_parameters()} == {
        name: p.shape for name, p in two.named_parameters()
    }


@pytest.mark.plain
def test_numpys_whole_numbers_are_sizes():
    model = ToyModel(np.int64(4), np.int32(2), instances=(np.int8(3),))
    assert model.W.shape == (3, 2, 4) and type(model.n_features) is int and model.instances == (3,)


@pytest.mark.plain
@pytest.mark.parametrize("instances", [3, "3", None, (0,), (2.0,), (True,), [[3]]])
def test_instances_are_a_tuple_of_sizes(instances):
    with pytest.raises(ValueError, match="instances must be a"):
        ToyModel(5, 2, instances=instances)


@pytest.mark.plain
@pytest.mark.parametrize("sizes", [(0, 2), (5, 0), (5, 2.0), (True, 2)])
def test_sizes_below_one_are_refused(sizes):
    with pytest.raises(ValueError, match="must be a whole number, 1 or more"):
        ToyModel(*sizes)


@pytest.mark.plain
def test_an_input_of_the_wrong_shape_is_refused():
    with pytest.raises(ValueError, match=r"5 features on its last axis; got shape \(7, 4\)"):
        ToyModel(5, 2)(torch.rand(7, 4))
    with pytest.raises(ValueError, match="instances, batch, n_features"):
        ToyModel(5, 2, instances=(3,))(torch.rand(5))
