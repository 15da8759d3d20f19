"""The worker's protocol: framed msgpack messages over stdin and stdout. Version 2.

A frame is 4 bytes ``MSAM``, the length of the body as an unsigned 32-bit little-endian number, and
the body: one msgpack map. The marker lets a reader find its way back after garbage.

Every request has ``type`` and ``id`` (a number of the sender's choice) and is answered by exactly
one final message with the same ``id``: of type ``ok`` or ``error`` (``code``, ``message``). Before
it, ``progress`` (``fraction``, ``text``) and ``lesion`` messages with that ``id`` may come.
Requests are answered in the order in which they came, ``cancel`` at once.

==============  =================================================================================
request         fields -> fields of the ``ok`` answer
==============  =================================================================================
hello           protocol -> protocol, version, pid, host
devices         -> devices: list of name, label, total_bytes, free_bytes (None where unknown)
models          -> models: list of name, purpose, licence, here, bytes, downloadable, how, and
                what ``describe_model`` answers
describe_model  model -> prompts, automatic, video: what it is for (None where its file does not
                say); classes: list of name, color (0 to 255), code, category, modifier (each a
                scheme, value and meaning, or None), context
load_model      model, base, device, precision, cache_bytes -> name, path, sha256, device,
                precision, backbone, threshold, and what ``describe_model`` answers
download_model  name -> path
verify_model    name -> matches (None where no digest is published), sha256
check           model, device -> findings: list of title, state, words, advice
put_volume      hash, shape (KJI), dtype, ijk_to_lps (16 numbers, row by row), modality, name
                -> known: whether the values need not be sent
volume_part     hash, offset (bytes), data -> complete: whether all values are there
segment         volume (hash), boxes: list of id, name, a first prompt (corners_ijk, 24 numbers,
                or prompt), corrections, mask (to begin with; it needs no prompt); options
                -> seconds, model, sha256, failed; before it one ``lesion`` a box, either with
                mask, confidence, measurements, messages, corners_ijk (24 numbers, of the box that
                was found or extended), cuts, looked_mm, or with code and error
refine          volume (hash), mask, record, corrections (new ones), corners_ijk, cuts, looked_mm,
                confidence, messages (as they were answered), painted and erased (masks of one
                place, or absent), options -> seconds, model, and the fields of a ``lesion``
automatic       volume (hash), classes (names; empty for all), options -> seconds, model, sha256,
                shape, offset (KJI, of the crop that holds all that was found), labels (uint8 of
                the crop, zlib-compressed), classes: list of value (in labels), term (as of
                ``describe_model``), voxels (0: not found), extent (first and
                one past the last index along k, j, i), confidence (NaN: not known),
                measurements, messages
measure         volume (hash), mask, slice_axis (0, 1, 2 or null), diameter_plane (a word)
                -> measurements
cancel          target: the id to cancel -> found
release         what: model, volumes, cache or all ->
shutdown        -> ; the worker ends
==============  =================================================================================

A mask is a map of ``shape`` (KJI), ``offset`` (KJI index of its first voxel in the volume) and
``bits`` (numpy's packbits of the flattened mask, zlib-compressed).

A prompt, the corrections (a list) and a record are maps as in ``masam_core.prompts.record``, with
positions in LPS mm; cuts are a list of side, area_mm2, certainty. ``refine`` changes nothing that
was answered before: it may be asked again from any earlier mask, which undoes what came after. For
a mask that the worker has given it still knows the probabilities; for another, as one touched up by
hand, the mask stands for them.

Keys are text; msgpack's extension types are refused. Values arrive in little-endian order, as
``dtype`` says.
"""

from __future__ import annotations

import struct
import zlib
from typing import Any

import msgpack
import numpy as np
from numpy.typing import NDArray

from masam_core.errors import MasamError
from masam_core.worker.measure_frame import ObjectEnd

PROTOCOL = 2
MARKER = b"MSAM"
HEADER = struct.Struct("<4sI")
MAX_BODY = 256 << 20
MAX_WORDS = 4000  # characters of an error's text
ODD_TEXT = "surrogateescape"  # bytes of a file's name that are no text pass as they are
PART_BYTES = 8 << 20  # of a volume's values in one message

Message = dict[str, Any]


class ProtocolError(MasamError):
    """Bytes or a message that the protocol does not know."""


def encode(message: Message) -> bytes:
    """One message as a frame.

    Raises:
        ProtocolError: a value that can't be sent, or a message of more than ``MAX_BODY`` bytes.
    """
    try:
        body = msgpack.packb(message, use_bin_type=True, unicode_errors=ODD_TEXT)
    except (TypeError, ValueError, OverflowError) as error:
        raise ProtocolError(f"A message can't be sent: {error}.") from error
    if len(body) > MAX_BODY:
        raise ProtocolError(f"A message of {len(body)} bytes is too large ({MAX_BODY} at most).")
    return HEADER.pack(MARKER, len(body)) + body


