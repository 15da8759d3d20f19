"""What a PACS or the network between says, in a user's words."""

from __future__ import annotations

import socket
import ssl

from masam_core.errors import PacsError
from masam_core.pacs.records import Stored
from masam_core.pacs.settings import PacsSettings

# Statuses of C-STORE, C-FIND and C-GET (PS3.4, annexes B, C; PS3.7, annex C), which STOW-RS uses,
# too. The last digits vary by PACS where a range is given.
_EXACT = {
    0x0110: "it met an error of its own",
    0x0111: "it has a file of this unique id already",
    0x0112: "it does not know the object that was asked for",
    0x0122: "it does not take files of this kind",
    0x0124: "it does not allow this to us. Ask those who run the PACS to permit it",
    0x0211: "it does not know this request",
    0x0212: "it found the request wrong",
    0x0213: "it ran out of room or memory",
    0xA801: "it does not know where to send to",
    0xB000: "it changed some of the file's tags",
    0xB006: "it left out some of the file's tags",
    0xB007: "it found the file not quite as its kind prescribes",
}
_RANGES = (
    (0xA700, 0xA7FF, "it ran out of room or memory"),
    (0xA900, 0xA9FF, "the file is not of the kind that it says it is"),
    (0xC000, 0xCFFF, "it can't understand the file or the request"),
)
_THERE = 0x0111
_LATER = (0x0110, 0x0213)


class NotNow(PacsError):
    """A PACS that may do later what it does not do now.

    Attributes:
        worth_another_try: True.
    """

    worth_another_try = True


class Refused(PacsError):
    """A PACS that will not do it as long as nothing is changed.

    Attributes:
        worth_another_try: False.
    """

    worth_another_try = False


def of_status(status: int | None) -> str:
    """What a status means, as the end of ``the PACS says: ...``."""
    if status is None:
        return "it gave no reason"
    words = _EXACT.get(status)
    for low, high, range_words in _RANGES:
        if words is None and low <= status <= high:
            words = range_words
    return f"{words or 'it gave a reason that is not known here'} (status {status:04X})"


def of_failure(status: int | None) -> Stored:
    """What becomes of a file that was refused with a status."""
    if status == _THERE:  # e.g. sent before a break, which kept us from hearing of it
        return Stored(True, of_status(status))
    later = status in _LATER or (status is not None and 0xA700 <= status <= 0xA7FF)
    return Stored(False, f"The PACS refused it: {of_status(status)}.", later)


def in_words(error: Exception, pacs: str, what: str, settings: PacsSettings) -> PacsError:
    """An error of the network or of HTTP as one for people.

    Args:
        error: of requests, of the system, or of a library that did not understand the answer.
        pacs: which one, e.g. ``DICOMweb at https://...``.
        what: was being done, e.g. ``the search``.
        settings: of the user.
    """
    import requests

    where = f" ({settings.path})" if settings.path else ""
    code = getattr(getattr(error, "response", None), "status_code", None)
    if isinstance(error, requests.HTTPError) and code is not None:
        return _of_code(code, pacs, what, where)
    chain = _chain(error)
    if isinstance(error, requests.exceptions.InvalidURL | requests.exceptions.InvalidHeader):
        return Refused(f"{pacs}: the address or the token is not one that can be used{where}.")
    for cause in chain:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return Refused(
                f"{pacs} shows a certificate that can't be trusted "
                f"({cause.verify_message or 'it is not valid'}). Nothing was sent. If the hospital "
                f"has an authority of its own, name its file in 'ca_file'{where}."
            )
    if any(isinstance(c, ssl.SSLError | requests.exceptions.SSLError) for c in chain):
        return NotNow(
            f"{pacs}: no encrypted connection came about. Perhaps the address or its port is one "
            f"without encryption{where}."
        )
    if any(isinstance(c, requests.Timeout | TimeoutError) for c in chain):
        return NotNow(
            f"{pacs} did not answer within {settings.timeout_s:g} s ({what}). It may be busy, or "
            f"the address may be wrong; 'timeout_s' sets how long is waited{where}."
        )
    if any(isinstance(c, socket.gaierror) for c in chain) or "resolve" in str(error).lower():
        return NotNow(f"{pacs}: there is no machine of this name. Check the address{where}.")
    if any(isinstance(c, ConnectionRefusedError) for c in chain):
        return NotNow(
            f"{pacs}: nobody answers there. The PACS may be off, or the port is another one{where}."
        )
    if isinstance(error, requests.RequestException | OSError) and not isinstance(error, ValueError):
        return NotNow(
            f"{pacs}: the connection broke ({what}). What came until then is kept; try again."
        )
    return NotNow(
        f"{pacs} gave an answer that is no DICOM ({what}). Check that the address is that of "
        f"DICOMweb, not of a page{where}."
    )


def _of_code(code: int, pacs: str, what: str, where: str) -> PacsError:
    if code == 401:
        return Refused(f"{pacs} does not know us: the token or the password is wrong{where}.")
    if code == 403:
        return Refused(f"{pacs} does not allow {what} to this token or user (answer 403).")
    if code == 404:
        return Refused(
            f"{pacs} has nothing at this address (answer 404, {what}). Check the address{where}; "
            "what was asked for may also have been deleted."
        )
    if code in (413, 507):
        return Refused(f"{pacs} has no room for this (answer {code}).")
    if code == 429 or code >= 500:
        return NotNow(f"{pacs} can't do it now (answer {code}, {what}). Try again later.")
    return Refused(f"{pacs} refused {what} (answer {code}).")


def _chain(error: BaseException) -> list[BaseException]:
    """An error, those that it was raised from, and those that urllib3 hides in ``args``."""
    found: list[BaseException] = []
    waiting: list[BaseException | None] = [error]
    while waiting:
        one = waiting.pop()
        if one is None or one in found:
            continue
        found.append(one)
        waiting += [one.__cause__, one.__context__]
        hidden = [getattr(one, "reason", None), *one.args]
        waiting += [part for part in hidden if isinstance(part, BaseException)]
    return found
