import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from tms_edu import SparseFeatures, ToyModel, feature_norms, read_gram, reconstruction_loss, train, training
from tms_edu import gram as gram_of
from tms_edu.theory import expected_loss, optimum
from tms_edu.training import train_in_chunks


def fresh(n=5, m=2, seed=0, **keywords):
    return ToyModel(n, m, generator=torch.Generator().manual_seed(seed), **keywords)


def test_the_loss_is_the_formula_written_out():
    x, x_hat = torch.rand(2, 7, 4), torch.rand(2, 7, 4)
    importance = torch.tensor([1.0, 0.5, 0.0, 2.0])
    by_hand = [
        sum(
            importance[i].item() * (x[k, row, i] - x_hat[k, row, i]).item() ** 2
            for row in range(7)
            for i in range(4)
        )
        / 7
        for k in range(2)
    ]
    assert reconstruction_loss(x, x_hat, importance).tolist() == pytest.approx(by_hand, rel=1e-5)
    per_instance = reconstruction_loss(x, x_hat, torch.tensor([[1.0], [3.0]]))
    assert torch.allclose(per_instance, reconstruction_loss(x, x_hat) * torch.tensor([1.0, 3.0]))


def test_defaults_reach_the_exact_optimum():
    model = fresh(instances=(16,))
    features = SparseFeatures(5, 0.05)
    train(model, features, progress=False)
    losses = expected_loss(model.W, model.b_final, features)
    best = optimum(features, 2)[2]
    assert losses.median().item() == pytest.approx(best.item(), rel=0.03)
    assert losses.min() >= best * (1 - 1e-6)


def test_the_same_seed_gives_the_same_run_and_another_seed_another():
    runs = [train(fresh(), SparseFeatures(5, 0.1), steps=60, seed=seed, progress=False) for seed in (1, 1, 2)]
    assert torch.equal(runs[0].loss, runs[1].loss) and torch.equal(runs[0].model.W, runs[1].model.W)
    assert not torch.equal(runs[0].loss, runs[2].loss)


def test_chunks_do_not_change_the_result():
    whole = train(fresh(), SparseFeatures(5, 0.1), steps=50, progress=False)
    for chunk in (1, 7, 100):
        *_, run = train_in_chunks(fresh(), SparseFeatures(5, 0.1), steps=50, chunk=chunk)
        assert torch.equal(run.model.W, whole.model.W) and torch.equal(run.loss, whole.loss) and run.done


def test_a_caller_sees_the_run_grow_and_may_leave_it():
    seen = []
    for run in train_in_chunks(fresh(), SparseFeatures(5, 0.1), steps=100, chunk=10):
        seen.append(len(run.steps))
        if len(run.steps) >= 30:
            break
    assert seen == [0, 10, 20, 30] and not run.done
    assert run.loss.shape == (30,) and run.steps == list(range(30))
    assert repr(run).startswith("TrainingRun(30 of 100 steps, last loss ")
    assert run.model.W.isfinite().all()


def test_an_instance_does_not_depend_on_its_neighbours():
    # Its gradient is its own: scaling the neighbour's loss a thousandfold must not move it.
    features, results = SparseFeatures(5, 0.1), []
    for neighbour in (1.0, 1000.0):
        model = fresh(instances=(2,))
        train(model, features, importance=torch.tensor([[1.0], [neighbour]]), steps=50, progress=False)
        results.append(model.W[0].detach().clone())
    assert torch.allclose(*results, atol=1e-5)


def test_features_that_cannot_tell_how_often_nothing_is_on_are_trained_on_plain_samples():
    class Twins:
        n_features = 2

        def sample(self, batch_size, *, instances=(), generator=None):
            return torch.rand(*instances, batch_size, 1, generator=generator).expand(
                *instances, batch_size, 2
            )

    run = train(fresh(2, 1, instances=(8,)), Twins(), progress=False)
    assert run.loss[-20:].mean(0).min() < 1e-4  # two features that are always equal fit into one dimension


def test_any_module_can_be_trained():
    class Untied(nn.Module):
        def __init__(self):
            super().__init__()
            self.encode, self.decode = nn.Linear(5, 2, bias=False), nn.Linear(2, 5)

        def forward(self, x):
            return torch.relu(self.decode(self.encode(x)))

    run = train(Untied(), SparseFeatures(5, 0.05), progress=False)
    assert run.loss[-20:].mean() < 0.5 * run.loss[0]


