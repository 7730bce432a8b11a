"""How soon does a picture follow the reader's hand? Measured in JupyterLab in headless Chromium.

python benchmarks/widgets.py            three to four minutes

The same 20×20 Gram matrix with bias behind a slider, once with `interact` and a fresh figure for each value, once as a
widget of ours; every widget of the course; then the superposition lab: retraining, pictures a second, Stop, a rush of
moves; memory.
"""

import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

import nbformat
import psutil
from nbformat.v4 import new_code_cell, new_notebook
from playwright.sync_api import sync_playwright

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT / "tests"))

import browser as harness  # noqa: E402

INTERACT = """
import matplotlib.pyplot as plt, torch, ipywidgets
from tms_edu import plots
W = torch.randn(10, 20, generator=torch.Generator().manual_seed(0)) / 10**0.5
@ipywidgets.interact(k=ipywidgets.IntSlider(0, 0, 100))
def draw(k):
    ax = plots.plot_gram((1 + k / 100) * W.T @ W, W.sum(0) * k / 100, ax=plt.subplots(figsize=(5.6, 4.6))[1])
    plt.show()
"""
OURS = """
import torch
from tms_edu.widgets.base import LivePicture
from tms_edu.widgets.controls import Slider
from tms_edu.widgets.parts import GramPart
class Matrix(LivePicture):
    k, places = Slider("k", range(101), 0), {"gram": (0.1, 0.1, 0.85, 0.85)}
    title, size, recipe = "Matrix", (5.6, 4.6), "k = {k}"
    W = torch.randn(10, 20, generator=torch.Generator().manual_seed(0)) / 10**0.5
    def draw(self, axes, v):
        self.part = GramPart(axes.gram, 20)
    def compute(self, v):
        return (1 + v.k / 100) * self.W.T @ self.W, self.W.sum(0) * v.k / 100
    def say(self, frame, v):
        self.part.show(*frame)
        return f"k = {v.k}."
Matrix()
"""
LAB = """
from tms_edu.widgets import SuperpositionLab
lab = SuperpositionLab()
lab
"""
# Of each widget a control that only draws anew, then those that train or compute anew, by their labels.
WIDGETS = {
    "TwoCodes(decoder='ideal decoder')": ["noise σ", "decoder", "code"],
    "AlmostOrthogonal()": ["largest |cos| ε", "largest |cos| ε", "dimensions d"],
    "RandomToOrthonormal()": ["orthonormal t", "dimensions m"],
    "RotateTheBasis()": ["turn by θ", "hidden layer", "features n"],
    "OneInput()": ["x₀", "model"],
    "NeuronProber()": ["neuron", "seed", "activity cost"],
    "CatCircuit()": ["weight of tail"],
    "TrainingFilm()": ["training step"],
    "GramGym()": ["0 and 1", "level"],
    "BeatTheOptimiser()": ["column 0", "bias b", "sparsity S", "features n"],
}
RSS = "import os, psutil\nprint(psutil.Process().memory_info().rss)"

# Note in the page when the reader did something, and when a picture was on the screen.
WATCH = """() => {
    window.moved = []; window.shown = [];
    const note = (node) => {
        const stage = node?.closest('.tms-stage'), text = (part) => stage?.querySelector(part).textContent;
        const told = [text('.tms-sentence'), text('.tms-code')];
        requestAnimationFrame(() => setTimeout(() => window.shown.push([performance.now(), ...told])));
    };
    for (const kind of ['keydown', 'input', 'click', 'pointermove'])
        window.addEventListener(kind, () => window.moved.push(performance.now()), true);
    new MutationObserver((changes) => {
        const changed = changes.find((change) => change.type === 'attributes');
        if (changed) note(changed.target);
        for (const change of changes) for (const node of change.addedNodes) {
            const picture = node.querySelector?.('img') ?? (node.tagName === 'IMG' ? node : null);
            if (picture) picture.decode().then(() => note());
        }
    }).observe(document.body, {
        subtree: true, childList: true, attributes: true, attributeFilter: ['data-pictures', 'aria-selected'],
    });
}"""
AT_REST = "!document.querySelector('.tms-stage[data-busy=true]')"
RUSH = """async ([name, options]) => {
    const input = document.querySelector(`input[name=${name}]`);
    for (let k = 0; k < 50; k++) {
        input.value = options[k % options.length];
        input.dispatchEvent(new Event('input'));
        await new Promise((done) => setTimeout(done, 16));
    }
    window.moved.push(performance.now());
}"""


