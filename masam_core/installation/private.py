"""Taking the names of people and machines out of a text that is to be sent to others."""

from __future__ import annotations

import getpass
import platform
import re
from pathlib import Path

HOME, USER, HOST = "~", "(user)", "(host)"
SHORTEST = 3  # letters of a name that is looked for: a shorter one is part of too many words
# Home folders of the usual systems, also of another machine; a Windows name may hold spaces.
_HOMES = re.compile(
    r"[A-Za-z]:[\\/]Users[\\/][^\\/:*?\"<>|\r\n]+(?=[\\/])"
    r"|[A-Za-z]:[\\/]Users[\\/][^\\/:*?\"<>|\s]+"
    r"|/(?:home|Users)/[^/\s:;,\"')]+"
)
_ACCOUNT = re.compile(r"[\w.+-]+@[\w.-]+")


def private(text: str) -> str:
    """Shorten home folders to ``~``, and leave out the names of the user and of this machine."""
    for home in sorted(_own_homes(), key=len, reverse=True):
        text = re.sub(re.escape(home) + r"(?![\w.-])", HOME, text)
    text = _HOMES.sub(HOME, text)
    text = _ACCOUNT.sub(f"{USER}@{HOST}", text)
    user = _user()
    if len(user) >= SHORTEST:  # only in paths: a name may be an everyday word
        text = re.sub(rf"(?<=[\\/]){re.escape(user)}(?![\w.-])", USER, text)
    for host in (platform.node(), platform.node().split(".")[0]):  # the longer one first
        if len(host) >= SHORTEST and host != "localhost":
            text = re.sub(rf"(?<![\w.-]){re.escape(host)}(?![\w-])", HOST, text)
    return text


def _own_homes() -> set[str]:
    try:
        home = Path.home()
    except RuntimeError:  # an account without one
        return set()
    found = {str(home), home.as_posix(), str(home.resolve())}
    return {name for name in found if len(name) > len(home.anchor)}


def _user() -> str:
    try:
        return getpass.getuser()
    except (ImportError, KeyError, OSError):  # an account without a name
        return ""
