"""What notebook 04 says in numbers, over many seeds."""

from pathlib import Path

import nbformat
import pytest
import torch

from tms_edu import SparseFeatures, ToyModel, checks, gram, read_gram, reconstruction_loss, theory, train

NOTEBOOK = Path(__file__).parents[2] / "notebooks" / "04_why_w_transpose.ipynb"
FEATURES = SparseFeatures(5, 0.1)


def shown(name: str) -> dict:
    """Run the cell of the notebook that defines `name`, without what follows the definition."""
    cells = [c.source for c in nbformat.read(NOTEBOOK, as_version=4).cells if c.cell_type == "code"]
    source = next(s for s in cells if f"class {name}" in s or f"def {name}" in s)
    namespace = {"torch": torch, "theory": theory, "train": train, "SparseFeatures": SparseFeatures}
    lines = source.splitlines()
    start = next(k for k, line in enumerate(lines) if f"class {name}" in line or f"def {name}" in line)
    stop = next((k for k in range(start + 1, len(lines)) if lines[k][:1].strip()), len(lines))
    exec("\n".join(lines[start:stop]), namespace)
    return namespace[name]


FreeDecoder, Decoder = shown("FreeDecoder"), shown("Decoder")
distance_from_transpose = shown("distance_from_transpose")


def trained(kind: str, seed: int = 0, count: int = 48):
    torch.manual_seed(seed)
    model = (
        ToyModel(5, 2, instances=(count,)) if kind == "tied" else FreeDecoder(5, 2, (count,), "ReLU" in kind)
    )
    if kind == "ReLU from Wᵀ":
        model.W_dec.data = model.W.data.mT.clone()
    train(model, FEATURES, seed=seed, progress=False)
    return model


def loss(model, rows: int = 20_000, batches: int = 5):
    """Average over many rows, with the empty ones at their exact weight."""
    generator, empty = torch.Generator().manual_seed(9), FEATURES.empty_probability
    with torch.no_grad():
        total = model(torch.zeros(*model.instances, 1, 5)).square().sum(-1)[..., 0] * empty
        for _ in range(batches):
            x = FEATURES.sample_active(rows, generator=generator).expand(*model.instances, rows, 5)
            total = total + (1 - empty) * reconstruction_loss(x, model(x)) / batches
    return total


@pytest.fixture(scope="module")
def models():
    return {kind: trained(kind) for kind in ("tied", "linear", "ReLU")}


def hears(model):
    return (model.W_dec @ model.W).detach()


def test_a_tied_model_ends_at_0_026_and_nearly_always_in_the_same_place(models):
    assert loss(models["tied"]).median() == pytest.approx(0.0263, abs=0.0005)
    readings = read_gram(gram(models["tied"].W.data), models["tied"].b_final.data)
    assert sum(reading.shape == "pentagon" for reading in readings) >= 45


@pytest.fixture(scope="module")
def free_losses():
    return {
        kind: [(model, loss(model, batches=2)) for model in (trained(kind, seed) for seed in range(4))]
        for kind in ("ReLU", "ReLU from Wᵀ")
    }


def test_from_random_starts_one_free_model_in_five_ends_lower_and_the_others_higher(free_losses):
    lucky = aside = 0
    x = FEATURES.sample(20_000, generator=torch.Generator().manual_seed(1)).expand(48, 20_000, 5)
    for model, found in free_losses["ReLU"]:
        lower, higher = found < 0.018, found > 0.029
        assert (found[lower] > 0.0155).all()
        lucky, aside = lucky + lower.sum(), aside + (~(lower | higher)).sum()
        with torch.no_grad():
            given_up = ((x - model(x)).square().mean(-2) > 0.02).sum(-1)
        assert (given_up[lower] == 0).all() and (given_up[higher] >= 1).all()
        assert ((given_up >= 1) & (given_up <= 3)).sum() >= 0.8 * higher.sum()
    assert 0.13 <= lucky / 192 <= 0.3 and aside <= 2


def test_from_the_transpose_nearly_all_free_models_save_forty_percent_and_leave_it_behind(free_losses):
    found = torch.cat([found for _, found in free_losses["ReLU from Wᵀ"]])
    assert (found < 0.018).sum() >= 188 and found.median() == pytest.approx(0.016, abs=0.0007)
    assert 1 - found.median() / 0.0263 == pytest.approx(0.4, abs=0.03)
    for model, found in free_losses["ReLU from Wᵀ"]:
        good = found < 0.018
        assert (distance_from_transpose(model)[good] > 0.9).all()
        lowest = hears(model).amin((-2, -1))[good]
        assert (lowest < -15).all() and lowest.median() == pytest.approx(-30, abs=4)


