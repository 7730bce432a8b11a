"""Superposition lab: the sentence against the reading of a model trained outside."""

import pytest
import torch

from hand import press, run_code
from tms_edu import SparseFeatures, gram, read_gram, theory
from tms_edu.widgets import SuperpositionLab


@pytest.fixture
def lab():
    lab = SuperpositionLab()
    yield lab
    lab.close()


@pytest.mark.parametrize(
    ("values", "status", "shape"),
    [
        ({}, ["superposed"] * 5, "pentagon"),
        ({"feature_probability": 1.0, "importance_decay": 0.5}, None, None),
        ({"feature_probability": 0.25, "importance_decay": 0.9}, None, "two digons and one dropped"),
        ({"n_features": 2}, ["recovered"] * 2, "two recovered"),
        ({"n_features": 3, "d_hidden": 1, "feature_probability": 0.3}, None, "one digon and one dropped"),
    ],
)
def test_the_sentence_is_true(lab, values, status, shape):
    lab.set(**values)
    names, printed = run_code(lab)
    model, v = names["model"], lab.values
    assert torch.equal(model.W.detach(), lab.frame.W)
    reading = read_gram(gram(model.W), model.b_final)
    assert lab.sentence.startswith(str(reading)) and printed == str(reading)
    assert status in (None, reading.status) and shape in (None, reading.shape)

    features = SparseFeatures(v["n_features"], v["feature_probability"])
    importance = v["importance_decay"] ** torch.arange(v["n_features"])
    loss = theory.expected_loss(model.W.detach(), model.b_final.detach(), features, importance).item()
    assert ("below 0.0001" if loss < 1e-4 else f"The exact loss is {loss:.3g}") in lab.sentence
    best = theory.optimum(features, v["d_hidden"], importance)[2].item()
    if best < 1e-6:
        assert lab.sentence.endswith("the best known loses nothing.") and loss < 1e-3
    else:
        assert lab.sentence.endswith(f"{100 * max(0, loss / best - 1):.1f} % above the best known.")


@pytest.mark.parametrize("seed", range(4))
def test_the_presets_show_three_shapes(seed):
    lab = SuperpositionLab(seed=seed)
    shapes = ["two recovered and three dropped", "two digons and one dropped", "pentagon"]
    for values, shape in zip(lab.presets.values(), shapes, strict=True):
        lab.set(**values)
        assert lab.reading.shape == shape
    lab.close()


def test_untrained_and_half_trained_models_are_called_so(lab):
    press(lab, "rewind")
    assert lab.sentence == "Not trained yet: W is random and b is zero."
    press(lab, "step")
    assert lab.sentence.startswith("In training: ")


def test_nothing_learnt_is_said(lab, monkeypatch):
    frame = lab.frame
    monkeypatch.setattr(lab._run, "frame", type(frame)(frame.run, frame.step, 0 * frame.W, frame.b))
    lab._draw()
    assert lab.sentence.startswith("Nothing is learnt. Features 0, 1, 2, 3 and 4 are dropped")


def test_the_lab_offers_a_value_that_is_asked_for():
    lab = SuperpositionLab(feature_probability=0.123, steps=10)
    assert lab.values["feature_probability"] == 0.123
    with pytest.raises(ValueError, match="sparsity S: got 1.2, expected a value from 1.0 to 0.01"):
        SuperpositionLab(feature_probability=1.2)
    lab.close()


@pytest.mark.parametrize("wrong", [{"no_such_control": 1}, {"seed": -1}, {"n_features": 2.5}])
def test_set_names_what_is_wrong(lab, wrong):
    with pytest.raises(ValueError, match="no_such_control.*there are|expected a value from"):
        lab.set(**wrong)
    assert lab.done and not lab.error


@pytest.mark.parametrize("steps", [0, -1, "abc", 10**9, 2.5, True, None])
def test_steps_are_a_whole_number_that_ends(steps):
    with pytest.raises(ValueError, match="steps: got .+, expected a value from 1 to 100000"):
        SuperpositionLab(steps=steps)
