"""Gram gym: every answer judged by read_gram, every mistake named, nothing asked that is not clear."""

import itertools
import re
import subprocess
import sys
import threading

import pytest
import torch

from tms_edu import gram, read_gram
from tms_edu.widgets import GramGym
from tms_edu.widgets.gram_gym import LEVELS, Matrix, is_fair, matrices

# Features 0 and 1 opposite each other, 2 alone, 3 and 4 given up.
W = torch.tensor([[1.0, -1.0, 0.0, 0.0, 0.0], [0.0, 0.0, 0.9, 0.0, 0.0]])
B = torch.tensor([0.0, 0.0, 0.0, 0.1, 0.2])


@pytest.fixture
def gym():
    gym = GramGym()
    yield gym
    gym.close()
    assert not [thread for thread in threading.enumerate() if "at work" in thread.name]


@pytest.fixture
def known(gym):
    G = gram(W)
    gym._run.frame = Matrix("5→2", 0, 0, G, B, read_gram(G, B))
    gym._draw()
    return gym


def mark_right(gym, but=()):
    for feature in gym.matrix.reading.features:
        if feature.index not in but:
            gym.mark(feature.index, feature.status, feature.partners)


def tell(gym, action="answer", **changes):
    gym._told({"action": action, "turn": gym._turn, "status": gym._status, "pairs": gym._pairs} | changes)


@pytest.mark.parametrize("level", LEVELS)
def test_every_level_asks_fairly_and_takes_the_right_answer(gym, level):
    gym.set(level=level)
    G, n = gym.matrix.G, LEVELS[level][0]
    assert G.shape == (n, n)
    for represented, interferes in itertools.product((0.13, 0.25, 0.39), (0.07, 0.1, 0.15)):
        reading = read_gram(G, represented_above=represented, interferes_above=interferes)
        assert reading.status == gym.matrix.reading.status
    mark_right(gym)
    assert gym.answer() == [] and gym.sentence.startswith(f"All {n} right. {gym.matrix.reading} 1 in a row")
    names = {}
    exec(gym._stage.code.replace("plots.plot_gram(matrix.G, matrix.b)", ""), names)
    assert torch.equal(names["matrix"].G, G)


@pytest.mark.parametrize(
    ("marks", "told"),
    [
        (
            {0: "recovered", 1: "superposed"},
            "Feature 0 is superposed, you marked it recovered: its row has a crossing with 1 (-1.00).",
        ),
        (
            {0: "dropped"},
            "Feature 0 is not dropped: its diagonal entry is +1.00. It is superposed, with 1 (-1.00).",
        ),
        ({0: "superposed"}, "Feature 0 is superposed, but you missed its crossing with 1 (-1.00)."),
        (
            {2: "superposed"},
            "Feature 2 is recovered, you marked it superposed: nothing in its row but the diagonal reaches 0.1.",
        ),
        ({2: "dropped"}, "Feature 2 is not dropped: its diagonal entry is +0.81. It is recovered."),
        (
            {3: "recovered"},
            "Feature 3 is dropped, you marked it recovered: its diagonal entry is +0.00, too small for a column of any use.",
        ),
    ],
)
def test_each_mistake_is_named(known, marks, told):
    status = list(known.matrix.reading.status)
    for index, mark in marks.items():
        status[index] = mark
    pairs = [[0, 1]] if status[:2] == ["superposed"] * 2 and 0 not in marks else []
    tell(known, status=status, pairs=pairs)
    assert told in known._board.verdict["mistakes"] and not known._board.verdict["right"][min(marks)]


def test_crossings_missed_and_invented(known):
    status = ["superposed", "superposed", "superposed", "dropped", "dropped"]
    tell(known, status=status, pairs=[[0, 2]])
    verdict = known._board.verdict
    assert verdict["missed"] == [(0, 1)] and verdict["extra"] == [(0, 2)]
    assert verdict["right"] == [False, False, False, True, True]
    assert verdict["mistakes"][0] == (
        "Feature 0 is superposed, but you missed its crossing with 1 (-1.00) and there is no crossing with 2 (+0.00)."
    )
    assert verdict["mistakes"][2].endswith("reaches 0.1; there is no crossing with 0 (+0.00).")
    assert known.sentence.startswith("2 of 5 features right. Feature 0 is superposed, but you missed")