def test_a_factor_in_front_of_the_whole_loss_changes_nothing():
    features, results = SparseFeatures(5, 0.1), []
    for factor in (1.0, 100.0):
        model = fresh(instances=(8,))
        train(model, features, importance=factor * 0.9 ** torch.arange(5), progress=False)
        results.append(model.W.detach())
    assert torch.allclose(*results, atol=1e-3)


def test_the_early_price_on_weights_hardly_moves_a_trained_model(monkeypatch):
    features, lengths = SparseFeatures(5, 0.1), []
    W, b, best = optimum(features, 2)
    for price in (training.EARLY_DECAY, 0.0):
        monkeypatch.setattr(training, "EARLY_DECAY", price)
        model = fresh(instances=(16,))
        with torch.no_grad():
            model.W.copy_(W)
            model.b_final.copy_(b)
        run = train(model, features, snapshots=11, progress=False)
        lengths.append(feature_norms(run.snapshots[1].W).mean())
        assert (expected_loss(model.W.data, model.b_final.data, features) < 1.01 * best).all()
    assert 0.97 < lengths[0] / lengths[1] < 1


def test_instances_may_share_a_parameter():
    class SharedBias(ToyModel):
        def __init__(self, *sizes, **options):
            super().__init__(*sizes, **options)
            self.b_final = nn.Parameter(torch.zeros(self.n_features))

        def forward(self, x):
            return torch.relu(x @ self.W.mT @ self.W + self.b_final)

    model = SharedBias(5, 2, instances=(3,), generator=torch.Generator().manual_seed(0))
    run = train(model, SparseFeatures(5, 0.05), progress=False)
    assert run.model.b_final.shape == (5,) and (run.loss[-20:].mean(0) < 0.5 * run.loss[0]).all()


def test_nothing_on_or_everything_on_is_no_trouble():
    for p in (0.0, 1.0):
        run = train(fresh(), SparseFeatures(5, p), steps=30, progress=False)
        assert run.loss.isfinite().all()
    mixed = SparseFeatures(5, torch.tensor([[0.0], [0.1]]))
    assert train(fresh(instances=(2,)), mixed, steps=30, progress=False).loss.shape == (30, 2)


def test_snapshots_are_even_and_include_the_first_and_the_last():
    model = fresh()
    start = model.W.detach().clone()
    run = train(model, SparseFeatures(5, 0.1), steps=90, snapshots=4, progress=False)
    assert [snapshot.step for snapshot in run.snapshots] == [0, 30, 60, 90]
    assert torch.equal(run.snapshots[0].W, start) and torch.equal(run.snapshots[-1].W, model.W)
    assert torch.equal(run.snapshots[-1].b_final, model.b_final)
    assert not run.snapshots[1].W.requires_grad


def test_an_interrupt_leaves_a_usable_model_and_the_record_so_far(capsys):
    class Interrupting(SparseFeatures):
        calls = 0

        def sample_active(self, *args, **keywords):
            Interrupting.calls += 1
            if Interrupting.calls == 3:
                raise KeyboardInterrupt
            return super().sample_active(*args, **keywords)

    model = fresh()
    run = train(model, Interrupting(5, 0.1), steps=400, progress=False)
    assert run.interrupted and 0 < len(run.steps) < 400 and not run.done
    assert f"Interrupted after {len(run.steps)} of 400 steps" in capsys.readouterr().out
    assert model(torch.rand(3, 5)).isfinite().all()


def test_threads_are_as_they_were_after_a_run_and_after_a_run_left_early():
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    train(fresh(), SparseFeatures(5, 0.1), steps=5, progress=False)
    assert torch.get_num_threads() == 2
    chunks = train_in_chunks(fresh(), SparseFeatures(5, 0.1), steps=50)
    next(chunks)
    chunks.close()
    assert torch.get_num_threads() == 2
    torch.set_num_threads(before)


@pytest.mark.plain
@pytest.mark.parametrize("lr", [1e4, 1e30])
def test_divergence_names_the_learning_rate_and_puts_the_model_back(lr):
    model = fresh()
    start = model.W.detach().clone()
    with pytest.raises(ValueError, match="diverged.*lr=1"):
        train(model, SparseFeatures(5, 0.1), lr=lr, progress=False)
    assert torch.equal(model.W, start)


