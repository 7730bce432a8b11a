"""Run the notebooks in order, each in a fresh kernel, and write them normalised. Behind `make notebooks`.

    python tools/notebooks.py                      run all of them
    python tools/notebooks.py notebooks/03_*.ipynb run only these
    python tools/notebooks.py --no-run             normalise what is stored, without running
    python tools/notebooks.py --check              change nothing; exit 1 where a file is not normalised

Generated, never typed: the set-up cell (tag `setup`, from tools/setup_cell.py), the navigation (tag `nav`),
the "… seconds to run" of each notebook, the README's table of notebooks, and the map of the course (tag `map`).
"""

import argparse
import base64
import io
import math
import os
import re
import resource
import sys
from pathlib import Path

import nbformat
import psutil
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError
from PIL import Image

ROOT = Path(__file__).parent.parent
GLOSSARY = "glossary.ipynb"
# What a reader on Binder has patience and room for.
MOST_SECONDS, MOST_MEGABYTES = 30, 700
WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"
KEPT_CELL_METADATA = {"tags", "jupyter"}
SECONDS = re.compile(r"\b(\d+) seconds to run")
MINUTES = re.compile(r"\b([\d–]+) minutes to work")
NEEDS = re.compile(r"\bYou need: (.+)$", re.MULTILINE)
TABLE = re.compile(r"(<!-- notebooks -->\n).*?(<!-- end of notebooks -->)", re.DOTALL)


class NotebookError(Exception):
    """What stops a notebook from being written, in words."""


def notebook_paths(root: Path = ROOT) -> list[Path]:
    return sorted((root / "notebooks").glob("[0-9][0-9]_*.ipynb"))


def read(path: Path):
    return nbformat.read(path, as_version=4)


def dump(nb) -> str:
    return nbformat.writes(nb).rstrip("\n") + "\n"


def tagged(nb, tag: str) -> list:
    return [cell for cell in nb.cells if tag in cell.metadata.get("tags", [])]


def prose(nb) -> str:
    return "\n\n".join(cell.source for cell in nb.cells if cell.cell_type == "markdown")


def title(path: Path) -> str:
    heading = re.search(r"^# (.+)$", prose(read(path)), re.MULTILINE)
    if heading is None:
        raise NotebookError(f"{path.name} has no heading of the form '# Title'.")
    return heading[1].strip()


def seconds_to_run(nb) -> int | None:
    found = SECONDS.search(prose(nb))
    return int(found[1]) if found else None


# Normalising


