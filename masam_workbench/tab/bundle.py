"""A saved scene (.mrb) of unknown origin: unpacked, and looked through before Slicer reads it.

A scene file names the files of its nodes. Here they can be none but those of its own archive, and
of kinds that hold all their data themselves.
"""

from __future__ import annotations

import re
from pathlib import Path, PurePosixPath
from urllib.parse import unquote
from xml.etree import ElementTree

from masam_core.errors import VolumeError
from masam_core.image.archive import unpack
from masam_workbench.tab.hdf5 import LeadsElsewhere, requireWholeHdf5

MOST_XML = 32 << 20  # bytes of a scene's own file
MOST_HEADER = 1 << 20
# What Slicer writes into a scene; not those kinds that name further files (.mhd, .vtm, .hdr, ...).
KINDS = (
    *(".mrml", ".nrrd", ".nhdr", ".nii", ".nii.gz", ".png", ".jpg"),
    *(".mrk.json", ".json", ".fcsv", ".acsv", ".txt", ".csv", ".tsv", ".ctbl", ".xml"),
    *(".tfm", ".mat", ".h5", ".vtk", ".vtp", ".vtu", ".stl", ".ply", ".vp"),
)
IMAGE_KINDS = (".nrrd", ".nhdr", ".nii", ".nii.gz")
_NAMES_A_FILE = re.compile(r"^(fileName|fileListMember\d+)$")
_NAMES_AN_ADDRESS = re.compile(r"^uri(ListMember\d+)?$", re.IGNORECASE)
_DATA_FILE = re.compile(rb"^\s*data ?file\s*:", re.IGNORECASE | re.MULTILINE)
_ELSEWHERE = "it refers to files outside of itself"
_DAMAGED = "The scene can't be read: {reason}. Save it again in the workbench or in 3D Slicer."


def unpackScene(archive: Path, folder: Path) -> Path:
    """Unpack a scene bundle into a new folder.

    Args:
        archive: the .mrb file.
        folder: exists, and is empty.

    Returns:
        The scene's own file (.mrml).

    Raises:
        VolumeError: no scene, damaged, larger than the limits, or it names files of elsewhere.
    """
    scenes: list[Path] = []
    for file in unpack(archive, folder):
        _requireKind(file.name, KINDS)
        place = _place(folder / "scene", file.folder, file.name)
        place.parent.mkdir(parents=True, exist_ok=True)
        file.path.rename(place)
        if place.suffix.lower() == ".mrml":
            scenes.append(place)
    if len(scenes) != 1:
        reason = "it holds no scene" if not scenes else "it holds several scenes"
        raise VolumeError(_DAMAGED.format(reason=reason))
    requireOwnFiles(scenes[0])
    return scenes[0]


def requireOwnFiles(scene: Path) -> None:
    """Raise VolumeError where a scene names a file that does not lie beside it."""
    if scene.stat().st_size > MOST_XML:
        raise VolumeError(_DAMAGED.format(reason="its list of contents is too long"))
    text = scene.read_bytes()
    if b"<!" in text.replace(b"<!--", b""):  # entities could make it grow without end
        raise VolumeError(_DAMAGED.format(reason="it holds what no scene has"))
    try:
        root = ElementTree.fromstring(text)
    except ElementTree.ParseError as error:
        raise VolumeError(_DAMAGED.format(reason="its list of contents is damaged")) from error
    own = scene.parent.resolve()
    for element in root.iter():
        for name, value in element.attrib.items():
            if _NAMES_AN_ADDRESS.match(name) and value:
                raise VolumeError(_DAMAGED.format(reason="it refers to another server"))
            if _NAMES_A_FILE.match(name) and value and not _isBelow(own, unquote(value)):
                raise VolumeError(_DAMAGED.format(reason=_ELSEWHERE))
            if _NAMES_A_FILE.match(name) and value:
                image = "volume" in element.tag.lower() and "property" not in element.tag.lower()
                _requireKind(unquote(value), IMAGE_KINDS if image else KINDS)
    for path in own.rglob("*"):
        requireWholeNrrd(path)
        try:
            requireWholeHdf5(path)
        except LeadsElsewhere as error:
            raise VolumeError(_DAMAGED.format(reason=_ELSEWHERE)) from error


def requireWholeNrrd(path: Path) -> None:
    """Raise VolumeError for an NRRD header whose voxels lie in another file."""
    if not path.is_file() or not path.name.lower().endswith((".nrrd", ".nhdr")):
        return
    with path.open("rb") as file:
        start = file.read(MOST_HEADER)
    header = start.split(b"\n\n", 1)[0].split(b"\r\n\r\n", 1)[0]
    if len(header) == MOST_HEADER:  # what it names may come later
        raise VolumeError(_DAMAGED.format(reason="the header of an image in it is too long"))
    if _DATA_FILE.search(header):
        raise VolumeError(_DAMAGED.format(reason=_ELSEWHERE))


def _requireKind(name: str, kinds: tuple[str, ...]) -> None:
    """Raise VolumeError for a file of a kind that no scene of Slicer needs."""
    if not name.lower().endswith(kinds):
        kind = "".join(PurePosixPath(name).suffixes[-1:])[:12] or "without an ending"
        reason = f"it holds a file of a kind that is not opened here ({kind})"
        raise VolumeError(_DAMAGED.format(reason=reason))


def _place(folder: Path, inside: str, name: str) -> Path:
    """Path to which a file of an archive goes: its own, as far as that lies below the folder."""
    parts = [part for part in (*PurePosixPath(inside).parts, name) if part not in ("/", ".", "..")]
    if any("\\" in part or ":" in part or "\0" in part for part in parts):
        raise VolumeError(_DAMAGED.format(reason="a file in it has a name that can't be used"))
    return folder.joinpath(*parts)


def _isBelow(folder: Path, name: str) -> bool:
    if "\0" in name or re.match(r"^[A-Za-z][\w+.-]*:", name):  # an address, or a Windows drive
        return False
    try:
        return (folder / name).resolve().is_relative_to(folder)
    except (OSError, ValueError):
        return False
