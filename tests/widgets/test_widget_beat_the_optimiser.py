"""Beat the optimiser: the loss, the bias and the verdict against the exact loss and a model trained outside."""

import re
import time

import numpy as np
import pytest
import torch

from hand import press, rest, workers
from tms_edu import SparseFeatures, ToyModel, gram, read_gram, theory, train
from tms_edu.widgets import BeatTheOptimiser
from tms_edu.widgets.beat_the_optimiser import LONGEST, START
from tms_edu.widgets.parts import REACH


@pytest.fixture
def game():
    game = BeatTheOptimiser()
    yield game
    game.close()
    assert not workers()


def drag(game, i, x, y):
    columns = [list(column) for column in game.board.laid["columns"]]
    columns[i] = [x, y]
    move(game, columns)


def move(game, columns):
    """Set what the page sends when a handle is moved."""
    game.board.moved = {"turn": game.board.moved["turn"] + 1, "columns": columns}


def state(game):
    return {
        name: value for name, value in vars(game).items() if name in ("W", "best") or name.startswith("_mine")
    }


@pytest.mark.parametrize(("p", "decay", "bias"), [(0.05, 1.0, None), (0.2, 0.9, None), (0.5, 0.7, -0.2)])
def test_the_sentence_is_true(game, p, decay, bias):
    game.set(feature_probability=p, importance_decay=decay, bias=bias)
    features, importance = SparseFeatures(5, p), decay ** torch.arange(5)
    model = ToyModel(5, 2, generator=torch.Generator().manual_seed(0))
    train(model, features, importance=importance, progress=False)
    trained = theory.expected_loss(model.W.detach(), model.b_final.detach(), features, importance).item()
    for W in (START[:, :5], theory.polygon(5), model.W.detach()):
        game.arrange(W)
        names = {}
        exec(game._stage.code.replace("print(", "loss = ("), names)
        W, b = game.frame.W, game.frame.b
        loss = theory.expected_loss(W, b, features, importance).item()
        assert (
            game.frame.loss == pytest.approx(loss, rel=1e-6) == pytest.approx(names["loss"].item(), abs=1e-4)
        )
        assert bias is None or b.tolist() == pytest.approx([bias] * 5)
        shape = read_gram(gram(W), b).shape
        assert game.sentence.startswith(f"Your columns read: {shape}. The exact loss is {loss:.5f}")
        assert f"the trained model's {trained:.5f}" in game.sentence.replace("model's, ", "model's ")
        assert ("beaten" in game.sentence) == (100 * (loss / trained - 1) <= -0.05)
        told = re.search(r"([\d.]+) (% above|% below|times)", game.sentence)
        if told and told[2] == "times":
            assert float(told[1]) == pytest.approx(loss / trained, abs=0.06)
        elif told:
            assert float(told[1]) == pytest.approx(abs(100 * (loss / trained - 1)), abs=0.06)


def test_a_drag_moves_one_column_and_the_rest_follows(game):
    before, picture = game.W.clone(), game._stage.picture
    drag(game, 3, -0.5, -0.75)
    assert game.W[:, 3].tolist() == [-0.5, -0.75]
    assert torch.equal(game.W[:, [0, 1, 2, 4]], before[:, [0, 1, 2, 4]])
    assert game._stage.picture != picture and game.board.laid["columns"][3] == [-0.5, -0.75]
    move(game, [[0.0, 0.0]] * 3)  # meant for another number of features
    assert game.W[:, 3].tolist() == [-0.5, -0.75] and not game.error


def test_your_best_is_kept_while_the_settings_stay(game):
    game.arrange(1.13 * theory.polygon(5))
    best = game.frame.loss
    game.arrange(START[:, :5])
    assert game.best == best < game.frame.loss
    game.set(feature_probability=0.2)
    assert game.best == game.frame.loss