class Decoder:
    """Bytes in, messages out; garbage between frames is skipped and counted.

    A length may be wrong. One that is longer than the message is noticed as soon as the message is
    there, so that it swallows none of the frames behind it.

    Attributes:
        skipped: bytes thrown away because they belonged to no frame.
    """

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._end: ObjectEnd | None = None  # of the frame that is still coming
        self.skipped = 0

    def feed(self, data: bytes) -> list[Message | ProtocolError]:
        """Messages that are complete now; an error in the place of a frame that holds none."""
        self._buffer += data
        out: list[Message | ProtocolError] = []
        while True:
            lost = self._seek()
            if lost:
                out.append(ProtocolError(f"{lost} bytes that belong to no frame were skipped."))
            if len(self._buffer) < HEADER.size:
                return out
            _, length = HEADER.unpack_from(self._buffer)
            if length > MAX_BODY:
                del self._buffer[: len(MARKER)]
                self.skipped += len(MARKER)
                out.append(ProtocolError(f"A frame claims {length} bytes ({MAX_BODY} at most)."))
                continue
            end = HEADER.size + length
            # Also where all of its bytes are there: they may be those of frames behind it.
            wrong = self._wrong_length(length)
            if wrong is not None:
                out.append(wrong)
                continue
            if len(self._buffer) < end:
                return out
            self._end = None
            with memoryview(self._buffer) as view:  # a frame may be large: no copy of it
                out.append(_decode(view[HEADER.size : end]))
            del self._buffer[:end]

    def _wrong_length(self, length: int) -> ProtocolError | None:
        """Drop a frame whose message does not fill the length that it claims."""
        self._end = self._end or ObjectEnd()
        with memoryview(self._buffer) as view:
            self._end.walk(view[HEADER.size : HEADER.size + length])
        at, wrong = self._end.at, self._end.wrong
        ended = self._end.done and HEADER.size + at <= len(self._buffer)
        if not (wrong or at > length or (ended and at < length)):
            return None
        self._end = None
        # Where the message ends is known only if it was one.
        gone = len(MARKER) if wrong or at > length else HEADER.size + at
        del self._buffer[:gone]
        self.skipped += gone
        return ProtocolError(f"A frame claims {length} bytes, which is not its message's length.")

    def _seek(self) -> int:
        """Drop bytes up to the next marker, or to what may be the beginning of one."""
        at = self._buffer.find(MARKER)
        if at < 0:
            at = len(self._buffer)
            for length in range(1, len(MARKER)):
                if self._buffer.endswith(MARKER[:length]):
                    at = len(self._buffer) - length
        del self._buffer[:at]
        self.skipped += at
        return at


def _decode(body: memoryview) -> Message | ProtocolError:
    try:
        message = msgpack.unpackb(
            body,
            raw=False,
            strict_map_key=True,
            unicode_errors=ODD_TEXT,
            object_hook=_require_text_keys,
            ext_hook=_refuse_extension,
        )
    except Exception as error:  # msgpack has many, ValueError, UnicodeDecodeError, its own
        return ProtocolError(f"A frame holds no msgpack message ({type(error).__name__}).")
    if not isinstance(message, dict) or not isinstance(message.get("type"), str):
        return ProtocolError("A message must be a map with a 'type'.")
    return message


def _require_text_keys(fields: dict[Any, Any]) -> dict[Any, Any]:
    if not all(isinstance(key, str) for key in fields):
        raise ValueError("a key that is no text")
    return fields


def _refuse_extension(code: int, _data: bytes) -> Any:
    raise ValueError(f"a value of the unknown type {code}")


def pack_mask(mask: NDArray[np.bool_], offset_kji: tuple[int, int, int]) -> Message:
    """A mask (KJI crop) for a message."""
    bits = zlib.compress(np.packbits(mask, axis=None).tobytes(), level=1)
    return {"shape": list(mask.shape), "offset": [int(v) for v in offset_kji], "bits": bits}


def unpack_mask(
    packed: Any, within: tuple[int, ...]
) -> tuple[NDArray[np.bool_], tuple[int, int, int]]:
    """Mask (bool KJI crop) and its offset (KJI).

    Args:
        packed: as :func:`pack_mask` gives it.
        within: shape (KJI) of the volume in which the crop lies, so that a small message can't ask
            for all memory.

    Raises:
        ProtocolError: fields that are missing or don't belong together.
    """
    try:
        shape = tuple(int(n) for n in packed["shape"])
        k, j, i = (int(n) for n in packed["offset"])
        if len(shape) != 3 or min(shape) < 0:
            raise ValueError(f"shape {shape}")
        if any(o < 0 or o + n > w for o, n, w in zip((k, j, i), shape, within, strict=True)):
            raise ValueError(f"shape {shape} at {(k, j, i)} in a volume of {tuple(within)}")
        count = shape[0] * shape[1] * shape[2]
        inflater = zlib.decompressobj()
        raw = inflater.decompress(packed["bits"], max(1, -(-count // 8)))
        if len(raw) != -(-count // 8):
            raise ValueError(f"{len(raw)} bytes for {count} voxels")
        bits = np.unpackbits(np.frombuffer(raw, np.uint8), count=count)
    except (KeyError, TypeError, ValueError, zlib.error) as error:
        raise ProtocolError(f"A message holds no mask: {error}.") from error
    return bits.reshape(shape).astype(bool), (k, j, i)


def error_message(request_id: int | None, code: str, text: str) -> Message:
    """The final answer to a request that failed; ``id`` is None where none could be read.

    The text may repeat what came from outside: it is cut, and what is no text written out.
    """
    if len(text) > MAX_WORDS:
        text = f"{text[:MAX_WORDS]} ..."
    text = text.encode("utf-8", "backslashreplace").decode("utf-8")
    return {"type": "error", "id": request_id, "code": code, "message": text}
