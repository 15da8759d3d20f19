"""Messages as a reader of images can use them: nothing of the machine's insides."""

from __future__ import annotations

import logging
import os
import re
import tempfile
from pathlib import Path

from masam_core.errors import MasamError

UNFORESEEN = "Something unforeseen happened; nothing was changed. Try again."
# What libraries put before their words, and the ids by which lesions and nodes are known here.
_LIBRARY = re.compile(r"\b(?:sitk::ERROR|itk::ERROR|ITK ERROR|ERROR)\s*:\s*")
_PLACE = re.compile(r"/[\w./+-]+\.(?:cxx|cpp|hxx|h|py)(?::\d+)?:?\s*")
_ADDRESS = re.compile(r"\(?\b0x[0-9a-fA-F]{6,16}\)?:?\s*")
_ID = re.compile(r"\b[0-9a-f]{12}: ")
_REST_OF_A_PATH = r"[\w./\\+-]*?([\w.+-]*)(?=[^\w./\\+-]|$)"  # its last name is kept
_IDS = re.compile(r"'?\b(?=[0-9a-f]*\d)(?=[0-9a-f]*[a-f])[0-9a-f]{12}\b'?")

log = logging.getLogger("masam.workbench")


def wordsOf(error: Exception) -> str:
    """An error in the user's words; what nobody foresaw goes to the log, with its place."""
    if isinstance(error, (MasamError, ValueError)) and str(error):
        return str(error)
    log.error("Unforeseen: %s", type(error).__name__, exc_info=error)
    return UNFORESEEN


def plain(text: str, folder: Path) -> str:
    """A message without paths of the server, ids, and what libraries put before their words.

    Args:
        text: in lines.
        folder: of the tab.

    >>> plain("7c171168f415: This lesion is not in the scene any more.", Path("/x"))
    'This lesion is not in the scene any more.'
    >>> plain("The image: sitk::ERROR: Unable to read /tmp/tab/a/1.nii", Path("/tmp/tab"))
    'The image: Unable to read 1.nii'
    """
    places = sorted({str(folder), tempfile.gettempdir(), os.path.expanduser("~")}, key=len)
    for place in reversed(places):
        if len(place) > 1:
            text = re.sub(
                re.escape(place) + r"[\w./\\+-]*?([\w.+-]*)(?=[^\w./\\+-]|$)", r"\1", text
            )
    for odd in (_LIBRARY, _PLACE, _ADDRESS, _ID):
        text = odd.sub("", text)
    return _IDS.sub("a lesion", text)
