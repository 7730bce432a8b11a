"""Beat the optimiser: the loss, the bias and the verdict against the exact loss and a model trained outside."""

import re
import threading
import time

import pytest
import torch

from tms_edu import SparseFeatures, ToyModel, gram, read_gram, theory, train
from tms_edu.widgets import BeatTheOptimiser
from tms_edu.widgets.beat_the_optimiser import START, best_bias


@pytest.fixture
def game():
    game = BeatTheOptimiser()
    yield game
    game.close()
    assert not [thread for thread in threading.enumerate() if "at work" in thread.name]


def rest(game):
    until = time.monotonic() + 60
    while game._stage.busy:
        assert time.monotonic() < until
        time.sleep(0.005)


def drag(game, i, x, y):
    columns = [list(column) for column in game._board.columns]
    columns[i] = [x, y]
    move(game, columns)


def move(game, columns):
    """Set what the page sends in one message when a handle is moved."""
    with game._board.hold_trait_notifications():
        game._board.mine = columns
        game._board.moves += 1


@pytest.mark.parametrize("p", [0.02, 0.2, 1.0])
@pytest.mark.parametrize("W", [START, 1.1 * theory.polygon(6), theory.polygon(4, 6), torch.zeros(2, 6)])
def test_no_bias_beats_the_best(p, W):
    features = SparseFeatures(6, p)
    best = best_bias(W, features)
    loss = theory.expected_loss(W, best, features)
    for i in range(6):
        for value in torch.linspace(-1.2, 1, 45):
            b = best.clone()
            b[i] = value
            assert theory.expected_loss(W, b, features) >= loss - 1e-6


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
        assert game.loss == pytest.approx(loss, rel=1e-6) == pytest.approx(names["loss"].item(), abs=1e-4)
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
    assert game._stage.picture != picture and game._board.columns[3] == [-0.5, -0.75]
    move(game, [[0.0, 0.0]] * 3)  # meant for another number of features
    assert game.W[:, 3].tolist() == [-0.5, -0.75] and not game.error


def test_your_best_is_kept_while_the_settings_stay(game):
    game.arrange(1.13 * theory.polygon(5))
    best = game.loss
    game.arrange(START[:, :5])
    assert game.best == best < game.loss
    game.set(feature_probability=0.2)
    assert game.best == game.loss


def test_the_optimiser_goes_from_here_and_back(game):
    game.arrange(0.9 * theory.polygon(5))
    mine, loss, best = game.W.clone(), game.loss, game.best
    game.go()
    rest(game)
    assert game.sentence.startswith("From your columns the optimiser reached: pentagon.")
    assert game.loss < loss and game.best == best and game.done
    assert torch.equal(game.W, game.frame.W) and not torch.equal(game.W, mine)
    reached = game.W.clone()
    drag(game, 0, 1.0, 0.5)
    assert torch.allclose(game.W[:, 1:], reached[:, 1:]) and game.W[:, 0].tolist() == [1.0, 0.5]
    game.back()
    assert torch.equal(game.W, mine) and game.loss == pytest.approx(loss)


def test_stop_halts_the_optimiser_and_its_columns_are_yours(game):
    game.steps = 100_000
    game._pressed("call:go")
    assert game.busy and "so far" in game.sentence
    time.sleep(0.3)
    game._pressed("call:stop")
    stopped, step = game.W.clone(), game.frame.step
    assert not game.busy and "Stopped half-way" in game.sentence and 0 < step < 100_000
    time.sleep(0.1)
    assert torch.equal(game.W, stopped)
    assert not torch.equal(stopped, START[:, :5])


def test_moving_a_column_stops_the_optimiser(game):
    game.steps = 100_000
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
    game._pressed("reset")
    assert torch.equal(game.W, START[:, :5])


def test_after_a_reset_the_same_move_is_heard_again(game):
    drag(game, 0, 1.0, 0.5)
    game._pressed("reset")
    drag(game, 0, 1.0, 0.5)
    assert game.W[:, 0].tolist() == [1.0, 0.5] and game._board.answered == game._board.moves == 2


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
    left, top, side, reach, width, height = game._board.plane
    axes = game._plane.moving[0].axes
    x, y = axes.transData.transform((1.0, -0.5)) / 1.5  # picture pixels to page pixels
    assert left + side * (1.0 + reach) / (2 * reach) == pytest.approx(x, abs=0.5)
    assert top + side * (reach + 0.5) / (2 * reach) == pytest.approx(height - y, abs=0.5)
    assert (width, height) == (740, 490)


def test_what_is_wrong_is_named(game):
    with pytest.raises(ValueError, match=r"W must have shape \(2, 5\).*got \(5, 2\)"):
        game.arrange(torch.zeros(5, 2))
    with pytest.raises(ValueError, match="must lie between -1.6 and 1.6"):
        game.arrange(torch.full((2, 5), 2.0))
    with pytest.raises(ValueError, match="must lie between"):
        game.arrange(torch.full((2, 5), float("nan")))
    with pytest.raises(ValueError, match="features n: got 7"):
        BeatTheOptimiser(n_features=7)