@contextmanager
def jupyterlab():
    with tempfile.TemporaryDirectory(prefix="widgets") as folder, sync_playwright() as playwright:
        home, course = Path(folder) / "home", Path(folder) / "course"
        home.mkdir()
        course.mkdir()
        command = [sys.executable, "-m", "jupyterlab", *harness.LAB_FLAGS, f"--ServerApp.root_dir={course}"]
        with (home / "log").open("w") as log:
            env = harness.own_jupyter(home) | {"OMP_NUM_THREADS": "1"}
            server = subprocess.Popen(command, env=env, stdout=log, stderr=log, start_new_session=True)
        try:
            url = harness.wait_for_server(server, home / "jupyter_runtime_dir", home / "log")
            chromium = playwright.chromium.launch(
                executable_path=harness.find_chromium(), args=harness.CHROMIUM_FLAGS
            )
            yield lambda cells: open_notebook(chromium, url, course, cells)
            chromium.close()
        finally:
            harness.stop(server)


def open_notebook(chromium, url, course, cells):
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    name = f"{len(list(course.glob('*.ipynb')))}.ipynb"
    nb = new_notebook(cells=[new_code_cell(cell.strip()) for cell in cells], metadata={"kernelspec": kernel})
    nbformat.write(nb, course / name)
    page = chromium.new_context(viewport={"width": 1280, "height": 1100}).new_page()
    page.set_default_timeout(60_000)
    page.goto(f"{url}lab?reset")
    page.wait_for_function("() => window.jupyterapp")
    page.evaluate(harness.OPEN_NOTEBOOK, name)
    lab = harness.LabPage(page, [])
    lab.run_all()
    if lab.errors():
        raise RuntimeError(lab.errors())
    page.wait_for_timeout(2000)
    page.evaluate(WATCH)
    return lab


def forget(page):
    page.evaluate("() => { window.moved.length = 0; window.shown.length = 0; }")


def wait(page, condition):
    page.wait_for_function(f"() => {{ const last = window.shown.at(-1); return last && ({condition}); }}")
    return page.evaluate("() => window.shown.at(-1)[0] - window.moved.at(-1)")


def follow(page, acts, condition="true"):
    """Milliseconds from each act to its picture."""
    delays = []
    for act in acts:
        forget(page)
        act()
        delays.append(wait(page, condition))
        page.wait_for_timeout(60)
    return delays


