"""Numbers and lists as a reader sees them: one way to join, one minus sign."""

from collections.abc import Iterable, Sequence

_NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")


def join(items: Iterable, last: str = "and") -> str:
    """Join as in a sentence.

    >>> join([1, 2, 5]), join(["a", "b"], "or"), join([3])
    ('1, 2 and 5', 'a or b', '3')
    """
    *most, end = [str(item) for item in items] or [""]
    return f"{', '.join(most)} {last} {end}" if most else end


def plain(value, spec: str = ".3g") -> str:
    """Write a number with a true minus sign.

    >>> plain(-0.25), plain(3.0), plain(-0.001, ".2f")
    ('−0.25', '3', '0.00')
    """
    text = f"{float(value):{spec}}"
    return text.replace("-", "−") if any(digit in text for digit in "123456789in") else text.replace("-", "")


def signed(value, decimals: int = 2) -> str:
    """Write a number with its sign, and 0 for what rounds to it.

    >>> signed(0.414), signed(-1), signed(-0.004)
    ('+0.41', '−1.00', '0')
    """
    text = plain(value, f"+.{decimals}f")
    return text if any(digit in text for digit in "123456789in") else "0"


def vector(values: Iterable, spec: str = ".3g") -> str:
    """Write a row of numbers in brackets.

    >>> vector([1.0, -0.5])
    '(1, −0.5)'
    """
    return f"({', '.join(plain(value, spec) for value in values)})"


def number_word(number: int) -> str:
    """Spell a small count.

    >>> number_word(3), number_word(12)
    ('three', '12')
    """
    return _NUMBERS[number] if number < len(_NUMBERS) else str(number)


def counted(number: int, name: str) -> str:
    """Count things.

    >>> counted(2, "digon"), counted(1, "feature")
    ('two digons', 'one feature')
    """
    return f"{number_word(number)} {name}{'' if number == 1 else 's'}"


def listed(name: str, items: Sequence) -> str:
    """Name one thing or several of a kind.

    >>> listed("feature", [3]), listed("feature", [1, 2])
    ('feature 3', 'features 1 and 2')
    """
    return f"{name}{'' if len(items) == 1 else 's'} {join(items)}"
