"""Predictions: asked before the run that answers them, kept for the session, compared with what the run showed."""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction

from tms_edu.checks.exercises import Nearly, kind, number
from tms_edu.checks.result import Result, to_html


@dataclass(frozen=True)
class Choice:
    """Ask for one of several options.

    Attributes:
        key: "03.2": notebook and place.
        question: a sentence that ends in a question mark.
        options: option -> what choosing it, and seeing another, says about the picture in the reader's head.
        observe: turns what the reader's run showed into the option it supports; None where it supports none.
        lesson: one sentence for a reader who saw what they expected.
    """

    key: str
    question: str
    options: dict[str, str]
    observe: Callable[[object], str | None]
    lesson: str

    def read(self, answer) -> str:
        """Return the option that `answer` names by its letter or its text, else raise `Nearly`."""
        letters = dict(zip("abcdefgh", self.options, strict=False))
        text = answer.strip() if isinstance(answer, str) else ""
        if text in self.options or text.lower().rstrip(")") in letters:
            return letters.get(text.lower().rstrip(")"), text)
        raise Nearly(f"Prediction {self.key} takes one letter, {', '.join(letters)}; I got {kind(answer)}.")

    def show(self, option: str) -> str:
        return f"“{option}”"

    def seen(self, observed) -> tuple[object, str]:
        """Return what the run showed and the words for it."""
        option = self.observe(observed)
        return option, self.show(
            option
        ) if option in self.options else "something that none of the options foresaw"

    def score(self, answer: str, seen: str | None) -> float | None:
        return None if seen not in self.options else float(answer == seen)

    def comment(self, answer: str, seen: str | None) -> str:
        if seen not in self.options:
            return "This run ended in a rarer way, and nothing is scored. Train with another seed and look again."
        return self.lesson if answer == seen else self.options[answer]


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

    def read(self, answer) -> float:
        """Return `answer` as a number; text may be 0.25, 0,25, 1/4 or 25 %; else raise `Nearly`."""
        value = self._plain(answer) if isinstance(answer, str) else number(answer)
        if self.share and not 0 <= value <= 1:
            raise Nearly(
                f"Prediction {self.key} takes a number from 0 to 1, for example 0.25 or 25 %; I got {value:g}."
            )
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
        if abs(answer - seen) <= self.exact:
            return self.lesson
        return self.too_low if answer < seen else self.too_high


@dataclass
class _Record:
    """Keep what this session knows about one prediction."""

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


@dataclass
class _Session:
    questions: dict[str, Choice | Number] = field(default_factory=dict)
    records: dict[str, _Record] = field(default_factory=dict)

    def find(self, key) -> tuple[Choice | Number, _Record]:
        if not isinstance(key, str) or key not in self.questions:
            asked = str(key).split(".")[0]
            near = [known for known in self.questions if known.split(".")[0] == asked]
            known = (
                f"notebook {asked} has {near[0]} to {near[-1]}" if near else "a name is “03.1”, for example"
            )
            raise Nearly(f"There is no prediction of that name; {known}.")
        return self.questions[key], self.records.setdefault(key, _Record())


_SESSION = _Session()


def register(*questions: Choice | Number) -> None:
    """Make predictions known under their keys."""
    _SESSION.questions |= {question.key: question for question in questions}


def forget(notebook: str = "") -> Result:
    """Forget the answers and reveals of a notebook ("03"), or of all of them, to start afresh."""
    for key in [key for key in _SESSION.records if key.startswith(notebook)]:
        del _SESSION.records[key]
    return _say(f"Every prediction{f' of notebook {notebook}' if notebook else ''} is open again.")


def ask(key) -> "Question | Result":
    """Show a prediction: question and options, to be answered by a click, or in code by `answer`."""
    try:
        return Question(*_SESSION.find(key))
    except Nearly as mistake:
        return _say(str(mistake))


def answer(key, value) -> Result:
    """Keep the reader's prediction. After `reveal` it is noted, and not counted."""
    try:
        question, record = _SESSION.find(key)
        value = question.read(value)
    except Nearly as mistake:
        return _say(str(mistake))
    if record.final:
        return _say(f"You have seen the run by now, so your prediction stays {question.show(record.answer)}.")
    record.answer, record.late = value, record.revealed
    if record.late:
        return _say(
            f"Noted: {question.show(value)}. The run has shown its answer already, so this one is not counted. "
            "To predict afresh, restart the kernel and answer before the run."
        )
    return _say(f"Kept: you expect {question.show(value)}. You can change it until the run has answered.")


def reveal(key, observed) -> Result:
    """Compare the reader's prediction with what their own run showed."""
    try:
        question, record = _SESSION.find(key)
        if observed is None or observed is ...:
            raise Nearly("There is nothing to compare with yet. Run the cells of this section first.")
        record.seen, record.words = question.seen(observed)
    except Nearly as mistake:
        return _say(str(mistake))
    except Exception as error:
        return _say(f"I cannot read what the run showed, {kind(observed)} ({type(error).__name__}).")
    record.revealed = True
    if record.box is not None:
        _, control, note = record.box.children
        control.disabled, note.value = record.final, _note(question, record)
    if record.answer is None:
        return _say(f"You made no prediction here. The run shows {record.words}.")
    expected = f"You expected {question.show(record.answer)}, you saw {record.words}."
    late = " (Answered after the run, so not counted.)" if record.late else ""
    return _say(f"{expected}{late} {question.comment(record.answer, record.seen)}")


