#!/usr/bin/env python3
"""Set up and run MASAM with nothing but Python 3.10 or newer.

    python3 dev.py demo          segment two real tumours, results in demo_output/
    python3 dev.py workbench     the same in a browser, with the mouse
    python3 dev.py bench [ARGS]  how fast this machine is (ARGS go to masam bench)
    python3 dev.py test [ARGS]   ruff, mypy and the whole test suite (ARGS go to pytest)
    python3 dev.py setup         only install
    python3 dev.py clean         remove the virtual environment

Everything is installed into .venv beside this file. Set MASAM_WHEELS to a folder of wheels to
install without a network; fill it where there is one, with the same Python and system:

    pip download -d FOLDER hatchling editables \\
        ".[train,video,bench,dicom,pacs,slurm,ray,cloud,slicer,workbench,dev]"

Without an NVIDIA GPU, demo and workbench install OpenVINO alone, which computes the bundled model
on the processor and on Intel's graphics. What needs PyTorch gets its small build for the processor.
MASAM_TORCH_INDEX asks for PyTorch everywhere, and names another package index, or a folder of
wheels, to take it from; empty it means pip's own.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).resolve().parent
OLDEST = (3, 10)
# From here on Python itself tells which lines ran. Before, measuring costs a third of the time, so
# it is done where it is asked for: dev.py test --cov
CHEAP_COVERAGE = (3, 12)
# Arguments of pytest that say how its processes run.
TOLD = ("-n", "--numprocesses", "-s", "--capture", "--pdb", "--trace", "-p")
# Programs that tests run, and Debian's packages that bring them: the browser of the workbench's
# tests, a PACS, a validator of DICOM files, and a cluster's queue.
TOOLS = {
    "chromium": ["chromium", "libgl1", "libegl1", "fonts-dejavu-core"],
    "Orthanc": ["orthanc", "orthanc-dicomweb"],
    "dciodvfy": ["dicom3tools"],
    "slurmctld": ["slurm-wlm", "munge"],
}
# What checks the workbench's page, from npm: its types, and whether everybody can use it.
PAGE_CHECKS = ["typescript", "axe-core"]
# What each command needs beyond the package itself.
ALL = "train,video,bench,dicom,pacs,slurm,ray,cloud,slicer,workbench,dev"
EXTRAS = {"demo": "", "workbench": "workbench", "bench": "bench", "setup": ALL, "test": ALL}
# Extras that compute with PyTorch; the bundled model is computed by OpenVINO otherwise.
WITH_TORCH = {"bench", "dev", "peers", "torch", "train", "video"}


def main(arguments: list[str]) -> int:
    """Run one command; returns the exit code."""
    if sys.version_info < OLDEST:
        print(f"MASAM needs Python 3.10 or newer; this is {sys.version.split()[0]}.")
        return 1
    command = arguments[0] if arguments else "help"
    if command == "clean":
        shutil.rmtree(ROOT / ".venv", ignore_errors=True)
        print("Removed .venv.")
        return 0
    if command not in EXTRAS:
        print(__doc__)
        return 0 if command in ("help", "-h", "--help") else 2
    problem = install(ROOT / ".venv", EXTRAS[command])
    if problem:
        print(f"\n{problem}")
        return 1
    if command == "demo":
        return run(
            "Demo: two tumours, each from its box", ["-m", "masam_core.demo", *arguments[1:]]
        )
    if command == "workbench":
        return run("Workbench", ["-m", "masam_core", "workbench", *arguments[1:]])
    if command == "bench":
        return run("Benchmark", ["-m", "masam_core", "bench", *arguments[1:]])
    if command == "test":
        install_tools(os.environ)
        return test(arguments[1:])
    print("Ready. Try: python3 dev.py demo")
    return 0


def test(pytest_arguments: list[str]) -> int:
    """Style, types, floors, tests with their coverage; stops at the first that fails."""
    if sys.version_info >= CHEAP_COVERAGE:
        os.environ.setdefault("COVERAGE_CORE", "sysmon")
        pytest_arguments = [*pytest_arguments, "--cov"]  # last: it would take a path for its own
    steps = [
        ("Style (ruff check)", ["-m", "ruff", "check", "."]),
        ("Format (ruff format)", ["-m", "ruff", "format", "--check", "."]),
        ("Types (mypy)", ["-m", "mypy"]),
        ("Floors (import-linter)", ["-m", "Testing.floors"]),
        ("Tests (pytest)", ["-m", "pytest", *spread(pytest_arguments), *pytest_arguments]),
    ]
    for title, step in steps:
        code = run(title, step)
        if code:
            print(f"\n{title} failed.")
            return code
    return 0


def spread(pytest_arguments: list[str]) -> list[str]:
    """Options that run the tests in a process a core (pytest-xdist), a file in one of them.

    Nothing is spread where it would only take time (single files), where a person looks on
    (``-s``, ``--pdb``), or where the arguments say in how many processes (``-n``).
    """
    for word in pytest_arguments:
        if word.startswith(TOLD) or (ROOT / word.split("::")[0]).is_file():
            return []
    # In the order of Testing/conftest.py, in which long files are not the last.
    return ["-n", "auto", "--dist", "loadfile", "--no-loadscope-reorder"]


def install_tools(variables: Mapping[str, str]) -> None:
    """Install the programs that some tests need (TOOLS, PAGE_CHECKS), on a Debian machine of a CI.

    Nowhere else: what is on a person's machine is theirs to choose, and the tests say what they
    lack. A failure is no error here; the tests are skipped then, and say so.
    """
    if not variables.get("CI") or not hasattr(os, "geteuid") or os.geteuid() != 0:
        return
    quiet = {**variables, "DEBIAN_FRONTEND": "noninteractive"}
    commands: list[list[str]] = []
    lacking = [name for name in TOOLS if not shutil.which(name)]
    if lacking and shutil.which("apt-get"):
        commands.append(["apt-get", "-q", "update"])
        # A command each: what one distribution lacks must not keep the others away.
        install = ["apt-get", "-q", "install", "-y", "--no-install-recommends"]
        commands += [[*install, *TOOLS[name]] for name in lacking]
    if not shutil.which("tsc") and shutil.which("npm"):
        commands.append(["npm", "install", "--global", "--no-audit", "--no-fund", *PAGE_CHECKS])
    if commands:
        print("==> Installing programs for the tests", flush=True)
    for command in commands:
        subprocess.run(command, env=quiet, stdout=subprocess.DEVNULL, check=False)


def install(environment: Path, extras: str) -> str | None:
    """Bring the environment up to date; returns what went wrong, or None.

    A stamp inside it says what it was made for, and is written only when all has succeeded, so a
    broken-off installation is never taken for a whole one and a good one starts at once.
    """
    stamp = environment / "masam-ready.txt"
    wanted = fingerprint(ROOT / "pyproject.toml", sys.version, environment)
    done = stamp.read_text("utf-8").split("\n") if stamp.exists() else []
    asked = {e for e in extras.split(",") if e}
    if torch_builds().SETTING in os.environ and WITH_TORCH.isdisjoint({*asked, *done[1:]}):
        asked.add("torch")  # an environment without it is not ready for who asks for it
    if done[:1] == [wanted] and asked <= set(done[1:]):
        return None
    print(f"==> Installing into {environment} (the first time takes minutes)", flush=True)
    python = python_of(environment)
    try:
        if not works(python):
            shutil.rmtree(environment, ignore_errors=True)
            create(environment)
    except (ImportError, OSError, subprocess.CalledProcessError) as error:
        return (
            f"Can't make a virtual environment in {environment}: {error}\n"
            "On Debian and Ubuntu install it with: sudo apt install python3-venv"
        )
    stamp.unlink(missing_ok=True)
    kept = {e for e in done[1:] if e} | asked
    needs_torch = not kept.isdisjoint(WITH_TORCH)
    if not needs_torch and wants_torch():
        kept.add("torch")
        needs_torch = True
    if needs_torch and not os.environ.get("MASAM_WHEELS"):
        install_torch(python, vision=not kept.isdisjoint({"train", "dev"}))
    target = f"{ROOT}[{','.join(sorted(kept))}]" if kept else str(ROOT)
    command = [str(python), "-m", "pip", *pip_options(os.environ), "-e", target]
    if subprocess.run(command, cwd=ROOT, check=False).returncode:
        return (
            "The installation did not finish; see pip's message above. Check the network or proxy "
            "and run the same command again: it goes on where it stopped.\n"
            "Without a network: put the wheels in a folder and set MASAM_WHEELS to it."
        )
    stamp.write_text("\n".join([wanted, *sorted(kept)]), "utf-8")
    return None


def wants_torch() -> bool:
    """Whether PyTorch is of use to the bundled model: an NVIDIA GPU is there, or
    MASAM_TORCH_INDEX asks for it."""
    torch_build = torch_builds()
    if torch_build.SETTING in os.environ or torch_build.nvidia_card():
        return True
    print(
        "==> OpenVINO computes, on the processor and Intel's graphics: no NVIDIA GPU with a driver "
        f"was found. To have PyTorch, too, set {torch_build.SETTING} (see dev.py help).",
        flush=True,
    )
    return False


def torch_builds() -> ModuleType:
    """The module that knows PyTorch's builds; it needs nothing but Python."""
    if str(Path(__file__).resolve().parent) not in sys.path:
        sys.path.insert(0, str(Path(__file__).resolve().parent))
    from masam_core.installation import torch_build

    return torch_build


