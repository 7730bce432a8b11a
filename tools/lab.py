"""Open the course in JupyterLab, at its first notebook. Behind `make lab`."""

import json
import os
import sys
from pathlib import Path

from jupyterlab.labapp import LabApp

ROOT = Path(__file__).parent.parent


def has_browser() -> bool:
    # On Linux without a display, Python would start a browser for the terminal and take it over.
    return sys.platform != "linux" or any(map(os.environ.get, ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER")))


def write_defaults() -> None:
    """Give this environment's JupyterLab defaults that ask a reader nothing: no news, no look for updates."""
    folder = Path(sys.prefix, "share/jupyter/lab/settings/overrides.d")
    folder.mkdir(parents=True, exist_ok=True)
    settings = {
        "@jupyterlab/apputils-extension:notification": {"fetchNews": "false", "checkForUpdates": False}
    }
    (folder / "tms_edu.json").write_text(json.dumps(settings))


def arguments() -> list[str]:
    first = min(Path(ROOT, "notebooks").glob("[0-9]*.ipynb"))
    options = [
        f"--ServerApp.root_dir={ROOT}",
        f"--LabApp.default_url=/lab/tree/notebooks/{first.name}",
        "--ServerApp.ip=127.0.0.1",
        "--ServerApp.answer_yes=True",
        "--LabApp.extension_manager=readonly",
        "--Application.log_level=ERROR",
    ]
    if not has_browser():
        options += ["--no-browser"]
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        options += ["--allow-root"]
    return options


if __name__ == "__main__":
    # A token made afresh is the one that Jupyter prints with the address.
    os.environ.pop("JUPYTER_TOKEN", None)
    write_defaults()
    if "--only-defaults" in sys.argv:  # on Binder, which starts JupyterLab itself
        sys.exit()
    print("JupyterLab starts. Open the address below in a browser; Ctrl-C ends it.", flush=True)
    LabApp.launch_instance([*arguments(), *sys.argv[1:]])