def test_the_optimiser_goes_from_here_and_back(game):
    game.arrange(0.9 * theory.polygon(5))
    mine, loss, best = game.W.clone(), game.frame.loss, game.best
    game.go()
    rest(game)
    assert game.sentence.startswith("From your columns the optimiser reached: pentagon.")
    assert game.frame.loss < loss and game.best == best and game.done
    assert torch.equal(game.W, game.frame.W) and not torch.equal(game.W, mine)
    reached = game.W.clone()
    drag(game, 0, 1.0, 0.5)
    assert torch.allclose(game.W[:, 1:], reached[:, 1:]) and game.W[:, 0].tolist() == [1.0, 0.5]
    game.back()
    assert torch.equal(game.W, mine) and game.frame.loss == pytest.approx(loss)


def test_stop_halts_the_optimiser_and_its_columns_are_yours(game):
    game.settings["steps"] = 100_000
    press(game, "call:go")
    assert game.busy and "so far" in game.sentence
    time.sleep(0.3)
    press(game, "call:stop")
    stopped, step = game.W.clone(), game.frame.step
    assert not game.busy and "Stopped half-way" in game.sentence and 0 < step < 100_000
    time.sleep(0.1)
    assert torch.equal(game.W, stopped)
    assert not torch.equal(stopped, START[:, :5])


def test_moving_a_column_stops_the_optimiser(game):
    game.settings["steps"] = 100_000
    game.go()
    drag(game, 1, 0.25, 0.5)
    assert not game.busy and game.sentence.startswith("Your columns")
    assert game.W[:, 1].tolist() == [0.25, 0.5]


def test_a_move_during_training_is_not_undone_by_a_late_frame(game):
    for k in range(20):
        game.go()
        drag(game, 0, 0.05 * k, 0.5)
        assert game.W[0, 0].item() == pytest.approx(0.05 * k)


def test_reset_lays_the_columns_as_they_were(game):
    game.arrange(theory.polygon(5))
    press(game, "reset")
    assert torch.equal(game.W, START[:, :5])


def test_after_a_reset_the_same_move_is_heard_again(game):
    drag(game, 0, 1.0, 0.5)
    press(game, "reset")
    drag(game, 0, 1.0, 0.5)
    assert game.W[:, 0].tolist() == [1.0, 0.5] and game.board.laid["turn"] == game.board.moved["turn"] == 2


def test_other_numbers_of_features_keep_the_columns(game):
    game.arrange(theory.polygon(5))
    game.set(n_features=3)
    assert torch.equal(game.W, theory.polygon(5)[:, :3])
    game.set(n_features=6)
    assert torch.equal(game.W[:, :3], theory.polygon(5)[:, :3]) and torch.equal(game.W[:, 3:], START[:, 3:])


def test_nothing_to_lose_is_said():
    game = BeatTheOptimiser(n_features=2)
    game.arrange([[1.0, 0.0], [0.0, 1.0]])
    assert game.sentence.endswith("next to nothing, as is the trained model's.")
    game.arrange([[1.0, 0.0], [0.0, 0.5]])
    assert game.sentence.endswith("; the trained model's is next to nothing.")
    game.close()


def test_the_handles_lie_on_the_tips(game):
    plane = game.board.plane
    (left, bottom, width, height), size = plane["place"], plane["size"]
    assert width * size[0] == pytest.approx(height * size[1], abs=0.003)  # inches of 100 page pixels
    axes = game._easel.figure.axes[0]
    place = axes.transData + axes.transAxes.inverted()  # as drawn
    assert place.transform((-plane["reach"], -plane["reach"])) == pytest.approx((0, 0), abs=1e-9)
    x, y = axes.transData.transform((1.0, -0.5)) / 150  # picture pixels to inches
    unit = width * size[0] / (2 * plane["reach"])
    assert left * size[0] + unit * (1.0 + plane["reach"]) == pytest.approx(x, abs=0.005)
    assert bottom * size[1] + unit * (-0.5 + plane["reach"]) == pytest.approx(y, abs=0.005)
    assert tuple(size) == (7.4, 4.9)