def smaller(png: str) -> str:
    """Return the PNG (base64) with a palette of 256 colours: half the size, the same to the eye."""
    image = Image.open(io.BytesIO(base64.b64decode(png)))
    if image.mode == "P":
        return png
    picture = Image.new("RGBA", image.size, "white")
    picture.alpha_composite(image.convert("RGBA"))
    small = picture.convert("RGB").quantize(256, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    buffer = io.BytesIO()
    small.save(buffer, format="PNG", optimize=True)
    return base64.b64encode(buffer.getvalue()).decode()


def normalise_output(output, count: int):
    """Return the output as it is stored, or None where nothing of it outlives the kernel."""
    if output.output_type not in ("execute_result", "display_data"):
        return output
    if output.output_type == "execute_result":
        output.execution_count = count
    is_widget = output.data.pop(WIDGET_VIEW, None) is not None
    if is_widget and not {"image/png", "text/html"} & set(output.data):
        return None
    if "image/png" in output.data:
        output.data["image/png"] = smaller(output.data["image/png"])
    return output


def normalise(nb) -> None:
    """Drop what differs from run to run or from machine to machine; count the code cells from 1."""
    nb.metadata = {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python", "pygments_lexer": "ipython3"},
    }
    nb.nbformat, nb.nbformat_minor = 4, 5
    nb.cells = [cell for cell in nb.cells if cell.source.strip()]
    count = 0
    for cell in nb.cells:
        cell.source = cell.source.strip("\n")
        cell.metadata = {key: cell.metadata[key] for key in sorted(KEPT_CELL_METADATA & set(cell.metadata))}
        if cell.cell_type == "code":
            count += 1
            cell.execution_count = count
            outputs = [normalise_output(output, count) for output in cell.outputs]
            cell.outputs = [output for output in outputs if output is not None]


# What is generated


def contents(start: Path) -> str:
    """Return the address of the course's map, or of what comes closest to one."""
    if not start.name.startswith("00"):
        return "../README.md"
    heading = ""
    for cell in read(start).cells:
        if "map" in cell.metadata.get("tags", []):
            return f"{start.name}#{heading.replace(' ', '-')}"
        heading = ([heading] + re.findall(r"^## (.+)$", cell.source, re.MULTILINE))[-1]
    return start.name


def navigation(path: Path, paths: list[Path]) -> str:
    links = [f"[Contents]({contents(paths[0])})"]
    if path.name == GLOSSARY:
        return links[0]
    if (path.parent / GLOSSARY).exists():
        links.append(f"[Glossary]({GLOSSARY})")
    place = paths.index(path)
    if place > 0:
        links.insert(0, f"[← {title(paths[place - 1])}]({paths[place - 1].name})")
    if place + 1 < len(paths):
        links.append(f"[{title(paths[place + 1])} →]({paths[place + 1].name})")
    return " · ".join(links)


def generate(nb, path: Path, paths: list[Path], setup: str) -> None:
    """Write the set-up cell and the navigation into the notebook."""
    setups = tagged(nb, "setup")
    if len(setups) != 1:
        raise NotebookError(f"{path.name} has {len(setups)} cells tagged 'setup', expected one.")
    setups[0].source = setup
    if not tagged(nb, "nav"):
        cell = nbformat.v4.new_markdown_cell(" ", metadata={"tags": ["nav"]}, id="nav")
        nb.cells.append(cell)
    for cell in tagged(nb, "nav"):
        cell.source = navigation(path, paths)
    for cell in tagged(nb, "map"):
        cell.source = course_map(paths)


def table(paths: list[Path]) -> str:
    rows = ["| | Notebook | Minutes to work | Seconds to run |", "|---|---|---|---|"]
    for path in paths:
        nb = read(path)
        minutes = MINUTES.search(prose(nb))
        cells = [path.name[:2], f"[{title(path)}](notebooks/{path.name})"]
        cells += [minutes[1] if minutes else "", str(seconds_to_run(nb) or "")]
        rows.append(f"| {' | '.join(cells)} |")
    return "\n".join(rows) + "\n"


def course_map(paths: list[Path]) -> str:
    rows = ["| | The question | Minutes to work | Seconds to run | You need |", "|---|---|---|---|---|"]
    for path in paths:
        text = prose(read(path))
        found = [pattern.search(text) for pattern in (MINUTES, SECONDS, NEEDS)]
        cells = [
            path.name[:2],
            f"[{title(path)}]({path.name})",
            *(match[1] if match else "" for match in found),
        ]
        rows.append(f"| {' | '.join(cells)} |")
    return "\n".join(rows)


def with_table(readme: str, paths: list[Path]) -> str:
    return TABLE.sub(lambda found: found[1] + table(paths) + found[2], readme)


# Running


def rounded(seconds: float, before: int | None) -> int:
    """Return seconds up to the next five; a number already printed stays while it is about right."""
    if before is not None and before - 10 < seconds <= before:
        return before
    return 5 * math.ceil(seconds / 5)


def children_seconds() -> float:
    """Return the processor time of the kernels that ended, which a busy machine stretches less than the clock's."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def run(nb, path: Path) -> None:
    """Execute the notebook in a fresh kernel and write how long it took into its text."""
    client = NotebookClient(
        nb,
        timeout=120,
        kernel_name="python3",
        coalesce_streams=True,
        store_widget_state=False,
        extra_arguments=["--IPKernelApp.log_level=ERROR"],
        resources={"metadata": {"path": str(path.parent)}},
    )
    held = [0.0]

    def look(**_) -> None:
        held.append(psutil.Process(client.km.provisioner.pid).memory_info().rss / 2**20)

    client.on_cell_complete = look
    start = children_seconds()
    try:
        client.execute()
    except (CellExecutionError, CellTimeoutError) as error:
        raise NotebookError(f"{path.name} stops with an error.\n{error}") from error
    seconds = rounded(children_seconds() - start, seconds_to_run(nb))
    if seconds > MOST_SECONDS or max(held) > MOST_MEGABYTES:
        raise NotebookError(
            f"{path.name} took {seconds} s and {max(held):.0f} MB; at most {MOST_SECONDS} s and "
            f"{MOST_MEGABYTES} MB are allowed."
        )
    for cell in nb.cells:
        if cell.cell_type == "markdown":
            cell.source = SECONDS.sub(f"{seconds} seconds to run", cell.source)
        for output in cell.get("outputs", []):
            if output.get("name") == "stderr":
                raise NotebookError(
                    f"{path.name} writes to stderr in the cell\n{cell.source}\n\n{output.text}"
                )


def renewed(path: Path, paths: list[Path], setup: str, *, execute: bool) -> str:
    """Return the text of the notebook as it should stand in its file."""
    nb = read(path)
    generate(nb, path, paths, setup)
    if execute:
        print(f"{path.name} …", end=" ", flush=True)
        run(nb, path)
        print(f"{seconds_to_run(nb)} s")
    normalise(nb)
    nbformat.validate(nb)
    return dump(nb)


def parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Run the notebooks and write them back normalised.")
    parser.add_argument("notebooks", nargs="*", type=Path, help="only these; all, if none is named")
    parser.add_argument("--no-run", action="store_true", help="normalise what is stored")
    parser.add_argument(
        "--check", action="store_true", help="change nothing, exit 1 where something would change"
    )
    return parser.parse_args(arguments)


def main(arguments: list[str], root: Path = ROOT) -> int:
    options = parse(arguments)
    paths = notebook_paths(root)
    chosen = [path.resolve() for path in options.notebooks] or paths
    setup = (root / "tools" / "setup_cell.py").read_text(encoding="utf-8").strip()
    # One thread, as in the tests and on Binder: the same numbers everywhere on one kind of processor.
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    stale = []

    def put(path: Path, text: str) -> None:
        if path.read_text(encoding="utf-8") == text:
            return
        if options.check:
            stale.extend({path.name} - set(stale))
        else:
            path.write_text(text, encoding="utf-8")

    for path in chosen:
        if path not in paths:
            raise NotebookError(f"{path} is not one of the numbered notebooks in {root / 'notebooks'}.")
        put(path, renewed(path, paths, setup, execute=not (options.no_run or options.check)))
    for path in paths:  # the map names the others, so it comes after them
        if tagged(read(path), "map"):
            put(path, renewed(path, paths, setup, execute=False))
    glossary = root / "notebooks" / GLOSSARY
    if glossary.exists():
        nb = read(glossary)
        for cell in tagged(nb, "nav"):
            cell.source = navigation(glossary, paths)
        put(glossary, dump(nb))
    readme = root / "README.md"
    if readme.exists():
        put(readme, with_table(readme.read_text(encoding="utf-8"), paths))
    for name in stale:
        print(f"{name} is not as `make notebooks` writes it.")
    return 1 if stale else 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except NotebookError as error:
        sys.exit(f"error: {error}")