@pytest.mark.plain
@pytest.mark.parametrize(
    "arguments, message",
    [
        (dict(steps=0), "steps must be a whole number"),
        (dict(batch_size=0), "batch_size must be a whole number"),
        (dict(batch_size=1.5), "batch_size must be a whole number"),
        (dict(lr=0), "lr must be a positive number"),
        (dict(lr=float("nan")), "lr must be a positive number"),
        (dict(lr="fast"), "lr must be a positive number"),
        (dict(importance=-1.0), "not negative"),
        (dict(importance=torch.ones(4)), "does not broadcast"),
        (dict(importance=float("nan")), "importance must be finite"),
        (dict(snapshots=1), "at least 2"),
    ],
)
def test_settings_that_make_no_sense_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        train(fresh(), SparseFeatures(5, 0.1), progress=False, **arguments)


@pytest.mark.plain
def test_a_model_and_features_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="5 features on its last axis"):
        train(fresh(), SparseFeatures(4, 0.1), progress=False)
    with pytest.raises(ValueError, match="leading axes .3,., and the model has instances"):
        train(fresh(), SparseFeatures(5, torch.full((3, 1), 0.1)), progress=False)
    with pytest.raises(ValueError, match="no such attributes"):
        train(nn.Linear(5, 5), SparseFeatures(5, 0.1), snapshots=2, progress=False)


@pytest.mark.plain
@pytest.mark.parametrize(
    "x, x_hat, importance, message",
    [
        (torch.rand(3, 4), torch.rand(4, 3), 1.0, "must have one shape"),
        (torch.rand(4), torch.rand(4), 1.0, "must have shape"),
        (torch.rand(3, 4), torch.full((3, 4), float("nan")), 1.0, "x_hat must be finite"),
        (torch.ones(3, 4, dtype=torch.int64), torch.rand(3, 4), 1.0, "floating-point"),
        (torch.rand(3, 4), torch.rand(3, 4), torch.ones(3), "does not broadcast"),
        (torch.rand(3, 4), torch.rand(3, 4), -0.5, "not negative"),
    ],
)
def test_a_loss_that_has_no_meaning_is_refused(x, x_hat, importance, message):
    with pytest.raises(ValueError, match=message):
        reconstruction_loss(x, x_hat, importance)


def test_the_pentagon_is_read_as_one():
    model = fresh()
    train(model, SparseFeatures(5, 0.05), progress=False)
    assert read_gram(gram_of(model.W), model.b_final).shape == "pentagon"


# What cannot be trained is told so, before anything changes


class Scaled(torch.nn.Module):
    """x' = a x, one a for each of several models side by side, with or without saying so."""

    def __init__(self, shape: tuple = (), **attributes):
        super().__init__()
        self.a = torch.nn.Parameter(torch.full((*shape, 1, 1), 0.5))
        vars(self).update(attributes)

    def forward(self, x):
        return self.a * x if self.a.ndim > 2 else self.a[0, 0] * x


def frozen(model):
    return model.requires_grad_(False)


class Detached(ToyModel):
    def forward(self, x):
        return super().forward(x).detach()


def with_nan():
    model = ToyModel(5, 2)
    model.W.data[0, 0] = float("nan")
    return model


@pytest.mark.plain
@pytest.mark.parametrize(
    ("model", "said"),
    [
        (torch.nn.Linear(5, 1), r"model\(x\) gives shape \(129, 1\), expected shape \(129, 5\)"),
        (torch.nn.Linear(5, 3), "A reconstruction has the shape of x"),
        (torch.nn.Identity(), "Identity has no parameter that training could change"),
        (frozen(ToyModel(5, 2)), "none at all, or all frozen"),
        (Scaled((3,)), "must say so by an attribute `instances`"),
        (Scaled(instances=3), "must be a tuple"),
        (ToyModel, "not its class; got <class .*ToyModel"),
        (ToyModel(5, 2).half(), "float32 or float64"),
        (with_nan(), "W holds torch.float32 numbers, 1 of them NaN or infinite"),
        (None, "got None"),
        (torch.nn.Linear(4, 5), r"does not take x of shape \(129, 5\): mat1 and mat2"),
        (Detached(5, 2), "does not depend on any parameter"),
    ],
    ids=str,
)
def test_a_model_that_cannot_be_trained_is_told_why(model, said):
    with pytest.raises(ValueError, match=said):
        train(model, SparseFeatures(5, 0.1), steps=2, progress=False)


@pytest.mark.plain
@pytest.mark.parametrize("features", [None, SparseFeatures, 5, torch.rand(3, 5)])
def test_features_say_what_they_must_offer(features):
    with pytest.raises(ValueError, match="features must offer n_features and sample"):
        train(ToyModel(5, 2), features, steps=2, progress=False)


