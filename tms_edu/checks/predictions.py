"""Predictions: asked before the run that answers them, kept for the session, compared with what the run showed."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction

from tms_edu.checks.exercises import Nearly, kind, number, require
from tms_edu.checks.result import PREDICTION, Result, to_html

LETTERS = "abcdefgh"


@dataclass(frozen=True)
class Choice:
    """Ask for one of several options.

    Attributes:
        key: "03.2": notebook and place.
        question: a sentence that ends in a question mark.
        rows: for each option its words, the condition on what the run showed under which it is true, and what choosing it,
            and seeing another, says about the picture in the reader's head. The first true one is what the run supports.
        lesson: one sentence for a reader who saw what they expected.
    """

    key: str
    question: str
    rows: list[tuple[str, Callable[[object], bool], str]]
    lesson: str

    @property
    def options(self) -> list[str]:
        """List the words of the options."""
        return [option for option, _, _ in self.rows]

    def read(self, answer) -> str:
        """Return the option that `answer` names by its letter or its text, else raise `Nearly`."""
        letters = dict(zip(LETTERS, self.options, strict=False))
        text = answer.strip() if isinstance(answer, str) else ""
        named = letters.get(text.lower().rstrip(")"), text)
        expected = f"Prediction {self.key} takes one letter, {', '.join(letters)}; I got {kind(answer)}."
        require(named in self.options, expected)
        return named

    def show(self, option: str) -> str:
        return f"“{option}”"

    def seen(self, observed) -> tuple[object, str]:
        """Return what the run showed and the words for it."""
        option = next((option for option, true_of, _ in self.rows if true_of(observed)), None)
        return option, self.show(option) if option else "something that none of the options foresaw"

    def score(self, answer: str, seen: str | None) -> float | None:
        return None if seen is None else float(answer == seen)

    def comment(self, answer: str, seen: str | None) -> str:
        if seen is None:
            return "This run ended in a rarer way, and nothing is scored. Train with another seed and look again."
        chosen = {option: said for option, _, said in self.rows}
        return self.lesson if answer == seen else chosen[answer]


@dataclass(frozen=True)
class Number:
    """Ask for a number; being close earns part of the score.

    Attributes:
        key: "03.1": notebook and place.
        question: a sentence that ends in a question mark.
        exact: up to this distance the score is 1.
        far: from this distance on it is 0; straight line between.
        too_low: what a guess well below the run says about the picture in the reader's head.
        too_high: the same for a guess above.
        lesson: one sentence for a reader who was close.
        share: whether the number is one from 0 to 1, so that 50 is asked for again.
    """

    key: str
    question: str
    exact: float
    far: float
    too_low: str
    too_high: str
    lesson: str
    share: bool = False
    options = ()

    def read(self, answer) -> float:
        """Return `answer` as a number; text may be 0.25, 0,25, 1/4 or 25 %; else raise `Nearly`."""
        value = self._plain(answer) if isinstance(answer, str) else number(answer)
        expected = (
            f"Prediction {self.key} takes a number from 0 to 1, for example 0.25 or 25 %; I got {value:g}."
        )
        require(not self.share or 0 <= value <= 1, expected)
        return value

    def _plain(self, answer: str) -> float:
        text = answer.strip().replace(",", ".")
        try:
            value = float(Fraction(text.rstrip("% ")))
        except (ValueError, ZeroDivisionError, OverflowError):
            raise Nearly(
                f"Prediction {self.key} takes a number, for example 0.25; I cannot read {answer[:40]!r}."
            ) from None
        return value / 100 if text.endswith("%") else value

    def show(self, value: float) -> str:
        return f"{value:.3g}"

    def seen(self, observed) -> tuple[float, str]:
        value = number(observed, name="what the run showed")
        return value, self.show(value)

    def score(self, answer: float, seen: float) -> float:
        miss = (abs(answer - seen) - self.exact) / (self.far - self.exact)
        return round(1 - min(max(miss, 0.0), 1.0), 1)

    def comment(self, answer: float, seen: float) -> str:
        missed = self.too_low if answer < seen else self.too_high
        return self.lesson if abs(answer - seen) <= self.exact else missed


@dataclass(eq=False)
class Prediction:
    """Keep what this session knows about one question; show it as buttons or a number box, without a kernel as text."""

    asked: Choice | Number
    answer: object = None
    late: bool = False
    revealed: bool = False
    seen: object = None
    words: str = ""
    box: object = None

    @property
    def final(self) -> bool:
        """Say whether a prediction made in time has met its run; from then on it stays as it is."""
        return self.revealed and self.answer is not None and not self.late

    @property
    def points(self) -> float | None:
        """Score the prediction; None where it does not count."""
        return self.asked.score(self.answer, self.seen) if self.final else None

    @property
    def answered(self) -> str:
        """Show the answer in words; empty where there is none."""
        return "" if self.answer is None else self.asked.show(self.answer)

    def take(self, value) -> Result:
        """Keep the reader's prediction. After the run it is noted, and not counted."""
        value = self.asked.read(value)
        if self.final:
            return _say(f"You have seen the run by now, so your prediction stays {self.answered}.")
        self.answer, self.late = value, self.revealed
        late = (
            "The run has shown its answer already, so this one is not counted. "
            "To predict afresh, restart the kernel and answer before the run."
        )
        kept = f"Kept: you expect {self.answered}. You can change it until the run has answered."
        return _say(f"Noted: {self.answered}. {late}" if self.late else kept)

    def meet(self, observed) -> Result:
        """Compare the prediction with what the reader's own run showed."""
        there = observed is not None and observed is not ...
        require(there, "There is nothing to compare with yet. Run the cells of this section first.")
        try:
            self.seen, self.words = self.asked.seen(observed)
        except Exception as error:
            what = f"{kind(observed)} ({type(error).__name__})"
            raise Nearly(f"I cannot read what the run showed, {what}.") from None
        self.revealed = True
        if self.box is not None:
            _, control, note = self.box.children
            control.disabled, note.value = self.final, self._note()
        if self.answer is None:
            return _say(f"You made no prediction here. The run shows {self.words}.")
        late = " (Answered after the run, so not counted.)" if self.late else ""
        comment = self.asked.comment(self.answer, self.seen)
        return _say(f"You expected {self.answered}, you saw {self.words}.{late} {comment}")

    def _note(self) -> str:
        return self.answered and _say(f"Kept: you expect {self.answered}.")._repr_html_()

    def __repr__(self) -> str:
        example = '"b"' if self.asked.options else "0.25"
        options = (
            f"\n  {letter}) {option}" for letter, option in zip(LETTERS, self.asked.options, strict=False)
        )
        how = f'\nAnswer here, or in code: checks.answer("{self.asked.key}", {example})'
        return f"Prediction {self.asked.key}. {self.asked.question}{''.join(options)}{how}"

    def _repr_html_(self) -> str:
        options = zip(LETTERS, self.asked.options, strict=False)
        items = "".join(f"<br>{letter}) {to_html(option)}" for letter, option in options)
        return f"<div>{self._heading()}{items or '<br><em>a number</em>'}</div>"

    def _heading(self) -> str:
        return f"<strong>Prediction {self.asked.key}.</strong> {to_html(self.asked.question)}"

    def _repr_mimebundle_(self, include=None, exclude=None) -> dict:
        bundle = {"text/plain": repr(self), "text/html": self._repr_html_()}
        return self._live()._repr_mimebundle_() | bundle

    def _live(self):
        import ipywidgets

        for widget in (*self.box.children, self.box) if self.box else ():
            widget.close()
        heading = ipywidgets.HTML(f'<div style="line-height: 1.5">{self._heading()}</div>')
        note = ipywidgets.HTML(self._note())
        if self.asked.options:
            wide = ipywidgets.Layout(width="auto")
            control = ipywidgets.RadioButtons(options=self.asked.options, value=self.answer, layout=wide)
        else:
            words = {"placeholder": "a number, then Enter", "description": "Your guess"}
            control = ipywidgets.Text(value=self.answered, continuous_update=False, **words)
        control.disabled = self.final
        control.observe(lambda change: self._clicked(change.new, note), "value")
        self.box = ipywidgets.VBox([heading, control, note])
        return self.box

    def _clicked(self, value, note) -> None:
        # An exception in a callback would vanish without a trace, so everything that can go wrong ends in a sentence.
        if value is not None and str(value).strip():
            note.value = answer(self.asked.key, value)._repr_html_()


