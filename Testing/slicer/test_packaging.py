"""What CMake installs is what is there."""

from __future__ import annotations

import re
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import SimpleITK as sitk


def listed(text: str, name: str) -> set[str]:
    found = re.search(rf"set\({name}\s+(.*?)\)", text, re.DOTALL)
    assert found is not None
    files = found[1].replace("${MODULE_NAME}", "MASAMSlicer").split()
    return set(files)


def test_every_file_of_the_module_is_listed_and_there(module_path: Path) -> None:
    text = (module_path / "CMakeLists.txt").read_text()
    scripts = {str(p.relative_to(module_path).as_posix()) for p in module_path.rglob("*.py")}
    resources = {
        str(p.relative_to(module_path).as_posix())
        for p in (module_path / "Resources").rglob("*")
        if p.is_file()
    }
    assert listed(text, "MODULE_PYTHON_SCRIPTS") == scripts
    assert listed(text, "MODULE_PYTHON_RESOURCES") == resources


def test_the_extension_contains_the_core_and_the_module(module_path: Path) -> None:
    text = (module_path.parent / "CMakeLists.txt").read_text()
    assert text.index("project(MASAM)") < text.index("find_package(Slicer REQUIRED)")
    for part in ("add_subdirectory(masam_core)", "add_subdirectory(MASAMSlicer)"):
        assert part in text
    assert 'EXTENSION_DEPENDS "PyTorch"' in text


def test_the_panel_has_every_widget_that_the_code_uses(module_path: Path) -> None:
    tree = ElementTree.parse(module_path / "Resources" / "UI" / "MASAMSlicer.ui")
    widgets = {w.attrib["name"]: w.attrib["class"] for w in tree.iter("widget")}
    code = (module_path / "MASAMSlicer.py").read_text()
    used = set(re.findall(r"self\.ui\.(\w+)", code))
    assert used
    assert used <= set(widgets)
    combos = {name for name, kind in widgets.items() if kind == "qMRMLNodeComboBox"}
    connected = {c.findtext("receiver") for c in tree.iter("connection")}
    assert connected == combos


def test_the_icon_is_a_square_of_128_pixels(module_path: Path) -> None:
    icon = sitk.ReadImage(str(module_path / "Resources" / "Icons" / "MASAMSlicer.png"))
    assert icon.GetSize() == (128, 128)


def test_the_modules_helpers_never_import_torch(module_path: Path) -> None:
    code = (
        "import sys; sys.path.insert(0, sys.argv[1]); from MASAMSlicerLib import command; "
        "command.makeCoreImportable(); import masam_core.roi; "
        "assert 'torch' not in sys.modules, 'torch was imported'"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(module_path)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
