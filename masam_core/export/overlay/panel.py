"""One panel of the overlay: a section with box, outlines, diameters, letters and scale bar."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.patches import Polygon
from matplotlib.patheffects import Normal, Stroke
from numpy.typing import NDArray

from masam_core.export.overlay.planes import (
    Plane,
    View,
    box_outline,
    canonical_crop,
    section,
    to_display_mm,
)
from masam_core.lesion.terminology import Color

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from masam_core.lesion.lesion import Lesion

BACKGROUND = "#0b0d10"
INK = "#e8eaed"
QUIET = "#8d949e"
EXPERT: Color = (1.0, 0.72, 0.30)
OUTLINE, THIN = 1.7, 1.0
BOX_DASHES = (0, (5, 4))
SCALE_BARS_MM = (1, 2, 5, 10, 20, 50, 100)


@dataclass(frozen=True, eq=False)
class Scene:
    """What all panels share.

    Attributes:
        image: the image as an (S, P, L) array.
        window: lowest and highest value shown.
        lesions: with their colours.
        expert: the expert's mask as an (S, P, L) array, or None.
    """

    image: NDArray[Any]
    window: tuple[float, float]
    lesions: tuple[tuple[Lesion, Color], ...]
    expert: NDArray[np.bool_] | None


def draw_panel(axes: Axes, scene: Scene, view: View, plane: Plane, lesion: Lesion) -> None:
    """Draw one section into empty axes; ``lesion`` is the one whose box and lines are drawn."""
    index = view.index[plane.normal]
    across, down = plane.horizontal, plane.vertical
    pixel = view.frame.spacing[across], view.frame.spacing[down]
    columns, rows = view.voxels(across), view.voxels(down)
    pixels = section(scene.image, plane, index)[rows, columns].astype(np.float32)
    edges = (
        (columns.start - 0.5) * pixel[0],
        (columns.stop - 0.5) * pixel[0],
        (rows.start - 0.5) * pixel[1],
        (rows.stop - 0.5) * pixel[1],
    )
    low, high = scene.window
    axes.imshow(
        np.nan_to_num(pixels, nan=low, posinf=high, neginf=low),
        cmap="gray",
        vmin=low,
        vmax=high,
        extent=edges,
        origin="lower",
        interpolation="bilinear",
        aspect="equal",
    )
    if scene.expert is not None:
        _contour(axes, section(scene.expert, plane, index), (0, 0), pixel, EXPERT, THIN)
    for other, color in scene.lesions:
        mask, offset = canonical_crop(other.mask, other.offset_kji, view.frame)
        inside = index - offset[plane.normal]
        if 0 <= inside < mask.shape[plane.normal]:
            start = offset[across], offset[down]
            _contour(axes, section(mask, plane, inside), start, pixel, color, OUTLINE)
    outline = box_outline(lesion.box, view.frame, plane, index)
    if outline is not None:
        axes.add_patch(
            Polygon(outline, fill=False, edgecolor=INK, linewidth=THIN, linestyle=BOX_DASHES)
        )
    _diameters(axes, view, plane, lesion)
    axes.set_xlim(view.bounds(across))
    axes.set_ylim(view.bounds(down) if plane.upwards else view.bounds(down)[::-1])
    axes.set(facecolor="black", xticks=[], yticks=[])
    axes.spines[:].set_visible(False)
    _letters(axes, plane, view.position(plane))
    _scale_bar(axes, view.side)


def _contour(
    axes: Axes,
    mask: NDArray[np.bool_],
    start: tuple[int, int],
    pixel: tuple[float, float],
    color: Color,
    width: float,
) -> None:
    """Outline a mask half-way between the centres of the voxels inside and outside of it."""
    if not mask.any():
        return
    # The rim closes outlines that reach the border of the crop or of the image.
    padded = np.pad(mask, 1).astype(np.float32)
    x = (np.arange(padded.shape[1]) - 1 + start[0]) * pixel[0]
    y = (np.arange(padded.shape[0]) - 1 + start[1]) * pixel[1]
    lines = axes.contour(x, y, padded, levels=[0.5], colors=[color], linewidths=width)
    lines.set_path_effects([Stroke(linewidth=width + 1.2, foreground=(0, 0, 0, 0.55)), Normal()])


def _diameters(axes: Axes, view: View, plane: Plane, lesion: Lesion) -> None:
    """The longest diameter and the chord across it, when they lie on this section."""
    found = lesion.measurements
    if (
        found.diameter_endpoints_lps is None
        or found.perpendicular_endpoints_lps is None
        or view.frame.axes[plane.normal] != found.diameter_axis
    ):
        return
    geometry = view.frame.geometry
    for ends, width in (
        (found.diameter_endpoints_lps, THIN),
        (found.perpendicular_endpoints_lps, THIN * 0.8),
    ):
        points = to_display_mm(geometry.ijk_from_lps(np.array(ends)), view.frame)
        axes.plot(
            points[:, plane.horizontal],
            points[:, plane.vertical],
            color=INK,
            linewidth=width,
            marker="o",
            markersize=2.6,
            markeredgewidth=0,
            path_effects=[Stroke(linewidth=width + 1.2, foreground=(0, 0, 0, 0.6)), Normal()],
        )


def _letters(axes: Axes, plane: Plane, position: str) -> None:
    halo = [Stroke(linewidth=2.2, foreground=(0, 0, 0, 0.7)), Normal()]
    left, right, top, bottom = plane.letters
    for text, x, y, across, down in (
        (left, 0.015, 0.5, "left", "center"),
        (right, 0.985, 0.5, "right", "center"),
        (top, 0.5, 0.985, "center", "top"),
        (bottom, 0.5, 0.015, "center", "bottom"),
        (f"{plane.name}   {position}", 0.02, 0.98, "left", "top"),
    ):
        axes.text(
            x,
            y,
            text,
            transform=axes.transAxes,
            ha=across,
            va=down,
            color=INK if len(text) > 1 else QUIET,
            fontsize=9,
            path_effects=halo,
        )


def _scale_bar(axes: Axes, side: float) -> None:
    length = max(bar for bar in SCALE_BARS_MM if bar <= max(side / 4, SCALE_BARS_MM[0]))
    label = f"{length // 10} cm" if length >= 10 else f"{length} mm"
    halo = [Stroke(linewidth=3.2, foreground=(0, 0, 0, 0.7)), Normal()]
    right, y = 0.965, 0.035
    axes.plot(
        [right - length / side, right],
        [y, y],
        transform=axes.transAxes,
        color=INK,
        linewidth=1.6,
        solid_capstyle="butt",
        path_effects=halo,
    )
    axes.text(
        right - length / side / 2,
        y + 0.012,
        label,
        transform=axes.transAxes,
        ha="center",
        va="bottom",
        color=INK,
        fontsize=8,
        path_effects=halo,
    )
