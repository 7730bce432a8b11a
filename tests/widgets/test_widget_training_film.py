"""Training film: what it says of each step, against the snapshots of the run itself."""

import re

import pytest
import torch

from tms_edu import SparseFeatures, ToyModel, gram, read_gram, train
from tms_edu.widgets import TrainingFilm


@pytest.fixture(scope="module")
def film():
    film = TrainingFilm()
    yield film
    film.close()


def record(n=4, m=3, **kwargs):
    model = ToyModel(n, m, generator=torch.Generator().manual_seed(1))
    settings = {"steps": 60, "snapshots": 7} | kwargs
    return train(model, SparseFeatures(n, 0.2), progress=False, **settings)


def stops(film):
    return list(film.controls["step"].options)


def readings(run):
    return {snap.step: read_gram(gram(snap.W), snap.b_final) for snap in run.snapshots}


def test_every_step_tells_its_reading_and_its_loss(film):
    read, steps = readings(film.run), [snap.step for snap in film.run.snapshots]
    for before, step in zip([None, *steps], steps, strict=False):
        if step not in stops(film):
            continue
        film.set(step=step)
        assert film.sentence.startswith(f"Step {step} of 400: {read[step].shape}. ")
        if before is not None:
            loss = film.run.loss[before:step].mean().item()
            assert film.sentence.endswith(
                f"The batches since step {before} lost {loss:.3g} on average, give or take chance."
            )
            assert ("Just now" in film.sentence) == (read[step].status != read[before].status)


def test_a_change_is_told_feature_by_feature(film):
    read, steps = readings(film.run), [snap.step for snap in film.run.snapshots]
    assert film.changes
    for step in film.changes:
        film.set(step=step)
        before = read[steps[steps.index(step) - 1]].status
        told = re.search(r"Just now feature (\d) went from (\w+) to (\w+)\.", film.sentence).groups()
        feature, old, new = int(told[0]), told[1], told[2]
        assert (before[feature], read[step].status[feature]) == (old, new) and old != new


def test_from_the_step_called_settled_the_shape_stays(film):
    shapes = {step: reading.shape for step, reading in readings(film.run).items()}
    assert shapes[400] == "pentagon"
    assert all(
        (shape == "pentagon") == (step >= film.settled) or step < film.settled
        for step, shape in shapes.items()
    )
    last_other = max(step for step, shape in shapes.items() if shape != "pentagon")
    assert last_other < film.settled and film.settled - last_other == 4


def test_buttons_go_from_change_to_change(film):
    film._pressed("call:first")
    assert film.values["step"] == 0 and "No update has been made yet" in film.sentence
    for step in film.changes:
        film._pressed("call:next_change")
        assert film.values["step"] == film._panel.values["step"] == step
    film._pressed("call:next_change")
    assert film.values["step"] == 400
    for step in [*film.changes[::-1], 0, 0]:
        film._pressed("call:previous_change")
        assert film.values["step"] == step
    film._pressed("call:last")
    assert film.values["step"] == 400


def test_nothing_is_trained_again(film, monkeypatch):
    monkeypatch.setattr("torch.optim.Adam.step", lambda *_: pytest.fail("trained"))
    run, before = film.run, [snap.W.clone() for snap in film.run.snapshots]
    for step in stops(film):
        film.set(step=step)
        assert torch.equal(film.frame.W, next(snap.W for snap in run.snapshots if snap.step == step))
    assert all(torch.equal(old, snap.W) for old, snap in zip(before, run.snapshots, strict=True))


@pytest.mark.parametrize(("n", "m"), [(2, 1), (4, 3), (20, 10)])
def test_a_run_of_the_readers_own(n, m):
    run = record(n, m)
    film = TrainingFilm(run, step=33)
    assert film.values["step"] == 30
    for step, reading in readings(run).items():
        film.set(step=step)
        assert film.sentence.startswith(f"Step {step} of 60: {reading.shape}. ")
        names = {"run": run, "read_gram": read_gram, "gram": gram}
        exec(film._stage.code, names)
        assert names["step"] == step
    film.close()


def test_company_is_told_when_no_feature_changes_its_status():
    run = record(6, 3, steps=400, snapshots=41)
    film = TrainingFilm(run)
    read, steps = readings(run), [snap.step for snap in run.snapshots]
    for step in film.changes:
        film.set(step=step)
        before = read[steps[steps.index(step) - 1]]
        if before.status == read[step].status:
            assert "changed company" in film.sentence
            assert [g.members for g in before.groups] != [g.members for g in read[step].groups]
        else:
            assert " went from " in film.sentence
    film.close()


@pytest.mark.parametrize(
    ("n", "m", "steps", "snapshots"), [(5, 2, 400, 101), (6, 3, 400, 41), (20, 10, 200, 21), (2, 1, 60, 2)]
)
def test_half_of_the_slider_is_for_what_happens_before_the_shape_settles(n, m, steps, snapshots):
    film = TrainingFilm(record(n, m, steps=steps, snapshots=snapshots))
    steps = [snap.step for snap in film.run.snapshots]
    early, late = ([s for s in stops(film) if (s <= film.settled) == side] for side in (True, False))
    assert early == [step for step in steps if step <= film.settled] and set(late) <= set(steps)
    assert {steps[0], steps[-1], *film.changes} <= set(stops(film)) == set(sorted(stops(film)))
    after = [step for step in steps if step > film.settled]
    at_most = 2 * max(len(early), 10) + len(film.changes)
    assert min(len(early), len(after)) <= len(late) <= at_most
    film.close()


def test_the_film_opens_at_the_nearest_snapshot_and_stops_there(film):
    late = next(snap.step for snap in film.run.snapshots[::-1] if snap.step not in stops(film))
    opened = TrainingFilm(film.run, step=late + 1)
    assert opened.values["step"] == late and set(stops(opened)) == {*stops(film), late}
    opened.close()


def test_a_run_that_loses_nothing_has_a_picture():
    film = TrainingFilm(record(3, 2, importance=0.0))
    assert "lost 0 on average" in film.sentence
    film.close()


WRONG = ["abc", "x" * 100_000, [1], {}, True, 2.5, -1, 10**9, 10**5000, float("nan"), object(), TrainingFilm]


@pytest.mark.plain
@pytest.mark.parametrize("value", [*WRONG, torch.arange(3)], ids=lambda value: type(value).__name__)
def test_wrong_kinds_are_refused_in_a_short_sentence(film, value):
    with pytest.raises(ValueError, match="has 0 snapshots, and a film needs two or more") as of_run:
        TrainingFilm(run=value)
    with pytest.raises(ValueError, match="training step: got .*, expected a value from 0 to 400") as of_step:
        TrainingFilm(film.run, step=value)
    assert len(str(of_run.value)) < 200 and len(str(of_step.value)) < 150


def test_what_is_wrong_is_named():
    with pytest.raises(ValueError, match="0 snapshots, and a film needs two or more"):
        TrainingFilm(record(snapshots=0))
    with pytest.raises(ValueError, match="2 to 20 features; got 21"):
        TrainingFilm(record(21, 2, steps=2, snapshots=2))
    model = ToyModel(3, 2, instances=(2,))
    run = train(model, SparseFeatures(3, 0.2), steps=4, snapshots=2, progress=False)
    with pytest.raises(ValueError, match="must be of one model"):
        TrainingFilm(run)
