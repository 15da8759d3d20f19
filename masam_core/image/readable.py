"""File names as they can be shown, written into any file and sent on."""

from __future__ import annotations

import unicodedata

_HALVES = range(0xDC80, 0xDD00)  # how Python keeps the bytes of a name that are no UTF-8
_TURNING = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def readable(text: object) -> str:
    """Text of one line without control characters and half characters.

    Bytes that are no UTF-8 are taken for letters of Windows' Latin alphabet (cp1252), as names from
    older systems have them; line breaks and tabs become spaces, and what else can't be shown, or
    turns the reading direction, becomes U+FFFD.
    """
    return "".join(_readable(character) for character in str(text))


def _readable(character: str) -> str:
    if character.isprintable():
        return character
    if ord(character) in _HALVES:
        letter = bytes([ord(character) - 0xDC00]).decode("cp1252", "replace")
        return letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}"
    if character.isspace():
        return " " if unicodedata.category(character) in ("Cc", "Zl", "Zp") else character
    if unicodedata.category(character) == "Cf" and character not in _TURNING:
        return character  # joins letters, in Persian or Hindi
    return "\N{REPLACEMENT CHARACTER}"
