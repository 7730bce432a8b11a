"""Gram gym: every answer judged by read_gram, every mistake named, nothing asked that is not clear."""

import copy
import itertools

import numpy as np
import pytest
import torch

from hand import workers
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
    assert not workers()


def show(gym, W, b):
    G = gram(W)
    gym._run.frame = Matrix("5→2", 0, 0, G, b, read_gram(G, b))
    gym._draw()


@pytest.fixture
def known(gym):
    show(gym, W, B)
    return gym


def mark_right(gym, but=()):
    for feature in gym.matrix.reading.features:
        if feature.index not in but:
            gym.mark(feature.index, feature.status, feature.partners)


def tell(gym, action="answer", **changes):
    """Send what the board on the page sends."""
    state = gym.board.state
    marks = {"status": state["status"], "pairs": [list(pair) for pair in state["pairs"]]}
    gym._told({"action": action, "turn": state["turn"]} | marks | changes)


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
            "Feature 0 is superposed, you marked it recovered: its row has a crossing with 1 (−1.00).",
        ),
        (
            {0: "dropped"},
            "Feature 0 is not dropped: its diagonal entry is +1.00. It is superposed, with 1 (−1.00).",
        ),
        ({0: "superposed"}, "Feature 0 is superposed, but you missed its crossing with 1 (−1.00)."),
        (
            {2: "superposed"},
            "Feature 2 is recovered, you marked it superposed: nothing in its row but the diagonal reaches 0.1.",
        ),
        ({2: "dropped"}, "Feature 2 is not dropped: its diagonal entry is +0.81. It is recovered."),
        (
            {3: "recovered"},
            "Feature 3 is dropped, you marked it recovered: its diagonal entry is 0, too small for a column of any use.",
        ),
    ],
)
def test_each_mistake_is_named(known, marks, told):
    status = list(known.matrix.reading.status)
    for index, mark in marks.items():
        status[index] = mark
    pairs = [[0, 1]] if status[:2] == ["superposed"] * 2 and 0 not in marks else []
    tell(known, status=status, pairs=pairs)
    mistakes = known.board.state["verdict"]["mistakes"]
    assert mistakes[min(marks)] == told and known.answer() == list(mistakes.values())


def test_crossings_missed_and_invented(known):
    status = ["superposed", "superposed", "superposed", "dropped", "dropped"]
    tell(known, status=status, pairs=[[0, 2]])
    verdict = known.board.state["verdict"]
    assert verdict["missed"] == [(0, 1)] and verdict["extra"] == [(0, 2)]
    assert list(verdict["mistakes"]) == [0, 1, 2]
    assert verdict["mistakes"][0] == (
        "Feature 0 is superposed, but you missed its crossing with 1 (−1.00) and there is no crossing with 2 (0)."
    )
    assert verdict["mistakes"][2].endswith("reaches 0.1; there is no crossing with 0 (0).")
    assert known.sentence == "2 of 5 features right; wrong: 0, 1 and 2."  # why stands in the list


def test_marks_from_the_page_and_from_python_agree(known):
    tell(known, "mark", status=["superposed", "superposed", "", "", ""], pairs=[[1, 0]])
    for feature, status in ((2, "recovered"), (3, "dropped"), (4, "dropped")):
        known.mark(feature, status)
    assert known.board.state["pairs"] == [(0, 1)]
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
    assert known.streak == 0 and known.board.state["status"] == [""] * 6


def test_what_was_meant_for_an_earlier_matrix_is_not_taken(gym):
    late = {"action": "answer", "turn": gym.board.state["turn"], "status": ["dropped"] * 5, "pairs": []}
    gym.next()
    gym._told(late)
    assert gym.board.state["verdict"] is None and "Which features" in gym.sentence


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


def test_what_is_wrong_is_named(gym):
    with pytest.raises(ValueError, match="level: got '4→2', expected one of"):
        GramGym("4→2")
    with pytest.raises(ValueError, match="level: got '4→2', expected one of"):
        matrices("4→2", 0)
    with pytest.raises(ValueError, match="feature: got 5, expected a value from 0 to 4"):
        gym.mark(5, "dropped")
    with pytest.raises(ValueError, match="status: got 'lost', expected one of"):
        gym.mark(0, "lost")
    for status, partners in (("superposed", [0]), ("recovered", [1])):
        with pytest.raises(ValueError, match="crossings of superposed ones"):
            gym.mark(0, status, partners)
    assert gym.board.state["status"] == [""] * 5 and not gym.board.state["pairs"]


WRONG = [5, 2.5, -1, None, True, [1], {}, "x" * 100_000, b"3", 10**5000, float("nan"), object(), GramGym]
WRONG += [np.arange(3), torch.arange(3)]


@pytest.mark.plain
@pytest.mark.parametrize("value", WRONG, ids=lambda value: type(value).__name__)
def test_wrong_kinds_are_refused_in_a_short_sentence(gym, value):
    calls = [
        lambda: GramGym(level=value),
        lambda: gym.mark(value, "dropped"),
        lambda: gym.mark(0, value),
        lambda: gym.mark(0, "superposed", [value]),
    ]
    if not isinstance(value, (list, dict, np.ndarray, torch.Tensor)):  # partners may come in one of these
        calls.append(lambda: gym.mark(0, "superposed", value))
    if type(value) is not int or value < 0:
        calls.append(lambda: GramGym(seed=value))
    for call in calls:
        with pytest.raises(ValueError) as told:
            call()
        assert len(str(told.value)) < 150
    assert gym.board.state["status"] == [""] * 5