def install_torch(python: Path, vision: bool) -> None:
    """Install the build of PyTorch that suits this machine, from an index of its own.

    Where that fails nothing is lost: the installation that follows takes the ordinary build.

    Args:
        python: interpreter of the environment.
        vision: whether torchvision is needed, too; both must come from one place.
    """
    torch_build = torch_builds()
    installed = packages_of(python)
    wanted = torch_build.missing_packages(installed, vision)
    if not wanted:
        return
    build = torch_build.choose_build(os.environ)
    print(f"==> PyTorch: {build.words}.", flush=True)
    pip = [str(python), "-m", "pip"]
    if build.index:
        options = [*network_options(python), *torch_build.source_options(build.index)]
        command = [*pip, "install", "--disable-pip-version-check", *options, *wanted]
        environment = torch_build.source_environment(os.environ)
        if subprocess.run(command, env=environment, check=False).returncode == 0:
            return
        print(
            f"==> PyTorch could not be had from {build.index}; pip's ordinary index is asked "
            "instead (on Linux about 3 GB, with CUDA).",
            flush=True,
        )
    if "torch" in installed:  # its torchvision is not in reach: both anew, from one place
        subprocess.run([*pip, "uninstall", "-y", "torch"], check=False)


def packages_of(python: Path) -> dict[str, str]:
    """Version of each package in the environment."""
    code = (
        "import importlib.metadata as m, json;"
        "print(json.dumps({d.metadata['Name'].lower(): d.version for d in m.distributions()}))"
    )
    try:
        found = subprocess.run(
            [str(python), "-c", code], capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError):
        return {}
    return dict(json.loads(found.stdout))


