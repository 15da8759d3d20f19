"""Networks that OpenVINO has made ready, kept on this machine: the next start is spared the work.

OpenVINO has such a store of its own (``CACHE_DIR``), which takes what it finds: a byte that has
changed in the weights would be a wrong mask. Here each file holds a digest of what it is for and
of its content, is put in place whole, and is taken only from this user. Whatever is amiss with it,
the network is made ready anew; a folder that can't be written costs the time alone.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from masam_core.atomic import atomic_path
from masam_core.errors import WriteError
from masam_core.inference.runtimes.openvino_device import core, load_openvino

MOST_FILES = 12  # of some 100 MB at most: three models, or settings of one
ENDING = ".openvino"
_MAGIC = b"MASAM prepared 1"
_DIGEST_BYTES = 32
_SPARE = 10  # a disk with less than so many times the file's room is left alone


def prepared(
    identity: str, device: str, settings: Mapping[str, Any], prepare: Callable[[], Any]
) -> Any:
    """A network ready to compute: kept from an earlier start, else made ready and kept.

    Args:
        identity: of the network with its weights and shapes.
        device: OpenVINO's name; of others than the processor nothing is kept, because what is made
            for them hangs on their driver.
        settings: to compile with.
        prepare: makes it ready; called where nothing is kept.
    """
    folder = prepared_folder() if device == "CPU" else None
    if folder is None:
        return prepare()
    key = _key(identity, device, settings)
    path = folder / f"{key.hex()[:32]}{ENDING}"
    content = _read(path, key)
    if content is not None:
        with contextlib.suppress(RuntimeError, TypeError, ValueError):
            return core().import_model(content, device, dict(settings))
    network = prepare()
    _keep(path, key, network)
    return network


def prepared_folder() -> Path | None:
    """Folder that they lie in: ``MASAM_CACHE``, else one in ``MASAM_HOME``, else the platform's for
    what can be made again; None where nothing says where that is."""
    cache, home = os.environ.get("MASAM_CACHE"), os.environ.get("MASAM_HOME")
    if cache or home:
        return Path(cache) if cache else Path(str(home)) / "cache"
    try:
        import platformdirs
    except ImportError:  # 3D Slicer may lack it at first
        return None
    return Path(platformdirs.user_cache_dir("masam", False))


def _key(identity: str, device: str, settings: Mapping[str, Any]) -> bytes:
    """Digest of all that the result hangs on."""
    openvino = load_openvino()
    able = core().get_property(device, "OPTIMIZATION_CAPABILITIES")
    machine = core().get_property(device, "FULL_DEVICE_NAME")
    about = [identity, device, sorted(settings.items()), openvino.__version__, machine, list(able)]
    return hashlib.sha256(json.dumps(about).encode()).digest()


def _read(path: Path, key: bytes) -> bytes | None:
    """What was kept, or None where it is missing, damaged, another's, or another user's."""
    head = len(_MAGIC) + _DIGEST_BYTES
    try:
        with path.open("rb") as file:
            if hasattr(os, "getuid") and os.fstat(file.fileno()).st_uid != os.getuid():
                return None
            start = file.read(head)
            content = file.read()
        with contextlib.suppress(OSError):
            os.utime(path)  # used last
    except OSError:
        return None
    return content if start == _MAGIC + _digest(key, content) else None


def _keep(path: Path, key: bytes, network: Any) -> None:
    """Keep a network, if there is room; at most :data:`MOST_FILES`, those used last."""
    try:
        content = _bytes_of(network.export_model())
        path.parent.mkdir(parents=True, exist_ok=True)
        if shutil.disk_usage(path.parent).free < _SPARE * len(content):
            return
        with atomic_path(path, inside=False) as temporary, temporary.open("wb") as file:
            file.write(_MAGIC + _digest(key, content))
            file.write(content)
    except (OSError, RuntimeError, WriteError):
        return
    with contextlib.suppress(OSError):
        files = sorted(path.parent.glob(f"*{ENDING}"), key=lambda file: file.stat().st_mtime)
        for old in files[:-MOST_FILES]:
            old.unlink(missing_ok=True)


def _bytes_of(exported: Any) -> bytes:
    return exported.getvalue() if hasattr(exported, "getvalue") else bytes(exported)


def _digest(key: bytes, content: bytes) -> bytes:
    # Quicker than SHA-256 where the processor has no instructions for that.
    return hashlib.blake2b(content, digest_size=_DIGEST_BYTES, key=key).digest()
