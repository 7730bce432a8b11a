"""The forms of checks: a right answer, and a table of foreseen mistakes with a sentence for each.

`function` for "write this function", `outcome` for what is read off, made or trained, `experiment` for what has no right
answer. A table is tried from top to bottom, and its first row that fits is told.
"""

import dis
import functools
import inspect
import re
from collections import Counter
from collections.abc import Callable
from string import Formatter
from types import SimpleNamespace

import torch
from torch import Tensor

from tms_edu.checks.exercises import RESULT, Nearly, call, exercise, kind, require, run, same, tensor
from tms_edu.checks.result import COUNTED, Result
from tms_edu.wording import vector


class _Filled(Formatter):
    """Write numbers into a sentence with a true minus sign."""

    def format_field(self, value, spec: str) -> str:
        if isinstance(value, Tensor) and value.ndim:
            return vector(value.flatten().tolist(), spec or ".3g")
        text = format(value.item() if isinstance(value, Tensor) else value, spec)
        return text if isinstance(value, str) else text.replace("-", "−")


def fill(sentence: str, *values, **named) -> str:
    """Put values into the places of a sentence.

    >>> fill("{loss:.2f} from h = {0}", torch.tensor([1.0, -0.5]), loss=-0.25)
    '−0.25 from h = (1, −0.5)'
    """
    return _Filled().vformat(sentence, values, named)


def normal(seed: int, *shape: int) -> Tensor:
    """Draw a tensor for a check, the same each time."""
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def function(
    *given,
    mistakes: list[tuple[Callable, str]],
    right: str,
    small: tuple = (),
    otherwise: str | Callable = "",
    again: tuple = (),
    read: Callable = call,
    tolerance: float = 1e-4,
) -> Callable:
    """Turn a right answer into the check of the student's function of that name.

    Args:
        *given: what the student's function is called with.
        mistakes: (wrong function, sentence); one that gives another shape stands for every answer of that shape.
        right: the sentence for a right answer; {0} is the expected value.
        small: a sentence with {0}, {1}, … for arguments and {got} for the student's answer, then examples small enough
            for the head; the first that goes wrong is told.
        otherwise: the sentence where no example goes wrong, or a function of answer and expected value that writes it.
        again: (further arguments, sentence), for what is right by chance or written in.
        read: calls a function, the student's, a wrong one or the right one, on arguments; without another the result must
            be a tensor.
        tolerance: up to which two numbers are the same.
    """

    def decorate(solution: Callable) -> Callable:
        @functools.wraps(solution)
        def check(student) -> str:
            expected, answer = read(solution, *given), read(student, *given)
            if not agree(answer, expected):
                values = [(read(wrong, *given), said) for wrong, said in mistakes]
                wrong = (args for args in small[1:] if not agree(read(student, *args), read(solution, *args)))
                raise Nearly(
                    _named(answer, expected, values, agree)
                    or next(
                        (fill(small[0], *args, got=read(student, *args).reshape(-1)) for args in wrong), ""
                    )
                    or (otherwise(answer, expected) if callable(otherwise) else otherwise)
                )
            for args, said in again:
                require(agree(read(student, *args), read(solution, *args)), said)
            return fill(right, expected)

        agree = functools.partial(_agree, tolerance=tolerance)
        name = solution.__name__.removeprefix("check_")
        parameter = inspect.Parameter(name, inspect.Parameter.POSITIONAL_OR_KEYWORD)
        check.__signature__ = inspect.Signature([parameter])
        guarded = exercise(check)
        guarded.mistakes = mistakes
        return guarded

    return decorate


def _agree(a, b, tolerance: float) -> bool:
    tensors = isinstance(a, Tensor) and isinstance(b, Tensor)
    return same(a, b.to(a.dtype), tolerance) if tensors else a == b


def _named(answer, expected, values: list, agree: Callable) -> str:
    """Find the sentence for a wrong answer; a wrong shape that no row names leaves the check."""
    exact = next((said for value, said in values if agree(answer, value)), "")
    if exact or not isinstance(expected, Tensor) or answer.shape == expected.shape:
        return exact
    shaped = (said for value, said in values if value.shape == answer.shape)
    return next(shaped, "") or tensor(answer, shape=tuple(expected.shape), name=RESULT)