_predictions: dict[str, Prediction] = {}


def register(*questions: Choice | Number) -> None:
    """Make questions known under their keys."""
    _predictions.update({question.key: Prediction(question) for question in questions})


def forget(notebook: str = "") -> Result:
    """Forget the answers and reveals of a notebook ("03"), or of all of them, to start afresh."""
    register(*(known.asked for key, known in _predictions.items() if key.startswith(notebook)))
    return _say(f"Every prediction{f' of notebook {notebook}' if notebook else ''} is open again.")


def ask(key) -> Prediction | Result:
    """Show a prediction: question and options, to be answered by a click, or in code by `answer`."""
    return _about(key, lambda prediction: prediction)


def answer(key, value) -> Result:
    """Keep the reader's prediction. After `reveal` it is noted, and not counted."""
    return _about(key, lambda prediction: prediction.take(value))


def reveal(key, observed) -> Result:
    """Compare the reader's prediction with what their own run showed."""
    return _about(key, lambda prediction: prediction.meet(observed))


def _about(key, tell: Callable[[Prediction], Prediction | Result]) -> Prediction | Result:
    try:
        found = _predictions.get(key) if isinstance(key, str) else None
        notebook = str(key).split(".")[0]
        near = [known for known in _predictions if known.split(".")[0] == notebook]
        known = (
            f"notebook {notebook} has {near[0]} to {near[-1]}" if near else "a name is “03.1”, for example"
        )
        require(found is not None, f"There is no prediction of that name; {known}.")
        return tell(found)
    except Nearly as mistake:
        return _say(str(mistake))


