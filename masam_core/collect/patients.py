"""Patients without their names: a keyed digest, whose key never leaves the user's own folder."""

from __future__ import annotations

import hmac
import os
import re
import secrets
from pathlib import Path

from masam_core.catalog.store import models_dir
from masam_core.errors import ConfigError

_KEY_FILE = "collecting.key"
_DIGITS = 12  # hex: two of a million patients are alike once in 500 times, two of a thousand never


class Pseudonyms:
    """Names that say nothing to whoever has not this user's key, and are the same every time.

    The key lies in ``MASAM_HOME``, or the user's folder for application data, and is readable to
    its owner alone. It is not in the data set: whoever gets that can't try names out.

    Raises:
        ConfigError: the key can't be read or made.
    """

    def __init__(self) -> None:
        self._key = _key(models_dir().parent / _KEY_FILE)

    def of(self, *words: str) -> str:
        """A name of hexadecimal digits for words, e.g. a patient's ID."""
        text = "\0".join(words).encode("utf-8", "surrogatepass")
        return hmac.new(self._key, text, "sha256").hexdigest()[:_DIGITS]


def patient_of_dicom(path: Path) -> str:
    """The patient's ID in a DICOM file, or in the first one of a folder; empty where there is none.

    Args:
        path: of an image.
    """
    from pydicom import dcmread
    from pydicom.errors import InvalidDicomError

    files = sorted(p for p in path.iterdir() if p.is_file())[:8] if path.is_dir() else [path]
    for file in files:
        try:
            found = dcmread(file, stop_before_pixels=True, specific_tags=["PatientID"])
        except (InvalidDicomError, OSError, ValueError, EOFError, KeyError, TypeError):
            continue
        said = str(found.get("PatientID", "") or "").strip()
        if said:
            return said
    return ""


def _key(path: Path) -> bytes:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            number = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        except FileExistsError:
            text = path.read_text("ascii").strip()
        else:
            text = secrets.token_hex(32)
            with os.fdopen(number, "w", encoding="ascii") as file:
                file.write(text + "\n")
    except (OSError, ValueError) as error:
        raise ConfigError(f"{path} can't be read or made: {error}.") from error
    if not re.fullmatch(r"[0-9a-f]{64}", text):
        raise ConfigError(
            f"{path} is damaged: it should hold 64 hexadecimal digits. Move it away; patients will "
            "get other names, so collect into a new folder then."
        )
    return bytes.fromhex(text)
