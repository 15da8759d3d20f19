"""The rules of the Slicer Extensions Index that can be checked without a network.

python -m Testing.check_extension

It prints what is wrong (exit code 1), and what only whoever publishes the extension can fill in.
Rules: slicer-extension-catalog-entry-schema-v1.0.1 and the index's list for tier 1.
"""

from __future__ import annotations

import json
import re
import struct
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
SCHEMA = "slicer-extension-catalog-entry-schema-v1.0.1.json#"
FIELDS: dict[str, type] = {
    "$schema": str,
    "build_dependencies": list,
    "build_subdirectory": str,
    "category": str,
    "enabled": bool,
    "scm_revision": str,
    "scm_type": str,
    "scm_url": str,
    "tier": int,
}
REQUIRED = ("$schema", "category", "scm_url")
VARIABLES = (
    "EXTENSION_HOMEPAGE",
    "EXTENSION_CONTRIBUTORS",
    "EXTENSION_DESCRIPTION",
    "EXTENSION_ICONURL",
    "EXTENSION_SCREENSHOTURLS",
    "EXTENSION_DEPENDS",
)
LATER = ("EXTENSION_ICONURL", "EXTENSION_SCREENSHOTURLS")
ICON_SIZE = (128, 128)
LARGEST_FILE = 50 << 20


def check(root: Path = ROOT) -> tuple[list[str], list[str]]:
    """What is wrong, and what is to be filled in when the extension is published."""
    wrong: list[str] = []
    later: list[str] = []
    cmake = (root / "CMakeLists.txt").read_text("utf-8")
    name = _first(r"^project\((\w+)\)", cmake)
    _check_entry(root / "Resources" / "ExtensionsIndex" / f"{name}.json", cmake, wrong, later)
    _check_cmake(cmake, wrong, later)
    _check_files(root, name, wrong)
    return wrong, later


def _check_entry(path: Path, cmake: str, wrong: list[str], later: list[str]) -> None:
    if not path.is_file():
        wrong.append(f"{path.name} must be named like project() in CMakeLists.txt.")
        return
    entry: dict[str, Any] = json.loads(path.read_text("utf-8"))
    wrong += [
        f"{path.name}: '{key}' is no field of the schema." for key in set(entry) - set(FIELDS)
    ]
    wrong += [f"{path.name}: '{key}' is missing." for key in REQUIRED if key not in entry]
    for key, value in entry.items():
        kind = FIELDS.get(key, object)
        if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
            wrong.append(f"{path.name}: '{key}' must be {kind.__name__}.")
    if not str(entry.get("$schema", "")).endswith(SCHEMA):
        wrong.append(f"{path.name}: '$schema' must end in {SCHEMA}")
    if entry.get("tier") not in (1, 3, 5):
        wrong.append(f"{path.name}: 'tier' must be 1, 3 or 5.")
    if not entry.get("category"):
        wrong.append(f"{path.name}: 'category' is empty.")
    url = str(entry.get("scm_url", ""))
    if not url:
        later.append("scm_url: https address of the public repository")
    elif not url.startswith("https://"):
        wrong.append(f"{path.name}: 'scm_url' must begin with https://")
    depends = set(_value(cmake, "EXTENSION_DEPENDS").split())
    if set(entry.get("build_dependencies", [])) != depends:
        wrong.append(f"{path.name}: 'build_dependencies' and EXTENSION_DEPENDS differ.")


def _check_cmake(cmake: str, wrong: list[str], later: list[str]) -> None:
    for variable in VARIABLES:
        if f"set({variable} " not in cmake:
            wrong.append(f"CMakeLists.txt: {variable} is not set.")
        elif not _value(cmake, variable):
            target = later if variable in LATER else wrong
            target.append(f"{variable}: to be filled in")
    for word in ("EXTENSION_CATEGORY", "EXTENSION_STATUS"):
        if word in cmake:
            wrong.append(f"CMakeLists.txt: {word} belongs into the JSON, not here.")
    if not re.search(r"^cmake_minimum_required\(VERSION \d", cmake, re.MULTILINE):
        wrong.append("CMakeLists.txt: cmake_minimum_required is missing.")
    order = [
        "project(",
        "find_package(Slicer REQUIRED)",
        "include(${Slicer_USE_FILE})",
        "add_subdirectory(",
        "include(${Slicer_EXTENSION_GENERATE_CONFIG})",
        "include(${Slicer_EXTENSION_CPACK})",
    ]
    places = [cmake.find(text) for text in order]
    if -1 in places or places != sorted(places):
        wrong.append(f"CMakeLists.txt: expected in this order: {', '.join(order)}")
    description = _value(cmake, "EXTENSION_DESCRIPTION").lower()
    for word in ("license", "research"):
        if word not in description:
            wrong.append(f"EXTENSION_DESCRIPTION must speak of {word}.")


def _check_files(root: Path, name: str, wrong: list[str]) -> None:
    for file in ("LICENSE", "README.md"):
        if not (root / file).is_file():
            wrong.append(f"{file} is missing.")
    readme = (root / "README.md").read_text("utf-8")
    if "](Resources/Screenshots/" not in readme:
        wrong.append("README.md shows no screenshot.")
    for picture in re.findall(r"\]\((Resources/[^)]+\.png)\)", readme):
        if not (root / picture).is_file():
            wrong.append(f"README.md shows {picture}, which is not there.")
    icon = root / f"{name}Slicer" / "Resources" / "Icons" / f"{name}Slicer.png"
    if _png_size(icon) != ICON_SIZE:
        wrong.append(f"{icon.name} must be a PNG of {ICON_SIZE[0]} x {ICON_SIZE[1]} pixels.")
    for path in (root / "Resources").rglob("*"):
        if path.is_file() and path.stat().st_size > LARGEST_FILE:
            wrong.append(f"{path.name} is larger than {LARGEST_FILE >> 20} MB.")


def _png_size(path: Path) -> tuple[int, int]:
    """Width and height from the header (PNG specification, IHDR)."""
    head = path.read_bytes()[:24] if path.is_file() else b""
    if head[:8] != b"\x89PNG\r\n\x1a\n":
        return 0, 0
    width, height = struct.unpack(">II", head[16:24])
    return width, height


def _value(cmake: str, variable: str) -> str:
    return _first(rf'set\({variable} "([^"]*)"\)', cmake)


def _first(pattern: str, text: str) -> str:
    found = re.search(pattern, text, re.MULTILINE)
    return found[1] if found else ""


def main() -> int:
    """Print what was found."""
    wrong, later = check()
    for line in wrong:
        print(f"wrong: {line}")
    for line in later:
        print(f"when published: {line}")
    print("The rest is as the Extensions Index asks." if not wrong else f"{len(wrong)} wrong.")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
