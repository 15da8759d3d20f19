"""Python and the packages: whether they are there, and new enough."""

from __future__ import annotations

import importlib
import importlib.metadata
import importlib.util
import platform
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass

import masam_core
from masam_core.installation.finding import Finding, State

OLDEST_PYTHON = (3, 10)


@dataclass(frozen=True)
class Package:
    """A package that MASAM needs.

    Attributes:
        module: name to import.
        name: name to install.
        oldest: version that is enough.
        loads: whether to try that it loads; not where that would only try PyTorch once more.
    """

    module: str
    name: str
    oldest: str
    loads: bool = True


NUMPY = Package("numpy", "numpy", "1.26")
SIMPLEITK = Package("SimpleITK", "SimpleITK", "2.3")
MSGPACK = Package("msgpack", "msgpack", "1.0")
TORCH = Package("torch", "torch", "2.4")
TORCHVISION = Package("torchvision", "torchvision", "0.19")
FOR_PROGRAM = (NUMPY, SIMPLEITK, MSGPACK)
# PyTorch has a check of its own.
FOR_WORKER = (
    *FOR_PROGRAM,
    Package("safetensors", "safetensors", "0.4.3"),
    Package("pydicom", "pydicom", "2.4"),
    Package("platformdirs", "platformdirs", "4"),
)


def check_masam() -> Finding:
    """Say which version this is."""
    return Finding("MASAM", State.OK, f"{masam_core.__version__}")


def check_python() -> Finding:
    """Check Python's version, and that it is one of 64 bits."""
    bits = 64 if sys.maxsize > 2**32 else 32
    words = f"{platform.python_version()}, {bits} bit, {platform.platform(terse=True)}"
    if sys.version_info < OLDEST_PYTHON or bits != 64:
        oldest = ".".join(map(str, OLDEST_PYTHON))
        return Finding(
            "Python", State.PROBLEM, words, f"MASAM needs Python {oldest} or newer, of 64 bits."
        )
    return Finding("Python", State.OK, words)


def check_packages(needed: Sequence[Package]) -> Finding:
    """Check that packages can be imported and are new enough."""
    found, wrong, names = [], [], []
    for package in needed:
        try:
            version = version_of(package)
        except Exception as error:  # a broken package may raise anything
            wrong.append(f"{package.name} is there but does not load ({error})")
            names.append(package)
            continue
        if version is None:
            wrong.append(f"{package.name} is not installed")
            names.append(package)
        elif () < numbers_of(version) < numbers_of(package.oldest):
            wrong.append(f"{package.name} {version} is older than {package.oldest}")
            names.append(package)
        else:
            found.append(f"{package.name} {version}")
    if not wrong:
        return Finding("Packages", State.OK, ", ".join(found))
    return Finding("Packages", State.PROBLEM, "; ".join(wrong) + ".", how_to_install(names))


def how_to_install(packages: Sequence[Package]) -> str:
    """Say how packages are installed, in 3D Slicer and elsewhere."""
    words = " ".join(f'"{p.name}>={p.oldest}"' for p in packages)
    return (
        "In 3D Slicer press Install at the top of the MASAM panel; elsewhere: "
        f"python -m pip install {words}"
    )


def version_of(package: Package) -> str | None:
    """Version of an installed package; None where there is none. Raises what importing raises."""
    if importlib.util.find_spec(package.module) is None:
        return None
    module = importlib.import_module(package.module) if package.loads else None
    try:
        return importlib.metadata.version(package.name)
    except importlib.metadata.PackageNotFoundError:  # built into an application
        return str(getattr(module, "__version__", "(version unknown)"))


def numbers_of(version: str) -> tuple[int, ...]:
    """Numbers of a version, to compare: ``2.10`` is newer than ``2.9``; ``+cpu`` is dropped."""
    found = re.match(r"\d+(\.\d+)*", version)
    return tuple(int(n) for n in found[0].split(".")) if found else ()
