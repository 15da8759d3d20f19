"""Writing a file so that readers see either the old one or the whole new one."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """A temporary path beside ``path`` that takes its place when the block ends well.

    It has the same name ending, since many writers choose their format by it. When the block
    raises, the temporary file is removed and ``path`` is left as it was.

    Raises:
        OSError: when the folder does not exist or cannot be written.
    """
    temporary = path.parent / f".{secrets.token_hex(8)}{''.join(path.suffixes[-2:])}"
    # Not tempfile, whose files are private to their owner: results are shared with colleagues.
    os.close(os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
    try:
        yield temporary
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
