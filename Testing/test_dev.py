"""dev.py: what it installs, when, and what it says when that fails. Nothing is really installed."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

import dev
from masam_core.installation import torch_build

from .conftest import ROOT

SPREAD = ["-n", "auto", "--dist", "loadfile", "--no-loadscope-reorder"]


class Installer:
    """Stands in for venv and pip: records calls, makes the interpreter, succeeds unless told."""

    def __init__(self, environment: Path) -> None:
        self.environment = environment
        self.commands: list[list[str]] = []
        self.created = 0
        self.code = 0
        self.packages = {"torch": "2.14.1", "torchvision": "0.29.1"}
        self.pip_settings = ""
        self.torch_code = 0  # of pip asked for PyTorch alone
        self.environments: list[Mapping[str, str]] = []

    def create(self, environment: Path) -> None:
        self.created += 1
        python = dev.python_of(environment)
        python.parent.mkdir(parents=True)
        python.touch()

    def run(self, command: list[str], **given: Any) -> subprocess.CompletedProcess[str]:
        if "-c" in command and "importlib.metadata" in command[-1]:
            return subprocess.CompletedProcess(command, 0, json.dumps(self.packages), "")
        if command[-2:] == ["config", "list"]:
            return subprocess.CompletedProcess(command, 0, self.pip_settings, "")
        if "env" in given and any(word.startswith("torch") for word in command):
            self.commands.append(command)
            self.environments.append(given["env"])
            return subprocess.CompletedProcess(command, self.torch_code)
        if "-c" in command:  # is the environment whole?
            version = f"{sys.version_info[0]} {sys.version_info[1]}"
            return subprocess.CompletedProcess(command, 0, version, "")
        self.commands.append(command)
        return subprocess.CompletedProcess(command, self.code)


@pytest.fixture
def installer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Installer:
    """A project in a folder whose name has a space, with nothing installed."""
    root = tmp_path / "my project"
    root.mkdir()
    (root / "pyproject.toml").write_text("[project]\n")
    fake = Installer(root / ".venv")
    monkeypatch.setattr(dev, "ROOT", root)
    monkeypatch.setattr(dev, "create", fake.create)
    monkeypatch.setattr(dev.subprocess, "run", fake.run)
    monkeypatch.delenv("MASAM_WHEELS", raising=False)
    monkeypatch.delenv("MASAM_TORCH_INDEX", raising=False)
    monkeypatch.setattr(torch_build, "nvidia_card", str)
    return fake


def test_the_first_run_installs_and_the_second_starts_at_once(installer: Installer) -> None:
    assert dev.install(installer.environment, "") is None
    assert dev.install(installer.environment, "") is None
    assert installer.created == 1
    assert len(installer.commands) == 1
    assert installer.commands[0][-2:] == ["-e", str(installer.environment.parent)]


def test_tests_after_a_demo_add_their_extras_and_a_demo_after_tests_adds_nothing(
    installer: Installer,
) -> None:
    assert dev.install(installer.environment, "") is None
    assert dev.install(installer.environment, "train,dev") is None
    assert dev.install(installer.environment, "") is None
    assert len(installer.commands) == 2
    assert installer.commands[1][-1].endswith("my project[dev,train]")
    assert installer.created == 1


def test_changed_requirements_are_installed_into_the_same_environment(
    installer: Installer,
) -> None:
    dev.install(installer.environment, "dev")
    (installer.environment.parent / "pyproject.toml").write_text("[project]\nname = 'x'\n")
    dev.install(installer.environment, "")
    assert installer.created == 1
    assert installer.commands[1][-1].endswith("[dev]")


def test_a_failed_installation_is_told_and_never_taken_for_a_whole_one(
    installer: Installer,
) -> None:
    installer.code = 1
    problem = dev.install(installer.environment, "")
    assert problem is not None
    assert "did not finish" in problem
    assert "MASAM_WHEELS" in problem
    installer.code = 0
    assert dev.install(installer.environment, "") is None
    assert len(installer.commands) == 2


def test_an_update_that_fails_leaves_no_stamp_behind(installer: Installer) -> None:
    dev.install(installer.environment, "")
    installer.code = 1
    dev.install(installer.environment, "dev")
    assert not list(installer.environment.glob("masam-ready*"))


def test_an_environment_of_another_python_is_made_anew(
    installer: Installer, monkeypatch: pytest.MonkeyPatch
) -> None:
    dev.install(installer.environment, "")
    monkeypatch.setattr(dev, "works", lambda python: False)
    (installer.environment / "masam-ready.txt").write_text("stamp of another Python")
    (installer.environment / "old").touch()
    dev.install(installer.environment, "")
    assert installer.created == 2
    assert not (installer.environment / "old").exists()


def test_without_venv_the_message_says_what_to_install(
    installer: Installer, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(environment: Path) -> None:
        raise ImportError("No module named 'venv'")

    monkeypatch.setattr(dev, "create", fail)
    assert dev.main(["demo"]) == 1
    assert "python3-venv" in capsys.readouterr().out


def test_a_folder_of_wheels_keeps_pip_off_the_network(tmp_path: Path) -> None:
    assert "--no-index" not in dev.pip_options({})
    options = dev.pip_options({"MASAM_WHEELS": str(tmp_path)})
    assert options[-3:] == ["--no-index", "--find-links", str(tmp_path)]
    relative = dev.pip_options({"MASAM_WHEELS": "wheels"})[-1]
    assert relative == str(Path.cwd() / "wheels")


@pytest.mark.parametrize(
    "change", ["requirements", "python", "folder"], ids=lambda change: f"another {change}"
)
def test_the_fingerprint_changes_with(change: str, tmp_path: Path) -> None:
    project = tmp_path / "pyproject.toml"
    project.write_text("one")
    before = dev.fingerprint(project, "3.11", tmp_path)
    assert dev.fingerprint(project, "3.11", tmp_path) == before
    if change == "requirements":
        project.write_text("two")
    version = "3.12" if change == "python" else "3.11"
    folder = tmp_path / "moved" if change == "folder" else tmp_path
    assert dev.fingerprint(project, version, folder) != before


def test_without_a_gpu_the_small_pytorch_comes_first_and_from_its_index_alone(
    installer: Installer, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("MASAM_TORCH_INDEX", raising=False)
    monkeypatch.setenv("PIP_EXTRA_INDEX_URL", "file:///ordinary")
    monkeypatch.setattr(torch_build, "nvidia_card", str)
    monkeypatch.setattr(torch_build.platform, "system", lambda: "Linux")
    installer.pip_settings = "global.cert='/ca.pem'\nglobal.index-url='file:///other'\n"
    installer.packages = {}
    assert dev.install(installer.environment, "bench") is None
    first, second = installer.commands
    assert first[-1] == "torch>=2.4"
    assert first[first.index("--index-url") + 1] == torch_build.CPU_INDEX
    assert first[first.index("--cert") + 1] == "/ca.pem"
    assert "file:///other" not in first
    assert "PIP_EXTRA_INDEX_URL" not in installer.environments[0]
    assert second[-2] == "-e"
    assert "no NVIDIA GPU" in capsys.readouterr().out


@pytest.mark.parametrize(("card", "setting"), [("", None), ("RTX A4000", None), ("", "")])
def test_pytorch_comes_with_a_gpu_or_where_it_is_asked_for(
    installer: Installer,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    card: str,
    setting: str | None,
) -> None:
    monkeypatch.setattr(torch_build, "nvidia_card", lambda: card)
    if setting is not None:
        monkeypatch.setenv("MASAM_TORCH_INDEX", setting)
    assert dev.install(installer.environment, "") is None
    (command,) = [words for words in installer.commands if "-e" in words]
    with_torch = bool(card) or setting is not None
    assert command[-1].endswith("[torch]") == with_torch
    assert ("OpenVINO computes" in capsys.readouterr().out) != with_torch


def test_pytorch_can_be_asked_for_after_an_installation_without(
    installer: Installer, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert dev.install(installer.environment, "") is None
    monkeypatch.setenv("MASAM_TORCH_INDEX", "")
    assert dev.install(installer.environment, "") is None
    assert dev.install(installer.environment, "") is None
    assert [words[-1].endswith("[torch]") for words in installer.commands] == [False, True]


def test_every_kind_of_machine_gets_something_that_computes() -> None:
    """One of the two, and that there is one: Macs with Intel's processor have no PyTorch 2.4."""
    tomllib = pytest.importorskip("tomllib")  # of Python 3.11 on
    requirement = pytest.importorskip("packaging.requirements").Requirement
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    needed = [requirement(line) for line in project["dependencies"]]
    for system, machine, expected in (
        ("linux", "x86_64", "openvino"),
        ("linux", "aarch64", "openvino"),
        ("darwin", "arm64", "openvino"),
        ("darwin", "x86_64", "openvino"),
        ("win32", "AMD64", "openvino"),
        ("win32", "ARM64", "torch"),
    ):
        place = {"sys_platform": system, "platform_machine": machine}
        found = {r.name for r in needed if r.marker is None or r.marker.evaluate(place)}
        assert found & {"openvino", "torch"} == {expected}, place


