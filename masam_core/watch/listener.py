"""The ear: takes what a PACS or a scanner sends (C-STORE), and says so only when it is kept."""

from __future__ import annotations

from collections.abc import Callable

from pynetdicom import AE, AllStoragePresentationContexts, evt
from pynetdicom.transport import ThreadedAssociationServer

from masam_core.errors import ConfigError, MasamError, PacsError
from masam_core.pacs.dimse import EVERY, VERIFICATION
from masam_core.pacs.settings import Listener as ListenerSettings
from masam_core.watch.shelf import NoRoom, Shelf

# Statuses of C-STORE (PS3.4, table B.2-1).
SUCCESS, NO_ROOM, NOT_UNDERSTOOD = 0x0000, 0xA700, 0xC000


class Listener:
    """A service class provider of storage.

    Args:
        settings: where it listens, and to whom.
        shelf: where what comes is kept.
        log: called with a sentence about what was not kept; nothing identifying.

    Attributes:
        port: at which it listens.

    Raises:
        ConfigError: the port is taken, or may not be used.
    """

    def __init__(
        self, settings: ListenerSettings, shelf: Shelf, log: Callable[[str], None]
    ) -> None:
        self._shelf, self._log = shelf, log
        entity = AE(settings.ae_title)
        entity.require_called_aet = True
        entity.require_calling_aet = list(settings.callers)
        entity.add_supported_context(VERIFICATION)
        for context in AllStoragePresentationContexts:
            entity.add_supported_context(context.abstract_syntax or "", EVERY)
        try:
            server = entity.start_server(
                (settings.host, settings.port),
                block=False,
                evt_handlers=[(evt.EVT_C_STORE, self._take)],
            )
        except OSError as error:
            raise ConfigError(
                f"Nothing can listen at {settings.host}, port {settings.port}: "
                f"{error.strerror or error}. Another program may have the port; choose another one "
                "in the settings ('listener.port')."
            ) from error
        assert isinstance(server, ThreadedAssociationServer)
        self._server = server
        self.port = int(server.server_address[1])

    def close(self) -> None:
        """Take nothing more; connections end."""
        self._server.shutdown()

    def _take(self, event: evt.Event) -> int:
        """One object: the sender may forget it only after SUCCESS."""
        try:
            self._shelf.take(event.encoded_dataset())
        except NoRoom as error:
            self._log(str(error))
            return NO_ROOM
        except PacsError as error:
            self._log(str(error))
            return NOT_UNDERSTOOD
        except (MasamError, OSError, MemoryError) as error:
            self._log(f"An object could not be kept: {error}")
            return NO_ROOM
        return SUCCESS
