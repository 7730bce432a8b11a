"""What every notebook and page keeps to. A rule yields a sentence for each place that breaks it."""

import ast
import re
import statistics
from collections.abc import Callable, Iterator
from pathlib import Path

import nbformat

from notebooks import MINUTES, SECONDS, WIDGET_VIEW, prose

MAX_BYTES = 400_000
MAX_LINES = 20
PYTHON = ast.PyCF_ONLY_AST | ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
MACHINE_PATH = re.compile(r"(?<![\w.:/])(?:/(?:root|home|Users|work|tmp|opt|usr|mnt)/|[A-Z]:\\)\S*")
ADDRESS = re.compile(r"\b0x[0-9a-f]{6,}")
BANNED = re.compile(r"\b(simply|obviously|let['’]s|exciting)\b", re.IGNORECASE)
EMOJI = re.compile("[\U0001f000-\U0001faff\u2600-\u26ff\u2705\u2728\u274c\u2757\u2b50\ufe0f]")
CODE = re.compile(r"^ *(```+|~~~+).*?^ *\1|`[^`\n]+`", re.DOTALL | re.MULTILINE)
FORMULA = re.compile(r"\$\$.*?\$\$|\$[^$\n]+\$", re.DOTALL)
LINK = re.compile(r"(!?)\[((?:[^\[\]]|\[[^\[\]]*\])*)\]\(<?([^()\s>]+)>?(?:\s+\"[^\"]*\")?\)")
HTML_LINK = re.compile(r"<(?:a|img)\b[^>]*?\b(?:href|src)=[\"']([^\"']+)[\"']")
HTML_ID = re.compile(r"<\w+\b[^>]*?\b(?:id|name)=[\"']([^\"']+)[\"']")


def code_cells(nb) -> list:
    return [cell for cell in nb.cells if cell.cell_type == "code"]


def code_lines(cell) -> int:
    return sum(bool(line.strip()) for line in cell.source.splitlines())


def outputs(nb) -> Iterator[tuple[int, nbformat.NotebookNode]]:
    for cell in code_cells(nb):
        for output in cell.outputs:
            yield cell.execution_count, output


def output_text(output) -> str:
    data = {**output.get("data", {}), "stream": output.get("text", "")}
    return "\n".join(str(value) for kind, value in data.items() if not kind.startswith("image/png"))


# Text


def check_words(text: str) -> Iterator[str]:
    """No word or sign that our voice does without, in the prose."""
    plain = FORMULA.sub(" ", CODE.sub(" ", text))
    plain = re.sub(r"<!--.*?-->|!\[", " ", plain, flags=re.DOTALL)
    for found in BANNED.finditer(plain):
        yield f"says {found[0]!r}"
    for found in re.finditer(r"\S+\s*!", plain):
        yield f"has an exclamation mark: {found[0]!r}"
    for found in re.finditer(r"\b([a-z]+) \1\b", plain, re.IGNORECASE):
        yield f"says a word twice: {found[0]!r}"
    for found in EMOJI.finditer(plain):
        yield f"has an emoji: {found[0]!r}"


def check_paths(text: str) -> Iterator[str]:
    """No path of somebody's machine."""
    for found in MACHINE_PATH.finditer(text):
        yield f"holds a path of a machine: {found[0]!r}"


