"""Which way to the PACS is taken."""

from __future__ import annotations

from masam_core.errors import ConfigError
from masam_core.pacs.pacs import Pacs, Way
from masam_core.pacs.settings import PacsSettings


def ways_of(settings: PacsSettings) -> list[Way]:
    """The ways that the settings name, the preferred one first."""
    given = {Way.DICOMWEB: settings.dicomweb, Way.DIMSE: settings.dimse}
    return [way for way, part in given.items() if part is not None]


def open_pacs(settings: PacsSettings, way: Way | None = None) -> Pacs:
    """The PACS of the settings; nothing is sent yet.

    Args:
        settings: of the user.
        way: None takes the preferred one.

    Raises:
        ConfigError: a way that the settings do not name, or a package that is not installed.
    """
    there = ways_of(settings)
    chosen = there[0] if way is None else way
    if chosen not in there:
        raise ConfigError(f"{settings.path or 'The settings'} has no entry '{chosen.value}'.")
    package = {Way.DICOMWEB: "dicomweb-client", Way.DIMSE: "pynetdicom"}[chosen]
    try:
        if chosen is Way.DICOMWEB:
            from masam_core.pacs.dicomweb import DicomWebPacs

            return DicomWebPacs(settings)
        from masam_core.pacs.dimse import DimsePacs

        return DimsePacs(settings)
    except ImportError as error:
        raise ConfigError(missing(package)) from error


def missing(package: str) -> str:
    """A sentence on a package that is not installed."""
    return f"A PACS needs the Python package {package} (pip install 'masam[pacs]')."
