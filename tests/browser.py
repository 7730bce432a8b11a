"""JupyterLab in headless Chromium, for tests that look at a notebook as its reader does.

    def test_something(lab_page):
        lab = lab_page("03_the_toy_model.ipynb")  # a notebook of the course by name, or the path of another
        lab.run_all()
        lab.page.get_by_role("slider").first.press("ArrowRight")  # a Playwright page
        assert not lab.errors()

The notebooks are copied first: the project's own files are never changed.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect, sync_playwright

ROOT = Path(__file__).parent.parent
TIMEOUT = 180_000  # ms: for a busy machine
expect.set_options(timeout=TIMEOUT)
CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
CHROMIUM_APPS = (
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
)
CHROMIUM_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
LAB_FLAGS = [
    "--no-browser",
    "--allow-root",
    "--ServerApp.ip=127.0.0.1",
    "--IdentityProvider.token=",
    "--ServerApp.disable_check_xsrf=True",
    "--LabApp.expose_app_in_browser=True",
    "--LabApp.extension_manager=readonly",
]
OPEN_NOTEBOOK = """(path) => {
    const open = async () => {
        const app = window.jupyterapp;
        await app.restored;
        const panel = await app.commands.execute('docmanager:open', {path});
        await panel.revealed;
        await panel.context.sessionContext.ready;
        await panel.context.sessionContext.session.kernel.info;
        app.shell.activateById(panel.id);
    };
    // Without this limit, a notebook that names no kernel waits for ever for the reader to choose one.
    const limit = new Promise((_, reject) => setTimeout(() => reject(Error(path + ' got no kernel')), 150000));
    return Promise.race([open(), limit]);
}"""


def find_chromium() -> str:
    named = filter(None, [os.environ.get("CHROMIUM"), *map(shutil.which, CHROMIUM_NAMES), *CHROMIUM_APPS])
    found = next((path for path in named if Path(path).exists()), None)
    if found is None:
        pytest.fail(
            "The browser tests need Chromium or Chrome and found neither.\n"
            "  Debian, Ubuntu:  sudo apt-get install chromium   (Ubuntu: chromium-browser)\n"
            "  macOS:           brew install --cask chromium\n"
            "  elsewhere:       set CHROMIUM to the path of the browser",
            pytrace=False,
        )
    return found


def own_jupyter(home: Path) -> dict[str, str]:
    """Return an environment in which Jupyter reads and writes nothing outside of `home`."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("JUPYTER")}
    env |= {"HOME": str(home), "IPYTHONDIR": str(home / "ipython"), "JUPYTER_PREFER_ENV_PATH": "1"}
    for kind in ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR"):
        env[kind] = str(home / kind.lower())
    for kind in ("JUPYTERLAB_WORKSPACES_DIR", "JUPYTERLAB_SETTINGS_DIR"):
        env[kind] = str(home / kind.lower())
    return env


def get(url: str) -> int:
    """Return the HTTP status of `url`, 0 where nobody answers."""
    try:
        with urllib.request.urlopen(url, timeout=10) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        with error:
            return error.code
    except (urllib.error.URLError, OSError):
        return 0


def stop(process: subprocess.Popen, how: int = signal.SIGTERM) -> int:
    """Send the signal to the process and all its children, as a terminal does; return the exit code."""
    try:
        os.killpg(process.pid, how)
        return process.wait(timeout=30)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        raise


class LabPage:
    """A notebook open in JupyterLab: `.page` is Playwright's, `.console` what the browser complained of."""

    def __init__(self, page: Page, console: list[str]):
        self.page = page
        self.console = console

    def run_all(self) -> None:
        """Run every cell and wait until the last one is done."""
        self.page.evaluate("() => window.jupyterapp.commands.execute('notebook:run-all-cells')")

    def cells(self) -> list[dict]:
        """Return the cells as they would be stored now."""
        script = "() => JSON.stringify(window.jupyterapp.shell.currentWidget.content.model.toJSON())"
        return json.loads(self.page.evaluate(script))["cells"]

    def outputs(self) -> list[dict]:
        return [output for cell in self.cells() for output in cell.get("outputs", [])]

    def errors(self) -> list[str]:
        """Return the error outputs of the notebook's cells, as `name: message`."""
        wrong = [output for output in self.outputs() if output["output_type"] == "error"]
        return [f"{output['ename']}: {output['evalue']}" for output in wrong]

    def save_and_close(self) -> None:
        self.page.evaluate("() => window.jupyterapp.commands.execute('docmanager:save')")
        self.page.close()


@pytest.fixture(scope="module")
def lab_folder(tmp_path_factory) -> Path:
    """A copy of the course, the folder that JupyterLab shows."""
    folder = tmp_path_factory.mktemp("course")
    ignored = shutil.ignore_patterns(".ipynb_checkpoints")
    shutil.copytree(ROOT / "notebooks", folder / "notebooks", ignore=ignored)
    return folder


@pytest.fixture(scope="module")
def lab_server(lab_folder, tmp_path_factory):
    """The address of a JupyterLab that serves `lab_folder`, with a home of its own."""
    home = tmp_path_factory.mktemp("home")
    log = home / "lab.log"
    info = home / "jupyter_runtime_dir"
    with log.open("w") as stream:
        process = subprocess.Popen(
            [sys.executable, "-m", "jupyterlab", *LAB_FLAGS, f"--ServerApp.root_dir={lab_folder}"],
            env=own_jupyter(home),
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=stream,
            start_new_session=True,
        )
    try:
        yield wait_for_server(process, info, log)
    finally:
        if process.poll() is None:
            stop(process)


def wait_for_server(process: subprocess.Popen, info: Path, log: Path) -> str:
    """Return the address that the server writes down when it listens, once it answers."""
    until = time.monotonic() + 180
    while time.monotonic() < until and process.poll() is None:
        for path in info.glob(f"jpserver-{process.pid}.json"):
            if (text := path.read_text()) and get(json.loads(text)["url"] + "api/status") == 200:
                return json.loads(text)["url"]
        time.sleep(0.1)
    pytest.fail(f"JupyterLab did not start:\n{log.read_text()}")


@pytest.fixture(scope="module")
def chromium():
    """A headless Chromium under Playwright."""
    executable = find_chromium()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=CHROMIUM_FLAGS)
        yield browser
        browser.close()


@contextmanager
def notebooks_opened(chromium, lab_server, lab_folder):
    """Give a function that opens a notebook in JupyterLab and returns its `LabPage`; close all of them at the end."""
    contexts = []

    def open_notebook(notebook: str | Path, *, width: int = 1280, height: int = 900) -> LabPage:
        path = Path(notebook)
        if path.is_absolute():
            shutil.copy(path, lab_folder / "notebooks")
        context = chromium.new_context(viewport={"width": width, "height": height})
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(TIMEOUT)
        console: list[str] = []
        page.on("console", lambda message: console.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: console.append(str(error)))
        page.goto(f"{lab_server}lab?reset")
        page.wait_for_function("() => window.jupyterapp")
        page.evaluate(OPEN_NOTEBOOK, f"notebooks/{path.name}")
        return LabPage(page, console)

    yield open_notebook
    for context in contexts:
        context.close()


@pytest.fixture
def lab_page(chromium, lab_server, lab_folder):
    """A function that opens a notebook in JupyterLab and returns its `LabPage`."""
    with notebooks_opened(chromium, lab_server, lab_folder) as open_notebook:
        yield open_notebook