@pytest.mark.parametrize("seed", [10**9, 1000, -1])
def test_a_seed_beyond_those_that_there_are_is_refused(seed):
    with pytest.raises(ValueError, match="seed: got .*, expected a value from 0 to 999"):
        GramGym(seed=seed)


@pytest.mark.plain
def test_numbers_of_any_kind_mark_the_feature_that_they_equal(known):
    known.mark(np.int64(1), "superposed", np.array([0]))
    known.mark(2.0, "recovered")
    assert known.board.state["pairs"] == [(0, 1)]
    assert known.board.state["status"] == ["superposed", "superposed", "recovered", "", ""]


ALL = ["superposed", "superposed", "recovered", "dropped", "dropped"]


@pytest.mark.parametrize(
    "marks",
    [
        {"status": [], "pairs": []},
        {"status": ALL[:4], "pairs": [[0, 1]]},
        {"status": [*ALL, "dropped"], "pairs": [[0, 1]]},
        {"status": ["lost", *ALL[1:]], "pairs": []},
        {"status": [1, *ALL[1:]], "pairs": []},
        {"status": [["dropped"], *ALL[1:]], "pairs": []},
        {"status": ALL, "pairs": [[0, 5]]},
        {"status": ALL, "pairs": [[-1, 0]]},
        {"status": ALL, "pairs": [[0, 0]]},
        {"status": ALL, "pairs": [[0, 2]]},
        {"status": ALL, "pairs": [[0, 1, 1]]},
        {"status": ALL, "pairs": ["01"]},
        {"status": ALL, "pairs": [[]]},
        {"pairs": [[0, 1]]},
        {},
    ],
)
@pytest.mark.parametrize("action", ["answer", "mark", "next"])
def test_marks_that_no_board_sends_change_nothing(known, action, marks):
    matrix, state = known.matrix, known.board.state
    with pytest.raises(ValueError) as told:
        known._told({"action": action, "turn": state["turn"]} | marks)
    assert len(str(told.value)) < 150 and str(told.value) in known.error
    assert known.board.state == state and known.matrix is matrix and known.streak == 0


@pytest.mark.parametrize(
    "content", [{}, {"turn": None}, {"action": "answer"}, {"turn": -1, "action": "next"}]
)
def test_a_message_without_its_turn_is_not_heard(known, content):
    state = known.board.state
    known._told(content)
    assert known.board.state == state and not known.error


def test_a_second_answer_counts_once_and_later_marks_come_too_late(known):
    tell(known, status=ALL, pairs=[[0, 1]])
    tell(known, status=ALL, pairs=[[0, 1]])
    tell(known, status=["dropped"] * 5, pairs=[])
    assert known.streak == known.best == 1 and not known.board.state["verdict"]["mistakes"]
    with pytest.raises(ValueError, match="until the answer"):
        known.mark(0, "dropped")


def test_a_second_next_is_not_heard(known):
    tell(known, status=ALL, pairs=[[0, 1]])
    late = {"action": "next", "turn": known.board.state["turn"], "status": ALL, "pairs": [[0, 1]]}
    known._told(late)
    matrix = known.matrix
    known._told(late)
    assert known.matrix is matrix and known.streak == 1


def test_saying_it_again_changes_no_state(known):
    def everything():
        return copy.deepcopy((str(known._attempt), known._turn, known.streak, known.best, known.board.state))

    for act in (lambda: None, known.answer, lambda: mark_right(known), known.answer):
        act()
        before, sentence = everything(), known.sentence
        for _ in range(2):
            assert known.say(known.frame, known._v()) == sentence
            known._draw()
        assert everything() == before


def test_another_mark_takes_the_question_back(known):
    mark_right(known, but=[4])
    assert known.answer() == ["Not marked yet: feature 4."]
    known.mark(4, "dropped")
    assert "Which features" in known.sentence and known.board.state["verdict"] is None and known.streak == 0


def test_a_pale_blue_crossing_of_two_orange_dots_is_no_antipodal_pair(gym):
    """Of such a pair G_ij² = G_ii G_jj: two columns on one line."""
    show(gym, torch.tensor([[1.0, -0.3, 0.0, 0.0, 0.0], [0.0, 0.95, 0.0, 0.0, 0.0]]), B)
    assert is_fair(gym.matrix.G)
    mark_right(gym)
    assert gym.answer() == [] and "digon" not in gym.sentence
    assert "Features 0 and 1 are superposed in two dimensions" in gym.sentence
    pairs = [
        (matrix.G, group)
        for level in LEVELS
        for matrix in matrices(level, 0)
        for group in matrix.reading.groups
        if len(group.members) == 2
    ]
    for G, group in pairs:
        i, j = group.members
        on_one_line = G[i, j] ** 2 > 0.7 * G[i, i] * G[j, j]
        assert on_one_line == (group.dimensions == 1) and (group.shape != "digon" or on_one_line)


def test_nothing_is_judged_before_every_feature_is_marked(known):
    mark_right(known, but=[2, 4])
    assert known.answer() == ["Not marked yet: features 2 and 4."]
    assert known.sentence.endswith("in 2 dimensions. Not marked yet: features 2 and 4.")
    assert known.board.state["verdict"] is None and "reading" not in known._stage.code
    known.mark(2, "recovered")
    known.mark(4, "dropped")
    assert known.answer() == [] and known.streak == 1


def test_a_matrix_left_unanswered_comes_again(gym):
    left = gym.matrix
    gym.set(level="6→3")
    gym.set(level="5→2")
    assert gym.matrix is left
