"""The engine of the exercise checks: call the student's code safely, say in words what came back."""

import functools
import inspect
import math
import traceback
from collections.abc import Callable
from types import BuiltinFunctionType, FunctionType, GeneratorType, MethodType

import numpy as np
import torch
from IPython import get_ipython
from torch import Tensor

from tms_edu.checks.result import NEARLY, NOT_TRIED, RIGHT, Result
from tms_edu.wording import join, plain

RESULT = "your function's result"


class NotTried(Exception):
    """Leave a check because the stub is untouched."""


class Nearly(Exception):
    """Leave a check with the sentence that names the mistake."""


def require(holds, said: str) -> None:
    """Leave the check with a sentence unless something holds."""
    if not holds:
        raise Nearly(said)


def exercise(check: Callable[..., str | Result]) -> Callable[..., Result]:
    """Turn a function that returns the sentence for a right answer, or a result, into a check that never raises.

    Inside, raise `Nearly` with a sentence, or let `call`, `number` and `tensor` do it. An answer that is still `...`
    is not tried yet. The kernel's interrupt passes through.

    >>> @exercise
    ... def check_two(value):
    ...     if number(value) != 2:
    ...         raise Nearly("Count again.")
    ...     return "Two it is."
    >>> check_two(...), check_two(3), check_two(2)
    (○ Not tried yet. Fill in the `...` above, run that cell, then this one., ◐ Nearly. Count again., ● Right. Two it is.)
    """
    signature = inspect.signature(check)

    @functools.wraps(check)
    def guarded(*args, **kwargs) -> Result:
        try:
            signature.bind(*args, **kwargs)
        except TypeError:
            expected = ", ".join(signature.parameters)
            return Result(NEARLY, f"Hand your answer to the check: `checks.{check.__name__}({expected})`.")
        try:
            if any(value is ... for value in (*args, *kwargs.values())):
                raise NotTried
            said = check(*args, **kwargs)
            return said if isinstance(said, Result) else Result(RIGHT, said)
        except NotTried:
            return Result(NOT_TRIED, "Fill in the `...` above, run that cell, then this one.")
        except Nearly as mistake:
            return Result(NEARLY, f"{mistake}{_perhaps_older()}")
        except KeyboardInterrupt:
            raise
        except BaseException:
            handed = join(kind(value) for value in (*args, *kwargs.values()))
            expected = (check.__doc__ or "Check an answer.").splitlines()[0].removeprefix("Check ")
            return Result(
                NEARLY, f"You handed over {handed}, which I cannot read. What I look at is {expected}"
            )

    guarded.__signature__ = inspect.Signature(signature.parameters.values())
    return guarded


def _perhaps_older() -> str:
    # A name keeps its value from an earlier run where the cell that should have set it stopped with an error.
    last = getattr(get_ipython(), "last_execution_result", None)
    failed = last is not None and not last.success
    older = " (The cell that ran before this one stopped with an error, so this may be an answer from an earlier run.)"
    return older if failed else ""


def call(
    student, *args, shape: tuple[int, ...] | None = None, shapes: dict[tuple, str] | None = None
) -> Tensor:
    """Call the student's function on copies of `args` and return its float tensor.

    Args:
        student: what the student wrote.
        *args: tensors and plain values.
        shape: the shape the result must have; None accepts any.
        shapes: sentences for wrong shapes that have a known cause.

    Raises:
        NotTried: if the function is an untouched stub.
        Nearly: with a sentence for everything else that keeps the result from being read.
    """
    return tensor(run(student, *args), shape=shape, shapes=shapes, name=RESULT)


def run(student, *args):
    """Call the student's function on copies of `args`; a stub, a failure or a changed argument leaves the check."""
    require(
        callable(student),
        f"I need the function itself, without brackets after its name; I got {kind(student)}.",
    )
    copies = [value.clone() if isinstance(value, Tensor) else value for value in args]
    try:
        result = student(*copies)
    except KeyboardInterrupt:
        raise
    except RecursionError:
        raise Nearly(
            "Your function calls itself without end. Does its name stand inside its own body?"
        ) from None
    except BaseException as error:
        raise Nearly(_stopped(student, error, args)) from None
    require(
        all(map(_untouched, args, copies)),
        "Your function changes the tensors it is given, so the next line that uses them is surprised. "
        "Look for `-=`, `+=`, an assignment to `x[...]`, or a method that ends in `_`.",
    )
    if result is ... or (result is None and _is_stub(student)):
        raise NotTried
    if inspect.iscoroutine(result):
        result.close()
        raise Nearly("Your function begins with `async def`, so it has not run. Take the `async` away.")
    return result


def tensor(
    value,
    *,
    shape: tuple[int, ...] | None = None,
    shapes: dict[tuple, str] | None = None,
    name: str = "your answer",
) -> Tensor:
    """Return `value` as float32 if it is a finite tensor of real numbers of `shape` without gradient, else raise `Nearly`."""
    if not isinstance(value, Tensor):
        raise Nearly(_not_a_tensor(value, name))
    whose, known = _first_upper(name), (shapes or {}).get(tuple(value.shape))
    require(
        shape is None or value.shape == shape,
        known or f"{whose} has shape {tuple(value.shape)}; expected {shape}.",
    )
    require(
        not value.is_complex() and value.dtype != torch.bool,
        f"{whose} holds {str(value.dtype).removeprefix('torch.')}; I expected real numbers.",
    )
    require(
        not value.requires_grad,
        f"{whose} carries a gradient that the inputs do not have. Does it use `model.W` of some model instead of what it "
        "was given? A number to look at is taken off the training graph with `.detach()`.",
    )
    require(
        value.isfinite().all(),
        f"{whose} contains {'NaN' if value.isnan().any() else 'infinity'}. Look for a division by zero or the root of a "
        "negative number.",
    )
    return value.to(torch.float32)