def anchors(path: Path) -> set[str]:
    """Return what may follow `#` in a link: GitHub's names for Markdown, Jupyter's for notebooks."""
    is_notebook = path.suffix == ".ipynb"
    text = prose(nbformat.read(path, as_version=4)) if is_notebook else path.read_text(encoding="utf-8")
    names = set(HTML_ID.findall(text))
    for heading in re.findall(r"^#+ +(.+?) *#*$", CODE.sub(lambda m: m[0].strip("`"), text), re.MULTILINE):
        if is_notebook:
            names.add(heading.replace(" ", "-"))
        else:
            names.add(re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-"))
    return names


def check_links(text: str, path: Path) -> Iterator[str]:
    """Each link to a file or a heading of the project leads there; each picture has a text."""
    text = CODE.sub(" ", text)
    targets = HTML_LINK.findall(text)
    for is_image, words, target in LINK.findall(text):
        targets.append(target)
        if is_image and not words.strip():
            yield f"shows {target} without a text for those who do not see it"
    for target in targets:
        if re.match(r"[a-z]+:", target):
            continue
        name, _, anchor = target.partition("#")
        file = (path.parent / name) if name else path
        if not file.exists():
            yield f"links to {target}, which does not exist"
        elif anchor and file.suffix in (".md", ".ipynb") and anchor not in anchors(file):
            yield f"links to {target}, but {file.name} has no heading of that name"


def page_problems(path: Path) -> list[str]:
    """Check a page of Markdown, or a notebook that holds only text."""
    is_notebook = path.suffix == ".ipynb"
    text = prose(nbformat.read(path, as_version=4)) if is_notebook else path.read_text(encoding="utf-8")
    return [*check_words(text), *check_paths(text), *check_links(text, path)]


# Notebooks


def check_size(nb, path: Path) -> Iterator[str]:
    if path.stat().st_size > MAX_BYTES:
        yield f"has {path.stat().st_size // 1000} kB, at most {MAX_BYTES // 1000} are allowed"


def check_widgets(nb, path: Path) -> Iterator[str]:
    if "widgets" in nb.metadata:
        yield "stores the state of widgets"
    for count, output in outputs(nb):
        if WIDGET_VIEW in output.get("data", {}):
            yield f"cell [{count}] stores a view of a widget"


def check_python(nb, path: Path) -> Iterator[str]:
    """No magics, no `!`: what is not Python is not run, and the rest of its cell neither."""
    for cell in code_cells(nb):
        try:
            compile(cell.source, "cell", "exec", flags=PYTHON)
        except SyntaxError as error:
            yield f"cell [{cell.execution_count}] is not plain Python: {(error.text or '').strip()!r}"
        if "get_ipython" in cell.source:
            yield f"cell [{cell.execution_count}] calls get_ipython"


def check_counts(nb, path: Path) -> Iterator[str]:
    counts = [cell.execution_count for cell in code_cells(nb)]
    if counts != list(range(1, len(counts) + 1)):
        yield f"has execution counts {counts}, expected 1 to {len(counts)}"


def check_kernel(nb, path: Path) -> Iterator[str]:
    kernel = nb.metadata.get("kernelspec", {}).get("name")
    if kernel != "python3":
        yield f"names the kernel {kernel!r}, expected 'python3'"


def check_outputs(nb, path: Path) -> Iterator[str]:
    for count, output in outputs(nb):
        if output.output_type == "error":
            yield f"cell [{count}] stores the error {output.ename}"
        if output.get("name") == "stderr":
            yield f"cell [{count}] stores text from stderr"
        if ADDRESS.search(output_text(output)):
            yield f"cell [{count}] stores an address in memory"


def check_alt(nb, path: Path) -> Iterator[str]:
    """Each stored picture has a text for those who do not see it."""
    for count, output in outputs(nb):
        pictures = [kind for kind in output.get("data", {}) if kind.startswith("image/")]
        if not all(output.metadata.get(kind, {}).get("alt", "").strip() for kind in pictures):
            yield f"cell [{count}] stores a picture without alt text"


def check_length(nb, path: Path) -> Iterator[str]:
    lines = [code_lines(cell) for cell in code_cells(nb)]
    fewest = 1 if path.name.startswith("00") else 15
    if not fewest <= len(lines) <= 35:
        yield f"has {len(lines)} code cells, expected {fewest} to 35"
    if lines and statistics.median(lines) > 4:
        yield f"has a median of {statistics.median(lines)} lines a code cell, at most 4 are allowed"
    for cell, number in zip(code_cells(nb), lines, strict=True):
        if number > MAX_LINES:
            yield f"cell [{cell.execution_count}] has {number} lines, at most {MAX_LINES} are allowed"


def check_times(nb, path: Path) -> Iterator[str]:
    for pattern in (MINUTES, SECONDS):
        if not pattern.search(prose(nb)):
            yield f"lacks its '… {pattern.pattern.split(') ')[1]}'"


WORDS, LINES = 180, 20  # read in a minute
ABOUT = 5  # minutes by which a claim may differ
EXERCISE = re.compile(r"^> ###.*?· (\d+) minutes( · optional)?", re.DOTALL)


def counted_minutes(nb) -> tuple[float, float]:
    """Count the minutes to work, and those of what is marked optional.

    Prose at 180 words a minute and code at 20 lines, without set-up, hints and references; a minute for a prediction, two
    for a widget; exercises as their boxes say. A section that begins "*This section is optional" is.
    """
    minutes, optional = [0.0, 0.0], False
    for cell in nb.cells:
        text = cell.source.partition("### References")[0]
        if cell.cell_type == "markdown" and text.startswith("## "):
            optional = "*This section is optional" in text
        own = EXERCISE.match(text)
        text = re.sub(r"<details>.*?</details>", "", text, flags=re.DOTALL)
        if cell.cell_type == "code":
            spent = code_lines(cell) / LINES + text.count("checks.ask(") + 2 * text.count("widgets.")
        else:
            spent = len(text.split()) / WORDS
        minutes[optional] += 0 if {"nav", "setup"} & set(cell.metadata.get("tags", [])) else spent
        if own:
            minutes[optional or bool(own[2])] += int(own[1])
    return minutes[0], minutes[1]


def check_minutes(nb, path: Path) -> Iterator[str]:
    """The minutes at the head are those that are counted."""
    claims = MINUTES.search(prose(nb)), re.search(r"\*optional\* take\S* (\d+) minutes", prose(nb))
    for counted, claim in zip(counted_minutes(nb), claims, strict=True):
        claimed = int(claim[1]) if claim else 0
        if abs(counted - claimed) > ABOUT:
            yield f"claims {claimed} minutes, counted are {counted:.0f}"


def check_texts(nb, path: Path) -> Iterator[str]:
    stored = "\n".join(output_text(output) for _, output in outputs(nb))
    yield from check_words(prose(nb))
    yield from check_paths("\n".join([*(cell.source for cell in nb.cells), stored]))
    yield from check_links(prose(nb), path)


RULES: list[Callable] = [
    check_size,
    check_widgets,
    check_python,
    check_counts,
    check_kernel,
    check_outputs,
    check_alt,
    check_length,
    check_times,
    check_minutes,
    check_texts,
]


def notebook_problems(path: Path) -> list[str]:
    nb = nbformat.read(path, as_version=4)
    return [problem for rule in RULES for problem in rule(nb, path)]
