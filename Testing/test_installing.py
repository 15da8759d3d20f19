"""The wheel that pip, pipx and uv install, and the container made of it."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
import zipfile
from email.parser import Parser
from pathlib import Path

import pytest

import masam_core

from .conftest import ROOT
from .installing import CONTAINERFILE, copied

BUILD_SECONDS = 1500


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the wheel installed, as pipx and uv do, without what it needs."""
    folder = tmp_path_factory.mktemp("installed")
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index"]
    command = [*pip, "--no-compile", "--target", str(folder), str(wheel)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return folder


def test_the_command_runs_where_no_checkout_is(installed: Path, tmp_path: Path) -> None:
    variables = {**os.environ, "PYTHONPATH": str(installed)}
    (script,) = (installed / "bin").glob("masam*")
    done = subprocess.run(
        [sys.executable, str(script), "--version"],
        cwd=tmp_path,
        env=variables,
        capture_output=True,
        text=True,
        check=False,
    )
    assert masam_core.__version__ in done.stdout, done.stderr
    code = (
        "from masam_core.catalog.bundled import bundled_model_path, sample_data_dir\n"
        "from importlib.metadata import entry_points\n"
        "(found,) = entry_points(group='masam.commands', name='workbench')\n"
        "print(bundled_model_path(), sample_data_dir(), found.value, sep='\\n')"
    )
    command = [sys.executable, "-c", code]
    done = subprocess.run(
        command, cwd=tmp_path, env=variables, capture_output=True, text=True, check=True
    )
    model, samples, command_line = done.stdout.splitlines()
    assert Path(model).is_relative_to(installed)
    assert (Path(samples) / "sarcoma_mr" / "box.mrk.json").is_file()
    assert command_line == "masam_workbench.command:workbench_command"


def test_torchvision_comes_with_training_alone(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as packed:
        (name,) = [n for n in packed.namelist() if n.endswith(".dist-info/METADATA")]
        about = Parser().parsestr(packed.read(name).decode("utf-8"))
    needed = about.get_all("Requires-Dist", [])
    always = {re.match(r"[\w-]+", line)[0].lower() for line in needed if "extra ==" not in line}  # type: ignore[index]
    assert "openvino" in always
    # On machines for which there is no OpenVINO.
    assert all("!=" in line for line in needed if line.startswith("torch>") and "extra" not in line)
    assert "torchvision" not in always
    assert any("torchvision" in line and "'train'" in line.replace('"', "'") for line in needed)


def test_training_without_torchvision_names_the_extra(tmp_path: Path) -> None:
    code = (
        "import sys; sys.modules.update(torchvision=None);"
        "from masam_core.__main__ import main; sys.exit(main())"
    )
    command = [sys.executable, "-c", code, "train", str(tmp_path), "-o", str(tmp_path / "run")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "torchvision" in done.stderr
    assert "masam[train]" in done.stderr


def test_the_container_gets_what_it_copies_and_no_more() -> None:
    lines = (ROOT / ".dockerignore").read_text("utf-8").splitlines()
    assert "*" in lines
    let_in = {line[1:] for line in lines if line.startswith("!")}
    assert let_in == set(copied().values())
    assert all((ROOT / name).exists() for name in let_in)


def test_the_container_is_built_and_runs(request: pytest.FixtureRequest) -> None:
    """Build it, and let MASAM check itself inside, without a network.

    MASAM_CONTAINER_BUILD holds what a place adds to the build: --build-arg BASE=..., --volume ...
    """
    tool = container_tool()
    if tool is None:
        pytest.skip("no docker, podman or buildah that works is here")
    added = shlex.split(os.environ.get("MASAM_CONTAINER_BUILD", ""))
    if not has_base(tool, added):
        pytest.skip("the container's base image is not here and can't be fetched")
    name = "masam-test"
    build = [tool, "bud" if tool == "buildah" else "build", "-f", str(CONTAINERFILE), "-t", name]
    done = run([*build, *added, str(ROOT)], BUILD_SECONDS)
    request.addfinalizer(lambda: run([tool, "rmi", "-f", name], 300))
    assert done.returncode == 0, done.stderr[-3000:]
    if tool == "buildah":
        begun = run(["buildah", "from", "--name", name, name], 300)
        request.addfinalizer(lambda: run(["buildah", "rm", name], 300))
        assert begun.returncode == 0, begun.stderr
        inside = ["buildah", "run", "--network", "none", "--user", "4321", name, "--", "masam"]
    else:
        inside = [tool, "run", "--rm", "--network", "none", "--user", "4321", name]
    done = run([*inside, "info", "system"], 300)
    assert done.returncode == 0, done.stderr
    assert re.search(r"torch\s+missing", done.stdout)
    done = run([*inside, "check"], 600)
    assert done.returncode == 0, done.stdout + done.stderr


def has_base(tool: str, added: list[str]) -> bool:
    """Whether the image that the container begins with is here, or can be fetched."""
    given = re.search(r"^ARG BASE=(\S+)$", CONTAINERFILE.read_text("utf-8"), re.MULTILINE)
    assert given is not None
    base = [a.removeprefix("BASE=") for a in added if a.startswith("BASE=")] or [given[1]]
    here = [tool, "inspect", "--type", "image", base[-1]]
    return run(here, 60).returncode == 0 or run([tool, "pull", base[-1]], 600).returncode == 0


def container_tool() -> str | None:
    """A tool that answers: the client alone, without its engine, does not."""
    for tool, question in (("docker", "info"), ("podman", "info"), ("buildah", "version")):
        if shutil.which(tool) and run([tool, question], 60).returncode == 0:
            return tool
    return None


def run(command: list[str], seconds: float) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=seconds)