def network_options(python: Path) -> list[str]:
    """Proxy and certificates of pip's own settings, for a pip that must not read its indexes."""
    command = [str(python), "-m", "pip", "config", "list"]
    found = subprocess.run(command, capture_output=True, text=True, check=False)
    options = []
    for line in (found.stdout or "").splitlines():
        match = re.fullmatch(r"(?:global|install)\.(proxy|cert|client-cert)='(.+)'", line.strip())
        if match is not None:
            options += [f"--{match[1]}", match[2]]
    return options


def create(environment: Path) -> None:
    """Make the virtual environment, as ``python -m venv`` does."""
    import venv  # not at the top: some systems ship Python without it

    # A copied interpreter would not find a shared libpython that lies beside the original.
    venv.create(environment, symlinks=os.name != "nt", with_pip=True)


def pip_options(variables: Mapping[str, str]) -> list[str]:
    """pip's command and options; from a folder of wheels alone where MASAM_WHEELS names one."""
    options = ["install", "--disable-pip-version-check"]
    wheels = variables.get("MASAM_WHEELS")
    if wheels:
        options += ["--no-index", "--find-links", os.path.abspath(wheels)]
    return options


def fingerprint(project: Path, version: str, environment: Path) -> str:
    """Changes when the requirements or the Python change, or the folder is moved."""
    parts = (project.read_bytes(), version.encode(), os.fsencode(environment))
    return hashlib.sha256(b"\0".join(parts)).hexdigest()


def python_of(environment: Path) -> Path:
    """The environment's interpreter."""
    windows = environment / "Scripts" / "python.exe"
    return windows if os.name == "nt" else environment / "bin" / "python"


def works(python: Path) -> bool:
    """Whether the interpreter is there, starts, and is the version that runs this script."""
    if not python.exists():
        return False
    code = "import sys, pip; print(*sys.version_info[:2])"
    found = subprocess.run([str(python), "-c", code], capture_output=True, text=True, check=False)
    return found.stdout.split() == [str(n) for n in sys.version_info[:2]]


def run(title: str, arguments: list[str]) -> int:
    """Run the environment's Python on the project, saying what it does."""
    print(f"==> {title}", flush=True)
    python = python_of(ROOT / ".venv")
    return subprocess.run([str(python), *arguments], cwd=ROOT, check=False).returncode


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        print("\nStopped.")
        sys.exit(130)