def test_marks_from_the_page_and_from_python_agree(known):
    tell(known, "mark", status=["superposed", "superposed", "", "", ""], pairs=[[1, 0]])
    for feature, status in ((2, "recovered"), (3, "dropped"), (4, "dropped")):
        known.mark(feature, status)
    assert known._board.marks["pairs"] == [(0, 1)]
    assert known.answer() == [] and known.answer() == []
    assert known.streak == 1


def test_streaks_and_levels():
    gym = GramGym(seed=3)
    for level in ("5→2", "5→2", "5→2", "6→3"):
        assert gym.values["level"] == gym._panel.values["level"] == level
        mark_right(gym)
        gym.answer()
        tell(gym, "next")
    assert gym.streak == gym.best == 4 and gym.values["level"] == "6→3"
    mark_right(gym, but=[0])
    gym.mark(0, "dropped" if gym.matrix.reading.status[0] != "dropped" else "recovered")
    assert gym.answer() and gym.streak == 0 and "the best was 4" in gym.sentence
    gym.close()


def test_a_matrix_left_half_marked_ends_the_streak(known):
    mark_right(known)
    known.answer()
    known.next()
    assert known.streak == 1
    known.mark(0, "recovered")
    known.set(level="6→3")
    assert known.streak == 0 and known._status == [""] * 6


def test_what_was_meant_for_an_earlier_matrix_is_not_taken(gym):
    late = {"action": "answer", "turn": gym._turn, "status": ["dropped"] * 5, "pairs": []}
    gym.next()
    gym._told(late)
    assert gym._board.verdict == {} and "Which features" in gym.sentence


def test_the_matrices_differ(gym):
    seen = []
    for _ in range(12):
        seen.append(gym.matrix.G)
        mark_right(gym)
        gym.answer()
        gym.set(level="5→2")
    assert all(not torch.equal(a, b) for a, b in itertools.combinations(seen, 2))
    assert len({str(sorted(read_gram(G).status)) for G in seen}) > 1


def test_the_answer_is_not_on_the_page_before_it_is_given(known):
    assert "reading" not in known._stage.code and "digon" not in known.sentence
    mark_right(known)
    known.answer()
    assert "reading" in known._stage.code


def test_unclear_matrices_are_not_fair():
    assert is_fair(gram(W))
    assert not is_fair(gram(W) + 0.1 * torch.diag(torch.tensor([0, 0, 0, 2.0, 0])))
    assert not is_fair(gram(torch.tensor([[1.0, 0.1], [0.0, 0.9]])))
    assert not is_fair(gram(torch.tensor([[1.2, 0.2], [0.0, 0.1]])))  # crosses a feature that is dropped
    assert not is_fair(gram(torch.ones(1, 8)))  # 28 crossings


def test_halting_ends_the_training():
    halt = threading.Event()
    halt.set()
    assert matrices("20→10", 0, halt) == []


def test_what_is_wrong_is_named(gym):
    with pytest.raises(ValueError, match="level: got '4→2', expected one of"):
        GramGym("4→2")
    with pytest.raises(ValueError, match="no feature 5; they are 0 to 4"):
        gym.mark(5, "dropped")
    with pytest.raises(ValueError, match="got status 'lost', expected one of"):
        gym.mark(0, "lost")
    for partners in ([0], [1]):
        with pytest.raises(ValueError, match=re.escape(f"cannot have the partners {partners}")):
            gym.mark(0, "recovered" if partners == [1] else "superposed", partners)


def test_nothing_is_judged_before_every_feature_is_marked(known):
    mark_right(known, but=[2, 4])
    assert known.answer() == ["Not marked yet: features 2 and 4."]
    assert known.sentence.endswith("in 2 dimensions. Not marked yet: features 2 and 4.")
    assert known._board.verdict == {} and "reading" not in known._stage.code
    known.mark(2, "recovered")
    known.mark(4, "dropped")
    assert known.answer() == [] and known.streak == 1


def test_a_matrix_left_unanswered_comes_again(gym):
    left = gym.matrix
    gym.set(level="6→3")
    gym.set(level="5→2")
    assert gym.matrix is left


def test_leaving_python_while_models_are_trained_ahead_is_no_crash():
    command = [sys.executable, "-c", "from tms_edu.widgets import GramGym; GramGym()"]
    ended = [subprocess.run(command, capture_output=True, text=True) for _ in range(3)]
    assert [(run.returncode, run.stderr) for run in ended] == [(0, "")] * 3
