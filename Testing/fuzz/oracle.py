"""What came of an injection: taken, refused in words, or a finding."""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
import time
import traceback
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from masam_core.errors import Cancelled, MasamError, plain
from Testing.fuzz.injection import Injection, Kind, Place

CANARY = b"<the canary of another file: fe61a9c27d03>"
CANARY_FILE = "canary.raw"  # in the folder above an injection's own
TAKEN, REFUSED = "taken", "refused"
LEAKED, LOST, HANG, CRASH, LEAK = "exceptions", "lost", "hangs", "crashes", "leaks"
MEMORY, WRONG, NAMELESS, SAID = "memory", "wrong", "nameless", "printed"
FINDINGS = (LEAKED, LOST, HANG, CRASH, LEAK, MEMORY, WRONG, NAMELESS, SAID)
MOST_WORDS = 4000  # characters of a message that a person will read


class Lost(AssertionError):
    """An older file is gone or changed, or a half one has taken its place."""


class Wrong(AssertionError):
    """The product made something of an injection that it should not."""


class Leaks(AssertionError):
    """Bytes of a file that the injection has no right to."""


@dataclass(frozen=True)
class Verdict:
    """What came of one injection.

    Attributes:
        outcome: TAKEN, REFUSED or one of FINDINGS.
        words: the product's, or what is wrong.
        key: findings of the same key have most likely the same cause.
        seconds: of the processor that it took.
    """

    outcome: str
    words: str = ""
    key: str = ""
    seconds: float = 0.0

    @property
    def is_finding(self) -> bool:
        """Whether something has to be mended."""
        return self.outcome in FINDINGS


def judge(kind: Kind, injection: Injection, place: Place) -> Verdict:
    """Hand an injection to the product, and say what came of it.

    Args:
        kind: of the injection.
        injection: laid out at ``place``.
        place: see :class:`Place`; CANARY_FILE lies above its folder.
    """
    before = _contents(place.folder)
    # Of the processor, not of the clock: a busy machine is slow, not wrong.
    began = time.process_time()
    with captured() as said:
        outcome, words, key, result = _attempt(kind, injection, place)
        seconds = time.process_time() - began
        if outcome == TAKEN and kind.differs is not None:
            place.phase("another reader")
            try:
                differs = kind.differs(place, injection, result)
            except Exception as error:  # the other reader's own
                differs = "" if not isinstance(error, AssertionError) else str(error)
            if differs:
                outcome, words, key = WRONG, differs, differs[:40]
    printed = said[0]
    if outcome in (TAKEN, REFUSED):
        if _contents(place.folder) != before:
            outcome, words, key = LOST, "the injection's own files were changed", "changed"
        elif any(CANARY in data for data in (printed, words.encode("utf-8", "replace"))):
            outcome, key = LEAK, "words"
        elif has_canary(result, place.results):
            outcome, words, key = LEAK, "the result holds bytes of another file", "result"
        elif b"Traceback" in printed or b"Something unforeseen" in printed:
            outcome, words, key = SAID, printed.decode("utf-8", "replace")[-2000:], _last(printed)
        elif seconds > kind.seconds:
            outcome, words, key = HANG, f"it took {seconds:.0f} s of the processor", "slow"
    return Verdict(outcome, words[:MOST_WORDS], f"{outcome}: {key}" if key else outcome, seconds)


def _attempt(kind: Kind, injection: Injection, place: Place) -> tuple[str, str, str, Any]:
    try:
        with bounded(kind.memory):
            return TAKEN, "", "", kind.act(place, injection)
    except (MasamError, Cancelled) as error:
        words = str(error)
        name = Path(injection.target).name
        if "memory" in words and "for this machine's" in words:
            return MEMORY, words, "claims", None
        if "Something unforeseen" in words:
            return LEAKED, words, words[:60], None
        names = [*Path(injection.target).parts, *(Path(other).name for other in injection.files)]
        if kind.names_target and not any(one in words for one in names):
            return NAMELESS, words, _where(error), None
        rest = words.replace(str(place.target), "").replace(name, "")
        if plain(rest) != rest:
            return SAID, f"control characters: {words!r}", _where(error), None
        if len(words) > MOST_WORDS:
            return SAID, f"{len(words)} characters: {words[:300]}", _where(error), None
        return REFUSED, words, "", None
    except MemoryError as error:
        return MEMORY, "MemoryError", _where(error), None
    except (Lost, Wrong, Leaks) as error:
        outcome = {Lost: LOST, Wrong: WRONG, Leaks: LEAK}[type(error)]
        return outcome, str(error), str(error)[:40], None
    except Exception as error:
        text = "".join(traceback.format_exception(error))
        return LEAKED, text[-3000:], f"{type(error).__name__} {_where(error)}", None


def _where(error: BaseException) -> str:
    """The product's innermost line from which an error came."""
    place = ""
    for frame in traceback.extract_tb(error.__traceback__):
        if "masam" in frame.filename.lower() and "Testing" not in frame.filename:
            place = f"{Path(frame.filename).name}:{frame.lineno}"
    return place


def _last(printed: bytes) -> str:
    lines = printed.decode("utf-8", "replace").strip().splitlines()
    return lines[-1][:60] if lines else ""


def _contents(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def has_canary(result: Any, results: Path) -> bool:
    """Whether bytes of the other file came back, in memory or in a file of the results."""
    array = getattr(result, "array", None)
    blocks = [array.tobytes()] if array is not None else []
    blocks += [path.read_bytes() for path in results.rglob("*") if path.is_file()]
    for block in blocks:
        # As numbers of 1, 2, 4 and 8 bytes, in either order.
        for width in (1, 2, 4, 8):
            swapped = b"".join(
                CANARY[at : at + width][::-1] for at in range(0, len(CANARY) - width, width)
            )[:16]
            if swapped in block:
                return True
    return False


@contextlib.contextmanager
def captured() -> Iterator[list[bytes]]:
    """Whatever is printed meanwhile, from Python or from C, in place of the first entry."""
    said = [b""]
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    kept = os.dup(1), os.dup(2)
    with tempfile.TemporaryFile() as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
        # Python's own streams may lead elsewhere, as in a test.
        with open(1, "w", closefd=False) as out, open(2, "w", closefd=False) as err:
            try:
                with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
                    yield said
            finally:
                out.flush()
                err.flush()
                for number, old in zip((1, 2), kept, strict=True):
                    os.dup2(old, number)
                    os.close(old)
        file.seek(0)
        said[0] = file.read(1 << 20)


@contextlib.contextmanager
def bounded(more: int) -> Iterator[None]:
    """Let the process take so many bytes more than it has; on Linux alone."""
    try:
        import resource

        pages = int(Path("/proc/self/statm").read_text().split()[0])
    except (ImportError, OSError):
        yield
        return
    old = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + more, old[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, old)