def outcome(*rows: tuple[Callable, str], right: str, good: Callable | None = None) -> Callable:
    """Turn a function that measures an answer into a check that judges what it measured.

    Args:
        *rows: (condition on what was measured, sentence); conditions are asked in order, until one holds.
        right: the sentence for a right answer. Sentences name in braces what was measured.
        good: the condition for a right answer, asked before all others. None: right is what no row holds for.

    The decorated function returns a dictionary; a condition reads its entries as attributes.
    """

    def decorate(measure: Callable) -> Callable:
        @exercise
        @functools.wraps(measure)
        def check(*answer, **options) -> str:
            found = measure(*answer, **options)
            if good is None or not good(SimpleNamespace(**found)):
                reject(*rows, **found)
            return fill(right, **found)

        check.rows = rows
        return check

    return decorate


def reject(*rows: tuple[Callable, str], **found) -> None:
    """Raise `Nearly` with the sentence of the first row whose condition holds for what was found."""
    for holds, said in rows:
        if holds(SimpleNamespace(**found)):
            raise Nearly(fill(said, **found))


def experiment(returns: str) -> Callable:
    """Check an experiment of the reader's own: eight seeds, compared with the words that were expected.

    Args:
        returns: what an experiment returns, to be told to one that returns something else.
    """

    def decorate(task: Callable) -> Callable:
        @exercise
        @functools.wraps(task)
        def check(experiment, expected) -> Result:
            require(
                isinstance(expected, str) and expected.strip(),
                f"`expected` is {kind(expected)}. Write down what you expect, in the words your experiment returns.",
            )
            outcomes = [_words_of(experiment, seed, returns) for seed in range(8)]
            require(
                reads_seed(experiment),
                "Your experiment never uses its seed, so nobody can repeat one of its eight runs, or tell them apart.",
            )
            counts, hits = Counter(outcomes), sum(_bare(words) == _bare(expected) for words in outcomes)
            tally = "; ".join(f"{words}: {k}" for words, k in counts.most_common(4))
            verdict = {
                0: _none_as_expected(expected, counts),
                8: "Every run went as you expected: what would you try next to prove yourself wrong?",
            }.get(hits, "How would you find out whether the others are worse minima, or as good?")
            return Result(COUNTED, f"{hits} of 8 runs ended as you expected ({tally}). {verdict}")

        return check

    return decorate


def _words_of(experiment: Callable, seed: int, returns: str) -> str:
    words = run(experiment, seed)
    require(
        isinstance(words, str) and words.strip(),
        f"For seed {seed} your experiment returns {kind(words)}. Let it return {returns}.",
    )
    return words.strip()


def reads_seed(experiment: Callable) -> bool:
    """Say whether a function's own code reads its first argument; True where the code cannot be seen."""
    code = getattr(experiment, "__code__", None)
    if code is None or not code.co_varnames:
        return True
    # Newer Pythons load two variables with one instruction, whose argument is a pair of names.
    loaded = [i.argval for i in dis.get_instructions(code) if i.opname.startswith("LOAD")]
    return any(code.co_varnames[0] in (name if isinstance(name, tuple) else (name,)) for name in loaded)


def _bare(words: str) -> str:
    """Forget capitals, spacing, punctuation and a leading article, but not the sign or the point of a number."""
    bare = re.sub(r"[^\w\s](?!\d)", " ", words).casefold().split()
    return " ".join(bare[bare[:1] in (["a"], ["an"], ["the"]) :]) or words.strip()


def _none_as_expected(expected: str, counts: Counter) -> str:
    longer = next((words for words in counts if f" {_bare(expected)} " in f" {_bare(words)} "), None)
    if longer is not None:
        return f"Your words are a part of “{longer}”. If that is what you meant, write all of it; if not, what was missing in your picture?"
    return (
        "No run returned the words that you wrote. If it said the same in other words, write them into `expected`; "
        "if not, which part of your picture has to give?"
    )


def detached(answer):
    """Take a tensor off the training graph; leave everything else alone."""
    return answer.detach() if isinstance(answer, Tensor) else answer
