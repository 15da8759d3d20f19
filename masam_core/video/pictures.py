"""Colour-coded label pictures, and indexed ones with a palette."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from masam_core.errors import VolumeError

Colour = tuple[int, int, int]  # red, green, blue, 0 to 255

# Of a frame's pixels: what compression or a slip of the pen leaves; it counts as background.
UNKNOWN_SHARE = 0.001


def open_picture(path: Path) -> Any:
    """A picture by Pillow, whose header was read.

    Raises:
        VolumeError: no picture, or Pillow is not installed.
    """
    image = _pillow()
    from PIL import UnidentifiedImageError

    try:
        return image.open(path)
    except (OSError, UnidentifiedImageError, image.DecompressionBombError) as error:
        raise VolumeError(f"{path} can't be read as a picture.") from error


def rgb_of(path: Path) -> NDArray[np.uint8]:
    """A picture's values (rows, columns, 3), red, green, blue.

    Raises:
        VolumeError: no picture, or a damaged one.
    """
    with open_picture(path) as picture:
        try:
            return np.asarray(picture.convert("RGB"), dtype=np.uint8)
        except (OSError, SyntaxError, ValueError) as error:
            raise VolumeError(f"{path} is damaged: {error}.") from error


def classes_of_colours(
    path: Path, colours: Mapping[int, Colour]
) -> tuple[NDArray[np.uint8], float]:
    """Class of each pixel of a colour-coded picture, and the share of pixels of no known colour.

    Args:
        path: the picture.
        colours: red, green and blue of each class.

    Returns:
        (rows, columns), unknown colours as 0; and their share.
    """
    values = rgb_of(path).astype(np.int32)
    code = (values[..., 0] << 16) | (values[..., 1] << 8) | values[..., 2]
    classes = np.zeros(code.shape, dtype=np.uint8)
    known = np.zeros(code.shape, dtype=bool)
    for value, (red, green, blue) in colours.items():
        here = code == (red << 16 | green << 8 | blue)
        classes[here] = value
        known |= here
    return classes, float(1 - known.mean())


def indexed(classes: NDArray[np.uint8], colours: Mapping[int, Colour]) -> Any:
    """A picture (Pillow, mode P) whose pixels are class numbers, shown in the classes' colours."""
    image = _pillow()
    palette = [0] * 768
    for value, colour in colours.items():
        palette[3 * value : 3 * value + 3] = colour
    picture = image.fromarray(classes).convert("L")
    picture.putpalette(palette)
    return picture


def class_numbers(path: Path) -> NDArray[np.uint8]:
    """Class of each pixel (rows, columns) of an indexed or grey picture.

    Raises:
        VolumeError: no picture, or one in colours, which has no class numbers.
    """
    with open_picture(path) as picture:
        if picture.mode not in ("P", "L", "1"):
            raise VolumeError(
                f"{path} is a picture in colours ({picture.mode}); expected class numbers, as an "
                "indexed or grey PNG."
            )
        try:
            return np.array(picture, dtype=np.uint8)
        except (OSError, SyntaxError, ValueError) as error:
            raise VolumeError(f"{path} is damaged: {error}.") from error


def _pillow() -> Any:
    try:
        from PIL import Image
    except ModuleNotFoundError as error:
        raise VolumeError(
            "Pictures and videos need the package 'pillow': pip install 'masam[video]'"
        ) from error
    return Image
