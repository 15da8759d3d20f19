"""The overlay's page: headline, a row of panels for each lesion, its measurements, a legend."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from masam_core.export.overlay.panel import (
    BACKGROUND,
    BOX_DASHES,
    EXPERT,
    INK,
    OUTLINE,
    QUIET,
    THIN,
    Scene,
    draw_panel,
)
from masam_core.export.overlay.planes import View, display_frame, lesion_view, planes_of
from masam_core.image.hounsfield import seen_values
from masam_core.image.intensity import Modality, intensity_unit
from masam_core.lesion.measurements.diameters import SIGN, diameters_text
from masam_core.lesion.terminology import lesion_color
from masam_core.prompts.boxes import BoxPrompt

if TYPE_CHECKING:
    from masam_core.image.volume import Volume
    from masam_core.lesion.lesion import Lesion

DPI = 120
PANEL, GAP, MARGIN, HEADER, CAPTION, FOOTER = 4.3, 0.07, 0.18, 0.58, 0.44, 0.46  # inches
WIDTH = 3 * PANEL + 2 * GAP + 2 * MARGIN
MOST_ROWS = 16
SPACE, MINUS, TIMES = "     ", "\N{MINUS SIGN}", " \N{MULTIPLICATION SIGN} "
CONTEXT, LEAST_MM = 1.9, 40.0
# Lowest and highest HU shown. Where half of what is seen of the patient is air, a lesion is looked
# at in the lung window.
SOFT_TISSUE, LUNG, LUNG_BELOW_HU = (-160.0, 240.0), (-1350.0, 150.0), -400.0
OUTSIDE_BELOW_HU = -960.0


def draw_figure(
    volume: Volume, lesions: Sequence[Lesion], expert: NDArray[np.bool_] | None, title: str
) -> Figure:
    """The page of ``masam_core.export.overlay.overlay.render_overlay``, with an Agg canvas."""
    frame = display_frame(volume.geometry)
    image = frame.to_canonical(volume.array)
    modality = volume.kind
    truth = None if expert is None else frame.to_canonical(np.asarray(expert, dtype=bool))
    colored = tuple(
        (lesion, lesion_color(n) if lesion.term is None else lesion.term.color)
        for n, lesion in enumerate(lesions)
    )
    shown = colored[:MOST_ROWS]

    height = HEADER + len(shown) * (PANEL + CAPTION) + FOOTER
    figure = Figure(figsize=(WIDTH, height), facecolor=BACKGROUND)
    canvas = FigureCanvasAgg(figure)

    def write(text: str, x: float, y: float, **style: Any) -> Any:
        """Text at x inches from the left and y inches from the top."""
        # Without mathematics, as which two dollar signs in a name would be set.
        return figure.text(x / WIDTH, 1 - y / height, text, va="center", parse_math=False, **style)

    write(shorten(title, 80), MARGIN, HEADER / 2, color=INK, fontsize=15)
    spacing = TIMES.join(f"{float(step):.2f}" for step in volume.geometry.spacing)
    about = [shorten(volume.name, 50)] if volume.name != title else []
    about += [modality] if modality != "other" else []
    write(
        SPACE.join([*about, f"{spacing} mm"]),
        WIDTH - MARGIN,
        HEADER / 2,
        color=QUIET,
        fontsize=9,
        ha="right",
    )
    for row, (lesion, color) in enumerate(shown):
        view = lesion_view(lesion, frame, CONTEXT, LEAST_MM)
        window = display_window(image, view, modality)
        scene = Scene(image, window, colored, truth)
        top = HEADER + row * (PANEL + CAPTION)
        planes = planes_of(frame, lesion.measurements.diameter_axis)
        for column, plane in enumerate(planes):
            left = MARGIN + column * (PANEL + GAP)
            place = (left / WIDTH, 1 - (top + PANEL) / height, PANEL / WIDTH, PANEL / height)
            axes = figure.add_axes(place)
            draw_panel(axes, scene, view, plane, lesion)
        line = top + PANEL + CAPTION / 2
        name = write(
            shorten(lesion.name, 50), MARGIN, line, color=color, fontsize=11, fontweight="bold"
        )
        after = name.get_window_extent(canvas.get_renderer()).x1 / figure.dpi + 0.18
        write(measurement_line(lesion, modality), after, line, color=INK, fontsize=11)
        shades = window_line(window, modality)
        write(shades, WIDTH - MARGIN, line, color=QUIET, fontsize=9, ha="right")

    figure.legend(
        handles=_legend(lesions, expert),
        loc="center left",
        bbox_to_anchor=(MARGIN / WIDTH, FOOTER / 2 / height),
        ncols=3,
        frameon=False,
        labelcolor=INK,
        fontsize=9,
        handlelength=2.2,
        borderpad=0,
        borderaxespad=0,
    )
    notes = [*sorted({lesion.model for lesion in lesions if lesion.model})]
    if len(shown) < len(lesions):
        notes.append(f"first {len(shown)} of {len(lesions)} lesions")
    notes.append("research use, not for clinical decisions")
    write(
        SPACE.join(notes), WIDTH - MARGIN, height - FOOTER / 2, color=QUIET, fontsize=9, ha="right"
    )
    return figure


def display_window(image: NDArray[Any], view: View, modality: Modality) -> tuple[float, float]:
    """Lowest and highest value shown, chosen for what the view contains.

    Without Hounsfield units, white is what is bright in the middle of the view, so that fat or
    skull at its edge does not leave the lesion grey.

    Args:
        image: (S, P, L) array.
        view: what is shown of it.
        modality: CT, MR or other.
    """
    values = _finite(image, view)
    if values.size == 0:
        return 0.0, 1.0
    if modality == "CT":
        # The air around a patient says nothing about the lesion; that in a lung does.
        patient = values[values > OUTSIDE_BELOW_HU]
        in_lung = patient.size > 0 and float(np.median(patient)) < LUNG_BELOW_HU
        return LUNG if in_lung else SOFT_TISSUE
    values = seen_values(values)
    middle = seen_values(_finite(image, replace(view, side=view.side / CONTEXT)))
    low = float(np.percentile(values, 0.5))
    high = low + 1.3 * (float(np.percentile(middle if middle.size else values, 97)) - low)
    return (low, high) if high > low else (low, low + 1.0)


def _finite(image: NDArray[Any], view: View) -> NDArray[np.float64]:
    values = np.asarray(image[tuple(view.voxels(axis) for axis in range(3))], dtype=np.float64)
    return values[np.isfinite(values)]


def window_line(window: tuple[float, float], modality: Modality) -> str:
    """The window as it is written on a viewing station (CT only: elsewhere it means nothing)."""
    low, high = window
    if modality != "CT":
        return ""
    return f"W {high - low:.0f}  L {(high + low) / 2:.0f} HU".replace("-", MINUS)


def measurement_line(lesion: Lesion, modality: Modality) -> str:
    """Size, intensity and confidence in one line."""
    found = lesion.measurements
    diameters = diameters_text(found, TIMES, "mm")
    if not diameters:
        return "nothing found in this box"
    parts = [volume_text(found.volume_ml), f"{SIGN} {diameters}"]
    if found.mean is not None and found.sd is not None:
        digits = 0 if modality == "CT" or found.sd >= 10 else 2
        unit = intensity_unit(modality)
        shown = f"mean {found.mean:.{digits}f} ± {found.sd:.{digits}f}"
        parts.append(f"{shown} {unit}" if unit else shown)
    if lesion.known_confidence is not None:
        parts.append(f"confidence {lesion.known_confidence:.0%}")
    elif lesion.cuts:
        parts.append(f"cut off by its box: {', '.join(cut.side.value for cut in lesion.cuts)}")
    elif lesion.term is not None:
        parts.append("confidence not known")
    return SPACE.join(parts).replace("-", MINUS)


def shorten(text: str, most: int) -> str:
    """Text on one line, of no more than ``most`` characters."""
    line = " ".join(text.split())
    return line if len(line) <= most else line[: most - 1].rstrip() + "\N{HORIZONTAL ELLIPSIS}"


def volume_text(millilitres: float) -> str:
    """A volume with three digits, and millilitres never as a power of ten."""
    digits = 0 if millilitres >= 100 else 1 if millilitres >= 10 else 2
    return f"{millilitres:.{digits}f} ml" if millilitres >= 0.01 else f"{millilitres:.4f} ml"


def _box_label(lesions: Sequence[Lesion]) -> str:
    """What the boxes are: drawn by the user, or found around the lesion (of a line, a click, a
    whole volume)."""
    drawn = [
        lesion.term is None
        if lesion.prompts is None
        else isinstance(lesion.prompts.first, BoxPrompt) and not lesion.prompts.started_from_mask
        for lesion in lesions
    ]
    if all(drawn):
        return "Box prompt"
    return "Box prompt, or box found" if any(drawn) else "Box found"


def _legend(lesions: Sequence[Lesion], expert: NDArray[np.bool_] | None) -> list[Line2D]:
    found_label = "MASAM" if len(lesions) == 1 else "MASAM, in the colour of the name"
    handles = [
        Line2D([], [], color=lesion_color(0), linewidth=OUTLINE, label=found_label),
        Line2D([], [], color=INK, linewidth=THIN, linestyle=BOX_DASHES, label=_box_label(lesions)),
    ]
    if expert is not None:
        found = np.zeros(expert.shape, dtype=bool)
        for lesion in lesions:
            found[lesion.slices_kji()] |= lesion.mask
        voxel_ml = lesions[0].geometry.voxel_volume_mm3 / 1000
        total = np.count_nonzero(expert)
        both = 2 * np.count_nonzero(found & expert.astype(bool))
        dice = both / max(int(total + np.count_nonzero(found)), 1)
        label = f"Expert, {volume_text(total * voxel_ml)} (Dice {dice:.2f})"
        handles.append(Line2D([], [], color=EXPERT, linewidth=THIN, label=label))
    return handles