def _say(message: str) -> Result:
    return Result(PREDICTION, message)


class Score:
    """List the predictions of one notebook, as text and as a table.

    Attributes:
        points: the sum over the predictions that count.
        counted: how many were made in time and have been answered by a run.
    """

    head = ("prediction", "you expected", "you saw", "points")

    def __init__(self, notebook: str):
        keys = [key for key in _predictions if key.split(".")[0] == notebook]
        keys.sort(key=lambda key: int(key.split(".")[1]))  # 05.10 comes after 05.9
        mine = [_predictions[key] for key in keys]
        points = [prediction.points for prediction in mine if prediction.points is not None]
        self.points, self.counted = math.fsum(points), len(points)
        self._rows = list(map(_cells, mine))
        self._summary = (
            f"{self.points:g} of {self.counted} points from {self.counted} of {len(mine)} predictions."
        )
        if not points:
            self._summary = "No prediction counts yet. Answer one above, then run the cells after it."
        if not mine:
            self._summary = f"Notebook {notebook} has no predictions."

    def __repr__(self) -> str:
        lines = ("{}\n   expected {}; saw {}; points {}".format(*cells) for cells in self._rows)
        return "\n".join([*lines, self._summary])

    def _repr_html_(self) -> str:
        style = 'style="text-align: left; white-space: normal; max-width: 24em"'

        def row(tag: str, cells) -> str:
            return "<tr>" + "".join(f"<{tag} {style}>{to_html(cell)}</{tag}>" for cell in cells) + "</tr>"

        body = "".join(row("td", cells) for cells in self._rows)
        return f"<table><thead>{row('th', self.head)}</thead><tbody>{body}</tbody></table><p>{to_html(self._summary)}</p>"


def _cells(prediction: Prediction) -> tuple[str, str, str, str]:
    title = f"{prediction.asked.key} {prediction.asked.question}"
    points = "–" if prediction.points is None else f"{prediction.points:g}"
    seen = prediction.words if prediction.revealed else "not run yet"
    return title, prediction.answered or "no prediction", seen, "after the run" if prediction.late else points


def score(notebook) -> Score:
    """List the predictions of a notebook ("03") with what was expected, what was seen, and the points."""
    return Score(str(notebook))