def test_an_index_that_does_not_answer_leaves_pytorch_to_the_ordinary_one(
    installer: Installer, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MASAM_TORCH_INDEX", "file:///nowhere")
    installer.torch_code, installer.packages = 1, {}
    assert dev.install(installer.environment, "train") is None
    assert installer.commands[0][-1] == "torchvision>=0.19"
    assert installer.commands[-1][-1].endswith("[train]")
    assert "pip's ordinary index is asked" in capsys.readouterr().out


def test_a_pytorch_that_is_there_stays_and_gets_its_own_torchvision(
    installer: Installer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MASAM_TORCH_INDEX", "file:///small")
    installer.packages = {"torch": "2.14.1"}
    assert dev.install(installer.environment, "train") is None
    assert len(installer.commands) == 1
    installer.packages = {"torch": "2.14.1+cpu"}
    assert dev.install(installer.environment, "dev") is None
    assert installer.commands[1][-2:] == ["torch==2.14.1+cpu", "torchvision>=0.19"]
    # Not to be had: both anew from the ordinary index, since they must fit each other.
    installer.torch_code = 1
    assert dev.install(installer.environment, "bench") is None
    assert installer.commands[-2][-3:] == ["uninstall", "-y", "torch"]


def test_a_folder_of_all_wheels_decides_on_pytorch_too(
    installer: Installer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MASAM_TORCH_INDEX", "file:///small")
    monkeypatch.setenv("MASAM_WHEELS", str(installer.environment.parent))
    assert dev.install(installer.environment, "") is None
    assert len(installer.commands) == 1


def test_what_is_installed_is_read_from_an_interpreter() -> None:
    found = dev.packages_of(Path(sys.executable))
    assert found["pytest"] == pytest.__version__
    assert dev.packages_of(Path(sys.executable).parent / "no such python") == {}


def test_an_old_python_is_refused_in_words(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(dev, "OLDEST", (99, 0))
    assert dev.main(["demo"]) == 1
    assert "needs Python" in capsys.readouterr().out


def test_an_interpreter_that_does_not_start_does_not_work(tmp_path: Path) -> None:
    assert dev.works(Path(sys.executable))
    assert not dev.works(tmp_path / "python")


def test_an_unknown_command_shows_the_commands_and_fails(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert dev.main(["dmeo"]) == 2
    assert dev.main([]) == 0
    assert "dev.py demo" in capsys.readouterr().out


def test_testing_stops_at_the_first_step_that_fails(
    installer: Installer, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(dev, "CHEAP_COVERAGE", (9, 0))
    dev.install(installer.environment, dev.ALL)
    installer.code = 1
    assert dev.main(["test", "-k", "geometry"]) == 1
    assert installer.commands[-1][1:4] == ["-m", "ruff", "check"]
    installer.code = 0
    assert dev.main(["test", "-k", "geometry"]) == 0
    assert installer.commands[-1][1:] == ["-m", "pytest", *SPREAD, "-k", "geometry"]


@pytest.mark.parametrize(
    ("arguments", "options"),
    [
        ([], SPREAD),
        (["-x", "-k", "geometry"], SPREAD),
        (["Testing/core", "-q"], SPREAD),
        (["Testing/test_one.py"], []),
        (["-x", "Testing/test_one.py::test_it"], []),
        (["-n", "3"], []),
        (["-n0"], []),
        (["-s"], []),
        (["--pdb"], []),
    ],
)
def test_the_suite_is_spread_over_the_cores_but_not_single_files(
    installer: Installer, arguments: list[str], options: list[str]
) -> None:
    folder = installer.environment.parent / "Testing"
    (folder / "core").mkdir(parents=True)
    (folder / "test_one.py").touch()
    assert dev.spread(arguments) == options


def test_coverage_is_told_where_it_costs_little(
    installer: Installer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dev, "CHEAP_COVERAGE", (3, 0))
    monkeypatch.delenv("COVERAGE_CORE", raising=False)
    dev.install(installer.environment, dev.ALL)
    assert dev.main(["test", "Testing/core"]) == 0
    assert installer.commands[-1][1:] == ["-m", "pytest", *SPREAD, "Testing/core", "--cov"]
    assert dev.os.environ["COVERAGE_CORE"] == "sysmon"
    monkeypatch.delenv("COVERAGE_CORE")


@pytest.mark.parametrize(
    ("variables", "there", "root", "by"),
    [
        ({"CI": "true"}, {"apt-get"}, True, ["apt-get"] * (1 + len(dev.TOOLS))),
        ({"CI": "true"}, {"apt-get", *dev.TOOLS, "npm"}, True, ["npm"]),
        ({"CI": "true"}, {"apt-get", *dev.TOOLS, "npm", "tsc"}, True, []),
        ({"CI": "true"}, set(), True, []),
        ({"CI": "true"}, {"apt-get", "npm"}, False, []),
        ({}, {"apt-get", "npm"}, True, []),
    ],
)
def test_what_tests_run_is_installed_in_a_debian_ci_alone(
    installer: Installer,
    monkeypatch: pytest.MonkeyPatch,
    variables: dict[str, str],
    there: set[str],
    root: bool,
    by: list[str],
) -> None:
    monkeypatch.setattr(dev.shutil, "which", lambda name: name if name in there else None)
    monkeypatch.setattr(dev.os, "geteuid", lambda: 0 if root else 1000, raising=False)
    installer.code = 100  # a failure is told by the tests that are skipped then
    dev.install_tools(variables)
    assert [command[0] for command in installer.commands] == by
    for package, program in {
        "chromium": "apt-get",
        "orthanc-dicomweb": "apt-get",
        "axe-core": "npm",
    }.items():
        assert any(package in command for command in installer.commands) is (program in by)


def test_the_workbench_has_its_extra_and_gets_its_arguments(installer: Installer) -> None:
    assert dev.main(["workbench", "scan.nii.gz", "--port", "80"]) == 0
    assert installer.commands[0][-1].endswith("[workbench]")
    assert installer.commands[1][1:] == [
        "-m",
        "masam_core",
        "workbench",
        "scan.nii.gz",
        "--port",
        "80",
    ]


def test_the_benchmark_has_its_extra_and_gets_its_arguments(installer: Installer) -> None:
    assert dev.main(["bench", "--backbone", "vit_s14"]) == 0
    assert installer.commands[0][-1].endswith("[bench]")
    assert installer.commands[1][1:] == ["-m", "masam_core", "bench", "--backbone", "vit_s14"]


def test_it_runs_with_the_standard_library_alone() -> None:
    command = [sys.executable, "-I", "-S", str(ROOT / "dev.py"), "help"]
    shown = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "dev.py test" in shown.stdout