def test_a_bar_that_is_cut_shows_it(game):
    game.arrange(1.1 * theory.polygon(5))
    known = game.frame.loss
    assert not any(gap.get_visible() for gap in game._gaps)
    game.set(bias=0.5)
    silent = 5 * 0.05 / 3
    assert game.frame.loss > LONGEST * silent > game.best == known
    assert [gap.get_visible() for gap in game._gaps] == [True, False, False]
    widths = [LONGEST, game.best / silent, game.frame.trained / silent]
    assert [bar.get_width() for bar in game._bars] == pytest.approx(widths)
    assert game._losses[0].get_text() == f"{game.frame.loss:.5f}"


def test_saying_changes_no_state_of_the_game(game):
    game.arrange(theory.polygon(5))
    better, before = game.frame._replace(W=torch.zeros(2, 5), loss=0.0), state(game)
    laid, sentence = game.board.laid, game.sentence
    for frame in (better, game.frame, better):
        game.say(frame, game._v())
    assert state(game) == before and game.board.laid == laid
    game._draw()
    assert state(game) == before and game.sentence == sentence


def test_a_move_for_a_picture_that_is_gone_is_answered(game):
    game.go()
    move(game, [[0.0, 0.0]] * 3)
    assert game.board.laid["turn"] == game.board.moved["turn"] and not game.busy and not game._stage.busy
    assert len(game.board.laid["columns"]) == 5 and not game.error


def test_what_is_wrong_is_named(game):
    with pytest.raises(ValueError, match=r"W must have shape \(2, 5\).*got shape \(5, 2\)"):
        game.arrange(torch.zeros(5, 2))
    with pytest.raises(ValueError, match="must lie between -1.6 and 1.6"):
        game.arrange(torch.full((2, 5), 2.0))
    with pytest.raises(ValueError, match="must lie between"):
        game.arrange(torch.full((2, 5), float("nan")))
    with pytest.raises(ValueError, match="features n: got 7"):
        BeatTheOptimiser(n_features=7)


@pytest.mark.parametrize(
    "value", [1.5, -0.52, "abc", "x" * 100_000, [0.1], {}, True, object(), np.zeros(2), float("nan")]
)
@pytest.mark.parametrize("name", ["n_features", "feature_probability", "importance_decay", "bias", "steps"])
def test_a_wrong_setting_is_refused_in_a_short_sentence(name, value):
    with pytest.raises(ValueError, match=r"got .+, expected a value from") as told:
        BeatTheOptimiser(**{name: value})
    assert len(str(told.value)) < 130


@pytest.mark.plain
@pytest.mark.parametrize(
    "W",
    [
        "abc",
        "x" * 100_000,
        None,
        {},
        3,
        [[1, 2], [3]],
        [["a"] * 5] * 2,
        10**400,
        object(),
        torch.nn.Linear,
        [[1.0] * 9] * 40_000,
    ],
)
def test_what_is_no_matrix_is_refused_in_a_short_sentence(game, W):
    before = game.W
    with pytest.raises(ValueError, match="^W must (be a number, or|have shape)") as told:
        game.arrange(W)
    assert len(str(told.value)) < 300 and game.W is before


@pytest.mark.plain
def test_a_matrix_of_any_kind_is_taken_and_not_kept_hold_of(game):
    W = torch.nn.Parameter(0.5 * theory.polygon(5))
    game.arrange(W)
    with torch.no_grad():
        W.zero_()
    assert torch.equal(game.W, 0.5 * theory.polygon(5)) and not game.W.requires_grad
    game.arrange(np.ones((2, 5)))
    assert game.W.dtype == torch.float32 and (game.W == 1).all() and REACH > 1


@pytest.mark.parametrize(
    "columns", [5, None, "abcde", [1, 2, 3, 4, 5], [["a", "b"]] * 5, [[9.0, 9.0]] * 5, [[0.1]] * 5]
)
def test_a_strange_message_is_answered_in_a_sentence(game, columns):
    before = game.W
    with pytest.raises((ValueError, TypeError)):
        move(game, columns)
    assert game.error and len(game.error) < 400 and torch.equal(game.W, before)
    drag(game, 0, 1.0, 0.5)
    assert not game.error and game.W[:, 0].tolist() == [1.0, 0.5]
