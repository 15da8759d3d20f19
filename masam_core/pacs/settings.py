"""Settings of a PACS: where it is and how it is asked. The file may hold secrets."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import platformdirs

from masam_core.errors import ConfigError
from masam_core.jsonfile import read_json
from masam_core.schema import check

FILE = "pacs.json"
HIDDEN = "(hidden)"
_LONGEST_TITLE = 16  # characters of an AE title (DICOM PS3.5, 6.2)
EXAMPLE = """{
  "dicomweb": {"url": "https://pacs.hospital.example/dicom-web", "token": "..."},
  "dimse": {"host": "pacs.hospital.example", "port": 104, "ae_title": "PACS",
            "own_ae_title": "MASAM"}
}"""


@dataclass(frozen=True)
class DicomWeb:
    """A DICOMweb service (PS3.18).

    Attributes:
        url: under which ``/studies`` lies.
        token: sent as ``Authorization: Bearer``.
        user, password: sent as HTTP's basic authentication, where there is no token.
        ca_file: certificates (PEM) of the hospital's own authority; None takes the usual ones.
        verify_tls: False takes any certificate, and so anybody who answers.
    """

    url: str
    token: str = field(default="", repr=False)
    user: str = ""
    password: str = field(default="", repr=False)
    ca_file: Path | None = None
    verify_tls: bool = True


@dataclass(frozen=True)
class Dimse:
    """A PACS on DICOM's own network (PS3.7, PS3.8).

    Attributes:
        host, port: of the PACS.
        ae_title: of the PACS.
        own_ae_title: by which the PACS knows this program.
        tls: encrypt, and check the certificate of the PACS.
        ca_file: as for :class:`DicomWeb`.
        certificate, key: PEM files by which this program shows who it is, where the PACS asks.
    """

    host: str
    ae_title: str
    port: int = 104
    own_ae_title: str = "MASAM"
    tls: bool = False
    ca_file: Path | None = None
    certificate: Path | None = None
    key: Path | None = None


@dataclass(frozen=True)
class Listener:
    """The place at which ``masam watch`` waits for images.

    Attributes:
        ae_title: by which others call it.
        host: address to listen at; ``0.0.0.0`` is every one of this machine.
        port: to listen at; 0 takes a free one.
        callers: AE titles that may send; empty lets everybody send who reaches the port.
    """

    ae_title: str = "MASAM"
    host: str = "127.0.0.1"
    port: int = 11112
    callers: tuple[str, ...] = ()


@dataclass(frozen=True)
class PacsSettings:
    """The settings file.

    Attributes:
        dicomweb, dimse: ways to the PACS; at least one. The first is preferred.
        listener: of ``masam watch``.
        timeout_s: seconds after which an answer is no longer waited for.
        path: of the file.
        warnings: sentences for the user, on rights and on secrets that travel in the open.
    """

    dicomweb: DicomWeb | None = None
    dimse: Dimse | None = None
    listener: Listener = field(default_factory=Listener)
    timeout_s: float = 30.0
    path: Path | None = None
    warnings: tuple[str, ...] = ()

    def shown(self) -> dict[str, Any]:
        """What the file holds, for people: secrets are replaced by a word."""
        out: dict[str, Any] = {}
        for name in ("dicomweb", "dimse", "listener"):
            part = getattr(self, name)
            if part is None:
                continue
            for key, value in vars(part).items():
                if value in ("", None, ()):
                    continue
                if key in ("token", "password"):
                    value = HIDDEN
                elif key == "url":
                    value = without_secrets(value)
                elif isinstance(value, tuple):
                    value = ", ".join(value)
                out[f"{name}.{key}"] = str(value) if isinstance(value, Path) else value
        return {**out, "timeout_s": self.timeout_s}


@dataclass(frozen=True)
class _File:
    """The entries of the file, for ``masam_core.schema``."""

    dicomweb: DicomWeb | None = None
    dimse: Dimse | None = None
    listener: Listener | None = None
    timeout_s: float = 30.0


def settings_path() -> Path:
    """The user's own file: in ``MASAM_HOME``, else in the platform's folder for settings."""
    home = os.environ.get("MASAM_HOME")
    return (Path(home) if home else Path(platformdirs.user_config_dir("masam", False))) / FILE


def read_settings(path: Path | None = None) -> PacsSettings:
    """Read the settings.

    Args:
        path: of the file (JSON); None is :func:`settings_path`. Paths in it are relative to it.

    Raises:
        ConfigError: no file, no JSON, an unknown entry, a value that makes no sense, or no way to
            the PACS; the message shows what a file looks like.
    """
    chosen = settings_path() if path is None else path
    if not chosen.is_file():
        raise ConfigError(
            f"There are no settings of a PACS at {chosen}. Expected a file like this:\n{EXAMPLE}"
        )
    values = read_json(chosen, "settings file of a PACS", most_bytes=1 << 20)
    if not isinstance(values, dict):
        raise ConfigError(f"{chosen}: expected entries by their names, like this:\n{EXAMPLE}")
    given = check(_File, values, str(chosen), chosen.absolute().parent)
    parts: dict[str, Any] = {}
    for name, kind in (("dicomweb", DicomWeb), ("dimse", Dimse), ("listener", Listener)):
        entries = given.get(name)
        if entries is None:
            continue
        try:
            parts[name] = kind(**entries)
        except TypeError as error:  # an entry without a default was left out
            needed = {"dicomweb": "url", "dimse": "host and ae_title"}[name]
            raise ConfigError(f"{chosen}: '{name}' needs {needed}.") from error
    if "dicomweb" not in parts and "dimse" not in parts:
        raise ConfigError(
            f"{chosen} names no way to the PACS: expected 'dicomweb' or 'dimse', like this:\n"
            f"{EXAMPLE}"
        )
    made = PacsSettings(
        **parts,
        timeout_s=given.get("timeout_s", PacsSettings.timeout_s),
        path=chosen,
    )
    _require_sense(made, chosen)
    return PacsSettings(**{**vars(made), "warnings": _warnings(made, chosen)})


def without_secrets(url: str) -> str:
    """An address without the user and password that somebody may have written into it."""
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()


def _require_sense(made: PacsSettings, path: Path) -> None:
    web, dimse, listener = made.dicomweb, made.dimse, made.listener
    if made.timeout_s <= 0:
        raise ConfigError(f"{path}: timeout_s is {made.timeout_s:g}; expected more than 0.")
    if web is not None:
        try:
            parts = urlsplit(web.url)
            port_fits = parts.port is None or parts.port > 0
        except ValueError:
            parts, port_fits = urlsplit(""), False
        if parts.scheme not in ("http", "https") or not parts.hostname or not port_fits:
            raise ConfigError(
                f"{path}: dicomweb.url is '{without_secrets(web.url) if parts.scheme else '...'}'; "
                "expected an address such as https://pacs.hospital.example/dicom-web."
            )
        if "@" in parts.netloc:
            raise ConfigError(
                f"{path}: dicomweb.url holds a user or a password; write them into the entries "
                "'user' and 'password'."
            )
        if web.token and web.user:
            raise ConfigError(f"{path}: dicomweb has a token and a user; expected one of them.")
    titles = {"listener.ae_title": listener.ae_title}
    titles |= {f"listener.callers[{n}]": title for n, title in enumerate(listener.callers)}
    ports = {"listener.port": (listener.port, 0)}
    if dimse is not None:
        titles |= {"dimse.ae_title": dimse.ae_title, "dimse.own_ae_title": dimse.own_ae_title}
        ports["dimse.port"] = (dimse.port, 1)
        if not dimse.host.strip():
            raise ConfigError(f"{path}: dimse.host is empty; expected the name of the PACS.")
        if (dimse.certificate is None) != (dimse.key is None):
            raise ConfigError(f"{path}: dimse.certificate and dimse.key go together.")
    for name, title in titles.items():
        fits = title.strip() and len(title) <= _LONGEST_TITLE and title.isascii()
        if not fits or not title.isprintable() or "\\" in title:
            raise ConfigError(
                f"{path}: {name} is '{title[:40]}'; expected 1 to {_LONGEST_TITLE} plain "
                "characters, as the PACS has it."
            )
    for name, (port, least) in ports.items():
        if not least <= port <= 65535:
            raise ConfigError(f"{path}: {name} is {port}; expected {least} to 65535.")
    for part in (web, dimse):
        for name in ("ca_file", "certificate", "key"):
            file = getattr(part, name, None)
            if file is not None and not file.is_file():
                raise ConfigError(f"{path}: there is no file {file} ({name}).")


def _warnings(made: PacsSettings, path: Path) -> tuple[str, ...]:
    found = []
    web, dimse = made.dicomweb, made.dimse
    secret = web is not None and bool(web.token or web.password)
    secret = secret or (dimse is not None and dimse.key is not None)
    if secret and sys.platform != "win32":
        mode = path.stat().st_mode
        if mode & 0o077:
            found.append(
                f"{path} holds a secret, and other users of this machine can read it. Keep it to "
                f"yourself: chmod 600 '{path}'"
            )
    if web is not None:
        parts = urlsplit(web.url)
        here = parts.hostname in ("localhost", "127.0.0.1", "::1")
        if parts.scheme == "http" and not here:
            what = "images and the token or password" if secret else "images"
            found.append(
                f"{without_secrets(web.url)} is not encrypted (http): {what} can be read on the "
                "way. Ask for an https address."
            )
        if not web.verify_tls:
            found.append(
                "The certificate of the PACS is not checked (verify_tls is false): anybody on the "
                "way could answer in its place. Name the hospital's authority in ca_file instead."
            )
    return tuple(found)