def keys(slider, count):
    """Press the arrow keys, to the last value and back."""
    slider.focus()
    slider.press("Home")
    slider.page.wait_for_timeout(800)
    slider.page.wait_for_function(f"() => {AT_REST}")
    if slider.evaluate("node => node.tagName") == "SELECT":
        values, ahead, back = slider.locator("option").count(), "ArrowDown", "ArrowUp"
    else:
        values, ahead, back = int(slider.get_attribute("max") or 100) + 1, "ArrowRight", "ArrowLeft"
    for k in range(count):
        yield lambda k=k: slider.press(back if k // (values - 1) % 2 else ahead)


def drag(page, handle, count):
    """Drag by the mouse, from left to right and back."""
    box = handle.bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    for k in range(count):
        yield lambda k=k: page.mouse.move(x - 5 * min(k + 1, count - k), y + k % 2)
    page.mouse.up()


def follow_all(page):
    """Print a row for each control of `WIDGETS`: the first of each widget as it redraws, the others until they are done."""
    outputs = page.locator(".jp-OutputArea-output:has(.tms-stage)")
    for index, (call, (label, *others)) in enumerate(WIDGETS.items()):
        name, output = call.split("(")[0], outputs.nth(index)
        output.scroll_into_view_if_needed()
        page.wait_for_timeout(500)
        if name == "BeatTheOptimiser":
            acts = drag(page, output.get_by_role("slider", name=label), 30)
        elif name == "GramGym":
            cell = output.get_by_role("gridcell", name=label)
            cell.focus()
            acts = [lambda cell=cell: cell.press(" ")] * 30
        else:
            acts = keys(output.get_by_label(label, exact=True), 30)
        first = ", first picture" if name == "AlmostOrthogonal" else ""
        row(f"  {name}: {label}{first}", spread(follow(page, acts)), "")
        for label in others:
            acts = keys(output.get_by_label(label, exact=True), 4)
            row(f"    {label}, until done", "", spread(follow(page, acts, AT_REST)))


def retrain(page, count=8):
    """Milliseconds from a key to the picture of the finished training, and pictures on the way."""
    slider = page.get_by_role("slider", name="seed")
    slider.focus()
    delays, pictures = [], []
    for _ in range(count):
        forget(page)
        slider.press("ArrowRight")
        delays.append(wait(page, "!last[1].startsWith('In training') && !last[1].startsWith('Not trained')"))
        pictures.append(page.evaluate("() => window.shown.length"))
        page.locator(".tms-stage[data-busy=false]").wait_for()
        page.wait_for_timeout(100)
    return delays, pictures


def play_and_stop(page, count=4):
    """Pictures a second while it plays, and milliseconds from Stop to the last picture."""
    press = {
        name: page.get_by_role("button", name=name, exact=True).click for name in ("Rewind", "Play", "Stop")
    }
    rates, delays = [], []
    for _ in range(count):
        press["Rewind"]()
        press["Play"]()
        page.wait_for_timeout(300)
        forget(page)
        page.wait_for_timeout(1500)
        times = page.evaluate("() => window.shown.map((shown) => shown[0])")
        rates.append(1000 * (len(times) - 1) / (times[-1] - times[0]))
        press["Stop"]()
        page.locator(".tms-stage[data-busy=false]").wait_for()
        page.wait_for_timeout(300)
        delays.append(page.evaluate("() => window.shown.at(-1)[0] - window.moved.at(-1)"))
    return rates, delays


def rush(page, name, options, condition):
    """Milliseconds from the last of fifty moves, 16 ms apart, to the picture of the last value."""
    forget(page)
    page.evaluate(RUSH, [name, options])
    return wait(page, condition)


def stop_beside_a_cell(lab):
    page = lab.page
    run = "() => { window.cell = window.jupyterapp.commands.execute('notebook:run-cell'); }"
    page.get_by_role("button", name="Rewind", exact=True).click()
    page.get_by_role("button", name="Play", exact=True).click()
    page.evaluate("() => { window.jupyterapp.shell.currentWidget.content.activeCellIndex = 2; }")
    page.evaluate(run)
    page.wait_for_timeout(800)
    page.get_by_role("button", name="Stop", exact=True).click()
    page.wait_for_timeout(600)
    delay = page.evaluate("() => window.shown.at(-1)[0] - window.moved.at(-1)")
    page.evaluate("() => window.cell")
    return delay


def memory(lab, name, values, moves=1000):
    """Growth of kernel and page in MB over `moves` moves, the page after a forced collection; the last cell is RSS."""

    def sizes():
        session = page.context.new_cdp_session(page)
        for _ in range(3):
            session.send("HeapProfiler.collectGarbage")
            page.wait_for_timeout(300)
        last = f"window.jupyterapp.shell.currentWidget.content.activeCellIndex = {len(lab.cells()) - 1}"
        page.evaluate(f"() => {{ {last}; return window.jupyterapp.commands.execute('notebook:run-cell'); }}")
        kernel = int(lab.outputs()[-1]["text"])
        return kernel / 1e6, max(p.memory_info().rss for p in renderers()) / 1e6

    page = lab.page
    options = range(0, values, max(1, values // 9))
    for _ in range(3):
        page.evaluate(RUSH, [name, [*options]])
    before = sizes()
    for _ in range(moves // 50):
        page.evaluate(RUSH, [name, [*options]])
    page.wait_for_timeout(500)
    kernel, renderer = (after - earlier for after, earlier in zip(sizes(), before, strict=True))
    row(f"  {moves:,} moves of {name}: growth (MB)", f"kernel {kernel:+.0f}", f"page {renderer:+.0f}")


def renderers():
    children = psutil.Process().children(recursive=True)
    return [child for child in children if "--type=renderer" in " ".join(child.cmdline())]


def row(name, *cells):
    print(f"{name:48s}" + "".join(f"{cell:>16s}" for cell in cells), flush=True)


def spread(values):
    return f"{statistics.median(values):.0f} / {sorted(values)[int(0.9 * len(values))]:.0f}"


def main():
    with jupyterlab() as open_cells:
        row("20×20 matrix: slider moved → picture (ms)", "median / p90", "after 50 moves")
        page = open_cells([INTERACT]).page
        row("  interact, a fresh figure", spread(follow(page, keys(page.locator(".noUi-handle"), 30))), "")
        page.context.close()
        page = open_cells([OURS]).page
        delays = follow(page, keys(page.get_by_role("slider", name="k"), 30))
        last = rush(page, "k", [3, 50, 77, 20, 90, 41, 66], "last[1] === 'k = 3.'")
        row("  ours", spread(delays), f"{last:.0f}")
        page.context.close()

        cells = [f"from tms_edu.widgets import *\n{call}" for call in WIDGETS]
        lab = open_cells([*cells, RSS])
        row("the course's widgets: control moved → picture (ms)", "redraw only", "train, compute")
        follow_all(lab.page)
        memory(lab, "step", 101)
        lab.page.context.close()

        lab = open_cells([LAB, RSS, "time.sleep(2) if 'time' in globals() else None\nimport time"])
        page = lab.page
        row("superposition lab, 5 → 2", "median / p90", "")
        finished, pictures = retrain(page)
        row(
            "  seed moved → trained model shown (ms)",
            spread(finished),
            f"{statistics.mean(pictures):.0f} pictures",
        )
        rates, stops = play_and_stop(page)
        row("  Play: pictures a second", spread(rates), "")
        row("  Stop → last picture (ms)", spread(stops), f"{stop_beside_a_cell(lab):.0f} with a cell")
        slow = "last[2].includes('SparseFeatures(5, 0.02)')"
        row(
            "  after 50 moves of S (ms)",
            f"{rush(page, 'feature_probability', [12, 3, 9, 5, 10, 8, 6], slow):.0f}",
            "",
        )


if __name__ == "__main__":
    start = time.time()
    main()
    print(f"{time.time() - start:.0f} s; load {psutil.getloadavg()[0]:.1f} on {psutil.cpu_count()} cores")
