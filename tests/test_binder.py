"""What Binder and `make` install is what the requirements ask for and what was tested."""

import os
import re
import shutil
import subprocess
import sys
import tomllib
from importlib.metadata import distributions, version

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.version import Version

from browser import ROOT

LEARNER, DEVELOPER, LOCK = "requirements.txt", "requirements-dev.txt", "constraints.txt"


def lines(name: str) -> list[str]:
    text = (ROOT / name).read_text(encoding="utf-8")
    return [line.strip() for line in text.splitlines() if line.strip() and not line.startswith("#")]


def requirements(name: str) -> list[Requirement]:
    return [Requirement(line) for line in lines(name)]


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


LOCKED = {normal(requirement.name): requirement for requirement in requirements(LOCK)}


@pytest.mark.parametrize("wanted", [*requirements(LEARNER), *requirements(DEVELOPER)], ids=str)
def test_each_requirement_is_bounded_and_locked_within_its_range(wanted):
    operators = {clause.operator for clause in wanted.specifier}
    assert operators in ({"=="}, {">=", "<"})
    (pin,) = LOCKED[normal(wanted.name)].specifier
    assert pin.operator == "==" and Version(pin.version) in wanted.specifier


def test_the_lock_names_public_versions_only():
    """A version like 2.13.0+cpu exists on one index only; everybody else could not install it."""
    for requirement in LOCKED.values():
        (pin,) = requirement.specifier
        assert Version(pin.version).local is None, requirement


def test_what_is_installed_here_is_what_is_locked():
    installed = {normal(dist.name): Version(dist.version) for dist in distributions()}
    missing = [
        r.name for r in (*requirements(LEARNER), *requirements(DEVELOPER)) if normal(r.name) not in installed
    ]
    differs = [
        f"{name}: {installed[name]} is installed, {requirement.specifier} locked"
        for name, requirement in LOCKED.items()
        if name in installed and installed[name].public not in requirement.specifier
    ]
    assert missing == [] and differs == []


@pytest.mark.parametrize("python", ["3.11.2", "3.12.0", "3.13.0", "3.14.0"])
def test_the_lock_fits_each_python_that_make_accepts(python):
    """Debian 12 has 3.11.2: a package that asks for 3.11.5 could not be installed there."""
    wanted = {normal(dist.name): dist.metadata["Requires-Python"] or "" for dist in distributions()}
    unfit = {
        name: wanted[name] for name in LOCKED if name in wanted and python not in SpecifierSet(wanted[name])
    }
    assert unfit == {}


def test_the_package_and_the_readme_ask_for_the_same_torch():
    (torch,) = [requirement for requirement in requirements(LEARNER) if requirement.name == "torch"]
    assert str(torch.specifier) == "==2.13.0"
    assert Version(version("torch")).public == "2.13.0"
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert set(re.findall(r"torch==([\d.]+)", readme)) == {"2.13.0"}


def test_binder_asks_for_the_root_requirements_with_the_cpu_wheel_and_the_lock():
    (torch,) = [line for line in lines(LEARNER) if line.startswith("torch==")]
    assert lines("binder/requirements.txt") == [
        "--extra-index-url https://download.pytorch.org/whl/cpu",
        f"-c ../{LOCK}",
        f"{torch}+cpu",
        f"-r ../{LEARNER}",
        "-e .",
    ]
    assert lines("binder/runtime.txt") == ["python-3.11"]
    # Either of these would switch requirements.txt off.
    assert not (ROOT / "binder/environment.yml").exists() and not (ROOT / "binder/Dockerfile").exists()


@pytest.mark.parametrize("name", ["start", "postBuild"])
def test_binder_scripts_can_run(name):
    path = ROOT / "binder" / name
    assert os.access(path, os.X_OK) and path.read_bytes().startswith(b"#!/usr/bin/env bash\n")
    subprocess.run(["bash", "-n", path], check=True)


def test_binder_starts_the_server_with_one_thread():
    command = [ROOT / "binder/start", sys.executable, "-c", "import os; print(os.environ['OMP_NUM_THREADS'])"]
    env = {name: value for name, value in os.environ.items() if name != "OMP_NUM_THREADS"}
    assert subprocess.run(command, env=env, capture_output=True, text=True, check=True).stdout == "1\n"


def test_repo2docker_picks_the_files_up(tmp_path):
    """The Dockerfile that mybinder would build, printed without an engine."""
    shutil.copytree(ROOT / "binder", tmp_path / "binder")
    for name in (LEARNER, LOCK, "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path)
    command = [sys.executable, "-m", "repo2docker", "--debug", "--no-build", "."]
    result = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    dockerfile = result.stdout + result.stderr
    assert 'bin/pip install --no-cache-dir -r "binder/requirements.txt"' in dockerfile
    assert "RUN ./binder/postBuild" in dockerfile
    assert 'ENV R2D_ENTRYPOINT="${REPO_DIR}/binder/start"' in dockerfile
    assert re.search(r"environment-2epy-2d3-2e11-2dlinux", dockerfile), "Python 3.11 is not chosen"


def test_the_package_ships_its_data():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    folder = ROOT / "tms_edu"
    patterns = project["tool"]["setuptools"]["package-data"]["tms_edu"]
    shipped = {path for pattern in patterns for path in folder.glob(pattern)}
    kinds = {".py", ".pyc"}
    data = {path for path in folder.rglob("*") if path.is_file() and path.suffix not in kinds}
    assert data <= shipped