def test_without_relu_the_decoder_is_the_transpose_in_another_basis(models):
    p, model = 0.1, models["linear"]
    keep_two = 3 * (p / 3 - p**2 / 4)
    assert keep_two == pytest.approx(0.0925) and (loss(model) - keep_two).abs().max() < 0.002
    assert (distance_from_transpose(model) < 0.01).all()
    assert ((model.W_dec - model.W.mT).norm(dim=(-2, -1)) > 0.1).all()


def test_a_change_of_basis_leaves_every_output_as_it_is(models):
    model, A = (
        models["ReLU"],
        torch.randn(2, 2, generator=torch.Generator().manual_seed(0)) + 2 * torch.eye(2),
    )
    x = torch.rand(48, 9, 5)
    before = model(x).detach()
    changed = FreeDecoder(5, 2, (48,))
    changed.load_state_dict(model.state_dict())
    changed.W.data, changed.W_dec.data = torch.linalg.inv(A) @ model.W.data, model.W_dec.data @ A
    assert torch.allclose(changed(x), before, atol=1e-3)


def test_tied_by_copying_after_each_step_still_ends_at_the_pentagon():
    torch.manual_seed(0)
    model = FreeDecoder(5, 2, (16,))
    optimizer = torch.optim.Adam(model.parameters(), lr=0.03)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=800)
    generator = torch.Generator().manual_seed(0)
    for _ in range(800):
        model.W_dec.data = model.W.data.mT.clone()
        x = FEATURES.sample(256, instances=(16,), generator=generator)
        optimizer.zero_grad()
        reconstruction_loss(x, model(x)).sum().backward()
        optimizer.step()
        schedule.step()
    readings = read_gram(gram(model.W.data), model.b_final.data)
    assert [reading.shape for reading in readings] == ["pentagon"] * 16


def test_a_copy_hides_half_of_the_slope_along_the_gradient():
    shares = []
    for seed in range(16):
        generator = torch.Generator().manual_seed(seed)
        x = FEATURES.sample(2000, generator=generator).double()
        W = torch.randn(2, 5, generator=generator).double()

        def value(W, W_dec, x=x):
            return (x - torch.relu(x @ W.T @ W_dec.T)).square().sum(1).mean()  # in double precision

        one, other = W.clone().requires_grad_(), W.clone().requires_grad_()
        value(one, one.T).backward()
        value(other, W.T).backward()
        nudge = one.grad / one.grad.norm()
        up, down = W + 1e-5 * nudge, W - 1e-5 * nudge
        measured = (value(up, up.T) - value(down, down.T)) / 2e-5
        assert (one.grad * nudge).sum() == pytest.approx(measured.item(), rel=1e-3)
        shares.append(((other.grad * nudge).sum() / measured).item())
        # Stretching W on one of its ways does to W_dec W what stretching it on the other does.
        assert (other.grad * W).sum() == pytest.approx((one.grad * W).sum().item() / 2, rel=1e-6)
    assert 0.48 < min(shares) and max(shares) < 0.52


