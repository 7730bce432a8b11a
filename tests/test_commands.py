"""`make help` and `make lab`, as somebody types them."""

import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.request
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

import notebooks
from browser import ROOT, get, own_jupyter, stop

ADDRESS = re.compile(r"(http://127\.0\.0\.1:\d+)(/lab/tree/notebooks/\S+)\?token=([0-9a-f]{32,})")


@dataclass
class Lab:
    """A running `make lab`."""

    process: subprocess.Popen
    origin: str
    path: str
    token: str

    def ask(self, path: str, method: str = "GET") -> dict:
        headers = {"Authorization": f"token {self.token}"}
        request = urllib.request.Request(self.origin + path, method=method, headers=headers)
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer)

    def family(self) -> list[psutil.Process]:
        make = psutil.Process(self.process.pid)
        return [make, *make.children(recursive=True)]


def address(process: subprocess.Popen, log: Path) -> re.Match:
    until = time.monotonic() + 240
    while time.monotonic() < until and process.poll() is None:
        if found := ADDRESS.search(log.read_text()):
            return found
        time.sleep(0.1)
    pytest.fail(f"`make lab` printed no address:\n{log.read_text()}")


@contextmanager
def make_lab(home: Path):
    home.mkdir()
    log = home / "make-lab.log"
    with log.open("w") as stream:
        process = subprocess.Popen(
            ["make", "lab"],
            cwd=ROOT,
            env={**own_jupyter(home), "PIP_CACHE_DIR": str(home / "pip")},
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=stream,
            start_new_session=True,
            # As in a terminal: a run of the tests in the background would hand on that Ctrl-C is ignored.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )
    try:
        yield Lab(process, *address(process, log).groups())
    finally:
        if process.poll() is None:
            stop(process)


def test_help_lists_the_commands():
    command = ["make", "--no-print-directory"]
    shown = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    names = [line.split()[1] for line in shown.splitlines()]
    assert names == ["help", "lab", "test", "notebooks", "handout", "lint", "bench", "lock"]


def test_lab_opens_the_first_notebook_with_a_token_on_loopback_and_ends_on_ctrl_c(tmp_path):
    with make_lab(tmp_path / "first") as first, make_lab(tmp_path / "second") as second:
        # The second one finds the port of the first busy.
        assert first.origin != second.origin and first.token != second.token
        assert first.path == f"/lab/tree/notebooks/{notebooks.notebook_paths()[0].name}"
        for lab in (first, second):
            assert get(f"{lab.origin}{lab.path}?token={lab.token}") == 200
        contents = first.path.replace("/lab/tree", "/api/contents")
        assert get(first.origin + contents) == 403
        assert first.ask(contents)["type"] == "notebook"

        listening = [c for p in first.family() for c in p.net_connections("tcp") if c.status == "LISTEN"]
        assert {connection.laddr.ip for connection in listening} == {"127.0.0.1"}

        first.ask("/api/kernels", method="POST")
        family = first.family()
        assert any("ipykernel_launcher" in process.cmdline() for process in family)
        stop(first.process, signal.SIGINT)
        assert psutil.wait_procs(family, timeout=20)[1] == []
        assert get(second.origin + "/api") == 200


@pytest.mark.parametrize("target", ["lab", "test"])
def test_make_installs_again_only_when_a_requirement_changed(tmp_path, target):
    for stamp in ("pyvenv.cfg", ".learner", ".developer"):
        (tmp_path / stamp).touch()

    def planned(*options: str) -> str:
        command = ["make", "-n", *options, f"VENV={tmp_path}", target]
        return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout

    assert "pip install" not in planned()
    for changed in ("requirements.txt", "constraints.txt", "pyproject.toml"):
        assert "-m pip install -q -c constraints.txt -r requirements.txt" in planned("-W", changed)
    assert ("-r requirements-dev.txt" in planned("-W", "requirements-dev.txt")) == (target == "test")


def first_fit(tmp_path, versions: dict[str, str]) -> str:
    """Return what `make lab` says where only these interpreters are on the PATH, each a stand-in."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name, version in versions.items():
        numbers = ", ".join(version.split("."))
        # Answers the version question truly and names itself when asked to make an environment.
        script = f"""#!/bin/sh
case "$1" in
  -c) exec {sys.executable} -c "import sys; sys.version_info = ({numbers}, 0); $2" ;;
  --version) echo "Python {version}" ;;
  *) echo "chosen: {name}"; exit 1 ;;
esac
"""
        (folder / name).write_text(script)
        (folder / name).chmod(0o755)
    for tool in ("make", "sh", "rm", "sed", "uname", "grep"):
        target = next(p for p in (Path(d, tool) for d in os.environ["PATH"].split(":")) if p.exists())
        (folder / tool).symlink_to(target)
    command = ["make", "lab", f"VENV={tmp_path / 'venv'}"]
    result = subprocess.run(command, cwd=ROOT, env={"PATH": str(folder)}, capture_output=True, text=True)
    assert result.returncode != 0
    return result.stdout


@pytest.mark.parametrize(
    ("versions", "said"),
    [
        ({"python3": "3.9", "python3.12": "3.12"}, "chosen: python3.12"),
        ({"python3": "3.14", "python3.12": "3.12"}, "chosen: python3\n"),
        ({"python3": "3.15", "python3.14": "3.14"}, "chosen: python3.14"),
        ({"python3": "3.10"}, "No fit Python"),
        ({}, "No fit Python"),
    ],
    ids=str,
)
def test_make_finds_a_fit_python_or_says_what_to_install(tmp_path, versions, said):
    shown = first_fit(tmp_path, versions)
    assert said in shown
    assert "python3-venv" in shown or "python.org" in shown
