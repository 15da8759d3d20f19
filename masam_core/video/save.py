"""Labels of a video on disk: an indexed PNG a frame, and a video in which they are coloured."""

from __future__ import annotations

import colorsys
import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from masam_core.atomic import atomic_path, checked, write_text
from masam_core.errors import SegmentationError
from masam_core.targets import require_folder
from masam_core.video.frames import FrameSequence
from masam_core.video.pictures import Colour, class_numbers, indexed

OPACITY, EDGE = 0.45, 0.9
LEGEND = "classes.json"  # in a folder of labels that we wrote: what its numbers mean


def class_colours(count: int) -> dict[int, Colour]:
    """A colour for each class 1 to ``count``, far from each other in hue; 0 is black."""
    colours = {0: (0, 0, 0)}
    for number in range(count):
        # Steps of the golden angle: neighbours in number differ most.
        hue = (0.33 + number * 0.381966) % 1.0
        red, green, blue = colorsys.hsv_to_rgb(hue, 0.85 if number % 2 else 0.65, 1.0)
        colours[number + 1] = (round(255 * red), round(255 * green), round(255 * blue))
    return colours


def require_own_folder(folder: Path, frames: FrameSequence) -> None:
    """Check that no label pictures are written over but those of an earlier run of ours.

    An expert's labels are called as the frames are, too.

    Raises:
        SegmentationError: others' pictures lie there.
    """
    if (folder / LEGEND).is_file():
        return
    taken = next((n for n in frames.names if (folder / f"{n}.png").exists()), None)
    if taken is not None:
        raise SegmentationError(
            f"{folder} holds {taken}.png already, and no {LEGEND} that would say that it is an "
            "earlier result. Choose another folder after -o."
        )


def write_legend(
    folder: Path, model: str, names: Mapping[int, str], colours: Mapping[int, Colour]
) -> None:
    """Write ``classes.json``: the model, and value, name and colour of each class.

    Raises:
        SegmentationError: it can't be written.
    """
    classes = [{"value": v, "name": n, "color": list(colours[v])} for v, n in names.items()]
    require_folder(folder, SegmentationError)
    text = json.dumps({"model": model, "classes": classes}, indent=1) + "\n"
    write_text(folder / LEGEND, text, SegmentationError)


def write_labels(
    folder: Path,
    frames: FrameSequence,
    labels: Iterable[tuple[int, NDArray[np.uint8]]],
    colours: dict[int, Colour],
) -> Iterator[tuple[int, NDArray[np.uint8]]]:
    """Write ``<frame>.png`` for each frame, class numbers with a palette, and hand them on.

    Raises:
        SegmentationError: a file can't be written.
    """
    require_folder(folder, SegmentationError)
    for index, classes in labels:
        with atomic_path(folder / f"{frames.names[index]}.png", SegmentationError) as temporary:
            indexed(classes, colours).save(temporary)
            checked(temporary, lambda p, c=classes: np.array_equal(class_numbers(p), c))  # type: ignore[misc]
        yield index, classes


def coloured(
    frame: NDArray[np.uint8], classes: NDArray[np.uint8], colours: dict[int, Colour]
) -> NDArray[np.uint8]:
    """A frame with its classes laid over it, their edges more strongly.

    Args:
        frame: (rows, columns, 3).
        classes: (rows, columns).
        colours: of each class; 0 stays as it is.
    """
    table = np.zeros((256, 3), dtype=np.float32)
    for value, colour in colours.items():
        table[value] = colour
    edge = np.zeros(classes.shape, dtype=bool)
    edge[:-1] |= classes[:-1] != classes[1:]
    edge[:, :-1] |= classes[:, :-1] != classes[:, 1:]
    share = np.where(edge, EDGE, OPACITY) * (classes > 0)
    mixed = frame * (1 - share[..., None]) + table[classes] * share[..., None]
    return np.clip(np.rint(mixed), 0, 255).astype(np.uint8)


def overlay(
    frames: FrameSequence,
    labels: Iterable[tuple[int, NDArray[np.uint8]]],
    colours: dict[int, Colour],
) -> Iterator[NDArray[np.uint8]]:
    """Each frame that has labels, with them laid over it."""
    for index, classes in labels:
        yield coloured(frames.frame(index), classes, colours)