def test_at_the_pentagon_both_parts_of_the_slope_vanish():
    best_W, best_b, _ = theory.optimum(FEATURES, 2)
    x = FEATURES.sample(400_000, generator=torch.Generator().manual_seed(0)).double()
    down, up = best_W.clone().requires_grad_(), best_W.clone().requires_grad_()
    (x - torch.relu(x @ down.T @ up + best_b)).square().sum(1).mean().backward()
    W = torch.randn(2, 5, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    other = W.clone().requires_grad_()
    (x - torch.relu(x @ other.T @ W)).square().sum(1).mean().backward()
    assert max(down.grad.norm(), up.grad.norm()) < 0.005 and other.grad.norm() > 0.2


def test_sharing_memory_ends_with_a_move():
    shared = FreeDecoder(5, 2)
    shared.W_dec.data = shared.W.data.T
    shared.W.data[0, 0] = 7.0
    assert shared.W_dec[0, 0] == 7
    shared.double().float()
    shared.W.data[0, 0] = 8.0
    assert shared.W_dec[0, 0] == 7


@pytest.mark.parametrize("n, m", [(3, 2), (5, 2), (20, 10), (7, 6)])
def test_columns_come_no_closer_to_orthonormal_than_the_root_of_n_minus_m(n, m):
    W = torch.randn(2000, m, n, generator=torch.Generator().manual_seed(n)) * torch.rand(2000, 1, 1)
    distance = (gram(W) - torch.eye(n)).norm(dim=(-2, -1))
    assert distance.min() >= (n - m) ** 0.5 - 1e-4
    closest = torch.eye(m, n)
    assert (gram(closest) - torch.eye(n)).norm() == pytest.approx((n - m) ** 0.5)


def test_three_lines_in_the_plane_stand_at_60_degrees_at_best():
    angle = torch.linspace(0, torch.pi, 721, dtype=torch.float64)
    first, second = torch.meshgrid(angle, angle, indexing="ij")
    worst = torch.stack([first.cos(), second.cos(), (first - second).cos()]).abs().amax(0)
    assert worst.min() == pytest.approx(0.5, abs=1e-6)


@pytest.mark.parametrize("n, m", [(3, 3), (10, 20), (4, 9)])
def test_the_best_decoder_is_as_far_from_the_transpose_as_the_columns_from_orthonormal(n, m):
    generator = torch.Generator().manual_seed(m)
    Q = torch.linalg.qr(torch.randn(16, m, n, generator=generator, dtype=torch.float64)).Q
    aside = torch.randn(16, m, n, generator=generator, dtype=torch.float64)
    for size in (1e-2, 1e-3, 1e-4):
        W = Q + size * aside / m
        V, E = torch.linalg.pinv(W), gram(W) - torch.eye(n)
        ratio = (V - W.mT).norm(dim=(-2, -1)) / E.norm(dim=(-2, -1))
        assert (ratio - 1).abs().max() < 5 * size
        assert torch.allclose(V, torch.linalg.inv(gram(W)) @ W.mT)


def test_the_pentagons_best_decoder_is_shorter_without_relu_and_longer_with_it():
    W = theory.polygon(5)
    assert torch.allclose(W @ W.T, 2.5 * torch.eye(2), atol=1e-6)
    assert torch.allclose(torch.linalg.pinv(W), 0.4 * W.T, atol=1e-6)
    best_W, best_b, _ = theory.optimum(FEATURES, 2)
    lengths = best_W.norm(dim=0)
    assert (lengths - 1.10).abs().max() < 0.005 and (best_b + 0.21).abs().max() < 0.005
    for seed in range(16):
        model = train(Decoder(W), FEATURES, seed=seed, progress=False).model
        factor = (model.V * W.T).sum().item() / 5
        assert factor == pytest.approx(1.21, abs=0.03)
        assert (model.V - factor * W.T).norm() < 0.05 * model.V.norm()
        assert (model.b_final + 0.21).abs().max() < 0.03


@pytest.mark.parametrize(
    "observed, option",
    [
        ((48, 0), "Lower from every start"),
        ((0, 48), "Higher from every start"),
        ((0, 0), "The same"),
        ((5, 43), "Lower from some starts"),
    ],
)
def test_prediction_7_knows_every_count_of_starts(observed, option):
    assert f"“{option}" in checks.reveal("04.7", observed).message
    checks.forget("04")


def test_a_size_written_into_the_class_is_found():
    class TwoByFive(torch.nn.Module):
        def __init__(self, n, m):
            super().__init__()
            self.W, self.b = torch.nn.Parameter(torch.randn(2, 5)), torch.nn.Parameter(torch.zeros(5))

        def forward(self, x):
            return torch.relu(x @ self.W.T @ self.W + self.b)

    found = checks.check_tied(TwoByFive)
    assert found.status == "nearly" and "n = 7 and m = 3" in found.message


def test_e_w_transposed_is_as_long_as_e_near_orthonormal_columns():
    generator = torch.Generator().manual_seed(0)
    W = torch.linalg.qr(torch.randn(64, 20, 10, generator=generator).double()).Q
    E = torch.randn(64, 10, 10, generator=generator).double()
    assert torch.allclose((E @ W.mT).norm(dim=(-2, -1)), E.norm(dim=(-2, -1)))
