"""Predictions: asked before the run that answers them, kept for the session, compared with what the run showed."""

import math
import re
from collections.abc import Callable
from dataclasses import dataclass

from tms_edu.checks.exercises import Nearly, kind, number, require
from tms_edu.checks.result import PREDICTION, RIGHT, Result, to_html

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
        named = letters.get(text.lower().strip("(). :"), text)
        expected = f"Prediction {self.key} takes one letter, {', '.join(letters)}; I got {kind(answer)}."
        require(named in self.options, expected)
        return named

    def show(self, option: str) -> str:
        return f"“{option}”"

    def seen(self, observed) -> tuple[object, str]:
        """Return what the run showed and the words for it."""
        option = next((option for option, true_of, _ in self.rows if true_of(observed)), None)
        return option, self.show(option) if option else "something that none of the options foresaw"

    def judge(self, answer: str, seen: str | None) -> tuple[float | None, str]:
        """Return the points of an answer, None where nothing is scored, and what to say about it."""
        if seen is None:
            return (
                None,
                "This run ended in a rarer way, and nothing is scored. Train with another seed and look again.",
            )
        chosen = {option: said for option, _, said in self.rows}
        return float(answer == seen), self.lesson if answer == seen else chosen[answer]


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
        text = answer.strip().replace(",", ".").replace("−", "-") if isinstance(answer, str) else ""
        above, _, below = text.removesuffix("%").partition("/")
        try:
            value = float(above) / float(below or 1) if text else number(answer)
            value = value / 100 if text.endswith("%") else value
            require(
                math.isfinite(value), f"Prediction {self.key} takes a number that is not beyond all measure."
            )
        except (ValueError, ZeroDivisionError):
            unread = f"for example 0.25; I cannot read {answer[:40]!r}."
            raise Nearly(f"Prediction {self.key} takes a number, {unread}") from None
        example = "from 0 to 1, for example 0.25 or 25 %" if self.share else "of 0 or more"
        require(
            0 <= value <= (1 if self.share else value),
            f"Prediction {self.key} takes a number {example}; I got {value:g}.",
        )
        return value

    def show(self, value: float) -> str:
        return f"{value:.3g}"

    def seen(self, observed) -> tuple[float, str]:
        value = number(observed, name="what the run showed")
        return value, self.show(value)

    def judge(self, answer: float, seen: float) -> tuple[float, str]:
        """Return the points of an answer, and what to say about it."""
        off = abs(answer - seen)
        points = 1 - min(max((off - self.exact) / (self.far - self.exact), 0.0), 1.0)
        missed = self.too_low if answer < seen else self.too_high
        return round(points, 1), self.lesson if off <= self.exact else missed


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
        return self.asked.judge(self.answer, self.seen)[0] if self.final else None

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
        if self.late:
            return _say(
                f"Noted: {self.answered}. The run has shown its answer already, so this one is not counted. "
                "To predict afresh, restart the kernel and answer before the run."
            )
        return _say(f"Kept: you expect {self.answered}. You can change it until the run has answered.")

    def meet(self, observed) -> Result:
        """Compare the prediction with what the reader's own run showed."""
        require(
            observed is not None and observed is not ...,
            "There is nothing to compare with yet. Run the cells of this section first.",
        )
        try:
            self.seen, self.words = self.asked.seen(observed)
        except Exception as error:
            raise Nearly(f"I cannot read what the run showed, {kind(observed)}.") from error
        self.revealed = True
        if self.box is not None:
            _, control, note = self.box.children
            control.disabled, note.value = self.final, self._note()
        if self.answer is None:
            return _say(f"You made no prediction here. The run shows {self.words}.")
        late = " (Answered after the run, so not counted.)" if self.late else ""
        status = RIGHT if self.points == 1 else PREDICTION
        comment = self.asked.judge(self.answer, self.seen)[1]
        return Result(status, f"You expected {self.answered}, you saw {self.words}.{late} {comment}")

    def _note(self) -> str:
        return self.answered and _say(f"Kept: you expect {self.answered}.")._repr_html_()

    def _lines(self) -> list[str]:
        options = zip(LETTERS, self.asked.options, strict=False)
        return [f"Prediction {self.asked.key}. {self.asked.question}", *map("{0[0]}) {0[1]}".format, options)]

    def __repr__(self) -> str:
        example = '"b"' if self.asked.options else "0.25"
        how = f'Answer here, or in code: checks.answer("{self.asked.key}", {example})'
        return "\n".join(["\n  ".join(self._lines()), how])

    def _repr_html_(self) -> str:
        heading, *options = map(to_html, self._lines())
        return f"<div>{'<br>'.join([_bold(heading), *(options or ['<em>a number</em>'])])}</div>"

    def _repr_mimebundle_(self, include=None, exclude=None) -> dict:
        bundle = {"text/plain": repr(self), "text/html": self._repr_html_()}
        return self._live()._repr_mimebundle_() | bundle

    def _live(self):
        from ipywidgets import HTML, Layout, RadioButtons, Text, VBox

        for widget in (*self.box.children, self.box) if self.box else ():
            widget.close()
        heading, note = _bold(to_html(self._lines()[0])), HTML(self._note())
        words = {"placeholder": "a number, then Enter", "description": "Your guess"}
        control = (
            RadioButtons(options=self.asked.options, value=self.answer, layout=Layout(width="auto"))
            if self.asked.options
            else Text(value=self.answered, continuous_update=False, **words)
        )
        control.disabled = self.final
        control.observe(lambda change: self._clicked(change.new, note), "value")
        self.box = VBox([HTML(f'<div style="line-height: 1.5">{heading}</div>'), control, note])
        return self.box

    def _clicked(self, value, note) -> None:
        # An exception in a callback would vanish without a trace, so everything that can go wrong ends in a sentence.
        if value is not None and str(value).strip():
            note.value = answer(self.asked.key, value)._repr_html_()


def _bold(heading: str) -> str:
    return re.sub(r"^Prediction \S+", r"<strong>\g<0></strong>", heading)


_predictions: dict[str, Prediction] = {}


def register(*questions: Choice | Number) -> None:
    """Make questions known under their keys."""
    _predictions.update({question.key: Prediction(question) for question in questions})


def forget(notebook="") -> Result:
    """Forget the answers and reveals of a notebook ("03"), or of all of them, to start afresh."""
    mine = list(_predictions) if notebook == "" else _keys(notebook)
    register(*(_predictions[key].asked for key in mine))
    whose = "" if notebook == "" else f" of notebook {str(notebook)[:20]}"
    return _say(f"Every prediction{whose} is open again." if mine else f"There are no predictions{whose}.")


def _keys(notebook) -> list[str]:
    """List the predictions of a notebook, "03" or 3, in their order: 05.10 comes after 05.9."""
    name = str(notebook).zfill(2) if str(notebook) else ""
    mine = [key for key in _predictions if key.split(".")[0] == name]
    return sorted(mine, key=lambda key: int(key.split(".")[1]))


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
        if isinstance(key, str) and key in _predictions:
            return tell(_predictions[key])
    except Nearly as mistake:
        return _say(str(mistake))
    asked = str(key)[:20].split(".")[0]
    near = _keys(asked)
    known = f"notebook {asked} has {near[0]} to {near[-1]}" if near else "a name is “03.1”, for example"
    return _say(f"There is no prediction of that name; {known}.")


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
        mine = [_predictions[key] for key in _keys(notebook)]
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
    return Score(str(notebook)[:20])