def number(value, *, name: str = "your answer") -> float:
    """Return `value` as a float if it is one finite number, else raise `Nearly` saying what it is."""
    try:
        shape = tuple(getattr(value, "shape", ()))
        single = value.item() if hasattr(value, "item") and math.prod(shape) == 1 else value
        found = None if isinstance(single, (bool, str)) or math.prod(shape) != 1 else float(single)
    except Exception:
        found, shape = None, ()
    require(
        found is not None,
        f"I expected one number; {name} " + (f"has shape {shape}." if shape else f"is {kind(value)}."),
    )
    require(math.isfinite(found), f"{_first_upper(name)} is {found}. Look for a division by zero.")
    return found


def same(a: Tensor, b: Tensor, tolerance: float = 1e-4) -> bool:
    """Say whether two tensors agree in shape and, to `tolerance`, in value."""
    return a.shape == b.shape and torch.allclose(a, b, rtol=tolerance, atol=tolerance)


_KINDS = (
    (type(None), lambda value: "None"),
    (Tensor, lambda value: f"a tensor of shape {tuple(value.shape)}"),
    (str, lambda value: f"text of {len(value)} letter{'' if len(value) == 1 else 's'}"),
    ((list, tuple, set, dict), lambda value: f"a {type(value).__name__} of {len(value)}"),
    ((np.ndarray, np.generic), lambda value: f"a NumPy array of shape {value.shape}"),
    (bool, lambda value: f"the truth value {value}"),
    ((int, float), lambda value: f"the number {_short(value)}"),
    (GeneratorType, lambda value: "a generator"),
    ((FunctionType, MethodType, BuiltinFunctionType), lambda value: "a function"),
)


def _short(value) -> str:
    try:
        return plain(value, ".4g")
    except OverflowError:
        return "beyond all measure"


def kind(value) -> str:
    """Name what a value is, without printing what may be huge or fail to print.

    >>> kind([1, 2]), kind(None), kind(torch.zeros(2, 3))
    ('a list of 2', 'None', 'a tensor of shape (2, 3)')
    """
    known = (say(value) for types, say in _KINDS if isinstance(value, types))
    return next(known, f"something of type {type(value).__name__}")


def _not_a_tensor(value, name: str) -> str:
    listed, foreign = isinstance(value, (list, tuple)), isinstance(value, (np.ndarray, np.generic))
    made = name != RESULT or (listed and not any(isinstance(item, Tensor) for item in value))
    is_, wanted = f"{_first_upper(name)} is {kind(value)}", ", and I expected a torch tensor."
    causes = (
        (value is None, ". Does the function end in `return …`?"),
        (inspect.isgenerator(value), ". Replace `yield` by `return`."),
        (made, f"{wanted} `torch.tensor(…)` makes one of it."),
        (listed, f"{wanted} `torch.stack` makes one tensor of a list of them."),
        (
            foreign,
            f"{wanted} Something on the way left torch; `@`, `torch.relu` and `.sum` have no need of NumPy.",
        ),
        (
            True,
            f"{wanted} `float`, `.item()` and Python's `sum` leave torch; a tensor's own `.sum` stays inside.",
        ),
    )
    return is_ + next(said for holds, said in causes if holds)


_HINTS = {
    "cannot be multiplied": "In a product the two inner sizes must be equal: on which side does the transpose go?",
    "size mismatch": "In a product the two inner sizes must be equal: on which side does the transpose go?",
    "Complex": "A symmetric matrix has real eigenvalues: `torch.linalg.eigvalsh` returns them as such.",
}


def _stopped(student, error: BaseException, args: tuple) -> str:
    file, name = getattr(getattr(student, "__code__", None), "co_filename", None), _name(error)
    lines = [frame.line for frame in traceback.extract_tb(error.__traceback__) if frame.filename == file]
    if file and not lines and isinstance(error, TypeError):
        count = "1 argument" if len(args) == 1 else f"{len(args)} arguments"
        return f"I call your function with {count}, and it does not take that. Compare its first line with the stub's."
    where = f" at `{lines[-1]}`" if lines and lines[-1] else ""
    shapes = ", ".join(str(tuple(value.shape)) for value in args if isinstance(value, Tensor))
    given = f" I gave it tensors of shape {shapes}." if shapes else ""
    hints = "".join(f" {said}" for words, said in _HINTS.items() if words in name)
    return f"Your function stopped{where} with {name}.{given}{hints}"


def _name(error: BaseException) -> str:
    try:
        text = ": " + str(error).strip().splitlines()[0][:200].replace("`", "'")
    except Exception:
        text = ""
    return f"`{type(error).__name__}{text}`"


def _untouched(before, after) -> bool:
    tensors = isinstance(before, Tensor)
    return not tensors or (before.shape == after.shape and torch.equal(before, after.detach()))


def _first_upper(text: str) -> str:
    return text[:1].upper() + text[1:]


# Same instructions as an empty body, whatever the constants: a docstring moves them.
_EMPTY_BODY = (lambda: None).__code__.co_code[::2]


def _is_stub(function) -> bool:
    code = getattr(function, "__code__", None)
    return code is not None and code.co_code[::2] == _EMPTY_BODY