@pytest.mark.plain
@pytest.mark.parametrize(
    "setting",
    [
        {"seed": 0.5},
        {"seed": -1},
        {"lr": True},
        {"lr": "fast"},
        {"steps": 2.0},
        {"snapshots": True},
        {"snapshots": 2.5},
        {"snapshots": -2},
    ],
    ids=str,
)
def test_settings_of_a_wrong_kind_are_refused(setting):
    (name,) = setting
    with pytest.raises(ValueError, match=f"^{name} must be"):
        train(ToyModel(5, 2), SparseFeatures(5, 0.1), **{"steps": 2, "progress": False} | setting)


@pytest.mark.plain
def test_numpys_whole_numbers_are_whole_numbers():
    one = train(
        ToyModel(5, 2, generator=torch.Generator().manual_seed(0)), SparseFeatures(5, 0.1), steps=4, seed=3
    )
    model = ToyModel(np.int64(5), np.int32(2), generator=torch.Generator().manual_seed(0))
    two = train(
        model, SparseFeatures(np.int64(5), 0.1), steps=np.int64(4), seed=np.int16(3), lr=np.float32(0.06)
    )
    assert torch.allclose(one.loss, two.loss)


def test_models_that_declare_their_instances_have_a_loss_each():
    run = train(Scaled((3,), instances=(3,)), SparseFeatures(5, 0.1), steps=5, progress=False)
    assert run.loss.shape == (5, 3) and torch.equal(
        run.loss[:, 0] == run.loss[:, 1], torch.zeros(5, dtype=torch.bool)
    )


def test_training_does_not_need_the_grad_mode_of_the_cell_and_leaves_it_alone():
    def run():
        return train(model(), SparseFeatures(5, 0.1), steps=9)

    models = [fresh() for _ in range(3)]
    model, plain = models.pop, train(fresh(), SparseFeatures(5, 0.1), steps=9).loss
    with torch.inference_mode():
        assert torch.equal(run().loss, plain)
    with torch.no_grad():
        chunks = train_in_chunks(ToyModel(5, 2), SparseFeatures(5, 0.1), steps=9, chunk=3)
        next(chunks)
        next(chunks)
        assert not torch.is_grad_enabled()
        assert torch.equal(run().loss, plain)


def test_a_model_in_double_precision_is_trained_in_it():
    model = ToyModel(5, 2, generator=torch.Generator().manual_seed(0)).double()
    run = train(model, SparseFeatures(5, 0.1), steps=50, progress=False)
    single = ToyModel(5, 2, generator=torch.Generator().manual_seed(0))
    assert run.loss.dtype == model.W.dtype == torch.float64
    assert torch.allclose(run.loss.float(), train(single, SparseFeatures(5, 0.1), steps=50).loss, rtol=1e-3)


class Drawn:
    """Features that draw what they are told to."""

    def __init__(self, draw, n_features=5):
        self.draw, self.n_features = draw, n_features

    def sample(self, batch_size, *, instances, generator):
        shape = (*instances, batch_size, self.n_features)
        return self.draw(torch.rand(shape, generator=generator, device=generator.device))


def test_data_comes_in_the_precision_of_the_model():
    runs = [
        train(fresh(), Drawn(draw), steps=50, progress=False)
        for draw in (Tensor.float, Tensor.double, lambda x: x.half())
    ]
    assert torch.equal(runs[0].loss, runs[1].loss)
    assert torch.allclose(runs[0].loss, runs[2].loss, rtol=0.05)


@pytest.mark.plain
@pytest.mark.parametrize(
    ("draw", "said"),
    [
        (Tensor.numpy, "features.sample gives a ndarray"),
        (lambda x: x[None], r"features.sample gives shape \(1, \d+, 5\), .* must say so by an attribute"),
        (lambda x: x / 0, "It was so before the first update: look at what features.sample draws"),
    ],
)
def test_features_that_draw_what_cannot_be_trained_on_are_told_so(draw, said):
    model = fresh()
    start = model.W.detach().clone()
    with pytest.raises(ValueError, match=said) as raised:
        train(model, Drawn(draw), steps=30, progress=False)
    assert "learning rate" not in str(raised.value) and torch.equal(model.W, start)


@pytest.mark.parametrize("default", [torch.float32, torch.float64])
def test_the_loss_is_measured_in_the_finer_precision_of_the_two(default):
    x = torch.rand(7, 4)
    expected = (x.double() - 0.3).square().sum(-1).mean()
    torch.set_default_dtype(default)
    try:
        for ours, theirs in [
            (torch.float32, torch.float64),
            (torch.float64, torch.float32),
            (default, default),
        ]:
            loss = reconstruction_loss(x.to(ours), torch.full((7, 4), 0.3, dtype=theirs))
            assert loss.dtype == torch.promote_types(ours, theirs)
            assert loss.item() == pytest.approx(expected.item(), rel=1e-5)
    finally:
        torch.set_default_dtype(torch.float32)