def _note(question: Choice | Number, record: _Record) -> str:
    return (
        ""
        if record.answer is None
        else _say(f"Kept: you expect {question.show(record.answer)}.")._repr_html_()
    )


def score(notebook) -> "Score":
    """List the predictions of a notebook ("03") with what was expected, what was seen, and the points."""
    return Score(str(notebook))


def _say(message: str) -> Result:
    return Result("prediction", message)


class Question:
    """Show itself as buttons or a number box where a kernel runs, as text everywhere else."""

    def __init__(self, question: Choice | Number, record: _Record):
        self.question, self.record = question, record
        self.options = dict(zip("abcdefgh", getattr(question, "options", ()), strict=False))

    def __repr__(self) -> str:
        example = '"b"' if self.options else "0.25"
        lines = [f"Prediction {self.question.key}. {self.question.question}"]
        lines += [f"  {letter}) {option}" for letter, option in self.options.items()]
        lines += [f'Answer here, or in code: checks.answer("{self.question.key}", {example})']
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        items = "".join(f"<br>{letter}) {to_html(option)}" for letter, option in self.options.items())
        how = "" if self.options else "<br><em>a number</em>"
        return f"<div>{self._heading()}{items}{how}</div>"

    def _heading(self) -> str:
        return f"<strong>Prediction {self.question.key}.</strong> {to_html(self.question.question)}"

    def _repr_mimebundle_(self, include=None, exclude=None) -> dict:
        bundle = {"text/plain": repr(self), "text/html": self._repr_html_()}
        try:
            return self._widget()._repr_mimebundle_() | bundle
        except ImportError:
            return bundle

    def _widget(self):
        import ipywidgets

        for widget in (*self.record.box.children, self.record.box) if self.record.box else ():
            widget.close()
        wide = ipywidgets.Layout(width="auto")
        heading = ipywidgets.HTML(f'<div style="line-height: 1.5">{self._heading()}</div>')
        note = ipywidgets.HTML(_note(self.question, self.record))
        if self.options:
            control = ipywidgets.RadioButtons(options=[*self.options.values()], value=None, layout=wide)
            control.value = self.record.answer
        else:
            control = ipywidgets.Text(
                value="" if self.record.answer is None else self.question.show(self.record.answer),
                placeholder="a number, then Enter",
                description="Your guess",
                continuous_update=False,
            )
        control.disabled = self.record.final
        control.observe(lambda change: self._take(change.new, note), "value")
        self.record.box = ipywidgets.VBox([heading, control, note])
        return self.record.box

    def _take(self, value, note) -> None:
        # An exception in a callback would vanish without a trace, so everything that can go wrong ends in a sentence.
        if value is not None and str(value).strip():
            note.value = answer(self.question.key, value)._repr_html_()


class Score:
    """List the predictions of one notebook, as text and as a table."""

    head = ("prediction", "you expected", "you saw", "points")

    def __init__(self, notebook: str):
        mine = [q for key, q in _SESSION.questions.items() if key.split(".")[0] == notebook]
        questions = sorted(mine, key=lambda q: int(q.key.split(".")[1]))  # 05.10 comes after 05.9
        self.notebook = notebook
        self.rows = [(q, _SESSION.records.get(q.key, _Record())) for q in questions]

    @property
    def points(self) -> float:
        """Add up the points of the predictions that count."""
        return math.fsum(p for p in map(self._points, self.rows) if p is not None)

    @property
    def counted(self) -> int:
        """Count the predictions that were made in time and have been answered by a run."""
        return sum(self._points(row) is not None for row in self.rows)

    def _points(self, row) -> float | None:
        question, record = row
        return question.score(record.answer, record.seen) if record.final else None

    def _cells(self) -> list[tuple[str, str, str, str]]:
        table = []
        for question, record in self.rows:
            expected = "no prediction" if record.answer is None else question.show(record.answer)
            seen = record.words if record.revealed else "not run yet"
            points = self._points((question, record))
            note = "after the run" if record.late else "–" if points is None else f"{points:g}"
            table.append((f"{question.key} {question.question}", expected, seen, note))
        return table

    def _summary(self) -> str:
        if not self.rows:
            return f"Notebook {self.notebook} has no predictions."
        if not self.counted:
            return "No prediction counts yet. Answer one above, then run the cells after it."
        return (
            f"{self.points:g} of {self.counted} points from {self.counted} of {len(self.rows)} predictions."
        )

    def __repr__(self) -> str:
        lines = [
            f"{cells[0]}\n   expected {cells[1]}; saw {cells[2]}; points {cells[3]}"
            for cells in self._cells()
        ]
        return "\n".join([*lines, self._summary()])

    def _repr_html_(self) -> str:
        def row(tag: str, cells) -> str:
            style = 'style="text-align: left; white-space: normal; max-width: 24em"'
            return "<tr>" + "".join(f"<{tag} {style}>{to_html(c)}</{tag}>" for c in cells) + "</tr>"

        body = "".join(row("td", cells) for cells in self._cells())
        return f"<table><thead>{row('th', self.head)}</thead><tbody>{body}</tbody></table><p>{to_html(self._summary())}</p>"