def test_a_default_dtype_of_the_readers_changes_nothing_but_the_precision():
    torch.set_default_dtype(torch.float64)
    try:
        run = train(fresh(instances=(8,)), SparseFeatures(5, 0.05), progress=False)
    finally:
        torch.set_default_dtype(torch.float32)
    W, b = run.model.W.detach(), run.model.b_final.detach()
    assert run.loss.dtype == W.dtype == torch.float64
    best = optimum(SparseFeatures(5, 0.05), 2)[2]
    assert expected_loss(W, b, SparseFeatures(5, 0.05)).median() < 1.03 * best


def test_nothing_lands_on_the_default_device_beside_a_model_that_lives_elsewhere():
    # Tensors on "meta" hold no numbers and do not mix with others: what is built there by default is noticed.
    for features in (SparseFeatures(5, torch.tensor([[0.1], [0.9]])), Drawn(lambda x: x)):
        settings = dict(importance=0.9 ** torch.arange(5), steps=40, progress=False, snapshots=3)
        expected, model = train(fresh(instances=(2,)), features, **settings), fresh(instances=(2,))
        with torch.device("meta"):
            run = train(model, features, **settings)
            assert reconstruction_loss(model.W, model.W).tolist() == [0, 0]
        assert torch.equal(run.loss, expected.loss) and torch.equal(run.model.W, expected.model.W)


def test_partly_frozen_models_train_the_rest():
    model = ToyModel(5, 2, generator=torch.Generator().manual_seed(0))
    model.b_final.requires_grad_(False)
    before = model.W.detach().clone()
    train(model, SparseFeatures(5, 0.1), steps=5, progress=False)
    assert (model.b_final == 0).all() and not torch.equal(model.W, before)


@pytest.mark.parametrize(("n", "lr", "batch_size"), [(5, 0.06, 128), (100, 0.06, 128), (400, 0.015, 256)])
def test_rate_and_rows_follow_from_the_number_of_features(n, lr, batch_size):
    chosen = train(fresh(n, 3), SparseFeatures(n, 0.1), steps=3, progress=False)
    said = train(fresh(n, 3), SparseFeatures(n, 0.1), steps=3, progress=False, lr=lr, batch_size=batch_size)
    assert torch.equal(chosen.loss, said.loss)


def test_large_models_settle_with_the_default_learning_rate():
    # Always on, the best is to keep m features: the variance of the n - m others, 1/12 each, is lost.
    model = ToyModel(400, 30, generator=torch.Generator().manual_seed(0))
    run = train(model, SparseFeatures(400, 1.0), progress=False)
    assert run.loss[-20:].mean() < 1.02 * (400 - 30) / 12


def test_memory_does_not_grow_with_the_steps():
    script = """
import pathlib, re
from tms_edu import SparseFeatures, ToyModel, train
for steps in (20, 400):
    model = ToyModel(400, 30, instances=(4,))
    train(model, SparseFeatures(400, 0.5), steps=steps, batch_size=64, progress=False)
    print(re.search(r"VmHWM:\\s+(\\d+)", pathlib.Path("/proc/self/status").read_text())[1])
"""
    if not Path("/proc/self/status").exists():
        pytest.skip("this system does not tell a process its peak memory")
    command = [sys.executable, "-c", script]
    short, long = map(int, subprocess.run(command, capture_output=True, text=True, check=True).stdout.split())
    assert long - short < 20_000, f"peak grew from {short} to {long} kB"


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs CUDA: a model on a GPU, end to end")
def test_a_model_on_the_gpu_works_end_to_end():
    generator = torch.Generator("cuda").manual_seed(0)
    model, features = ToyModel(5, 2, instances=(4,), generator=generator), SparseFeatures(5, 0.05)
    run = train(model, features, importance=torch.ones(5), progress=False, snapshots=3)
    assert run.loss.is_cuda and run.snapshots[-1].W.is_cuda
    loss = expected_loss(model.W.detach(), model.b_final.detach(), features)
    assert loss.is_cuda and loss.min() < 1.03 * optimum(features, 2)[2].to("cuda")
    assert "pentagon" in {reading.shape for reading in read_gram(gram_of(model.W), model.b_final)}
