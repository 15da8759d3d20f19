"""A contact sheet of training samples, so that mistakes are seen before hours of training."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from masam_core.atomic import atomic_path
from masam_core.data.reading import read_cases
from masam_core.training.augment import build_augmentation
from masam_core.training.samples import Batch, draw_batch
from masam_core.training.settings import TrainConfig
from masam_core.training.train import load_sources, split_cases

COLUMNS, ROWS = 6, 5
OUTLINES = ("lime", "red", "cyan", "magenta", "orange", "dodgerblue", "yellow", "violet")


def write_preview(path: Path, config: TrainConfig, report: Callable[[str], None] = print) -> None:
    """Draw the first samples of a run: a slice in each channel, the outline of each class, the
    box.

    Args:
        path: PNG file.
        config: of the run; its cache is used and filled.
        report: called with what is being done.

    Raises:
        ConfigError: unusable data.
    """
    config.out.mkdir(parents=True, exist_ok=True)
    sources = load_sources(split_cases(read_cases(config.data), "train"), config, report)
    transform = build_augmentation(config.augmentation) if config.augment else None
    seeds = [(config.seed, 0, n) for n in range(COLUMNS * ROWS)]
    batch = draw_batch(sources, config.model, transform, config.prompts, seeds)
    with atomic_path(path) as temporary:
        draw_sheet(temporary, batch)


def draw_sheet(path: Path, batch: Batch) -> None:
    """Write up to ``COLUMNS * ROWS`` samples of a batch as a PNG."""
    from matplotlib.figure import Figure

    channels = batch.windows.shape[2] if batch.windows.dim() == 5 else 1
    count = min(len(batch.windows), COLUMNS * ROWS)
    figure = Figure(figsize=(2.0 * COLUMNS * channels, 2.0 * ROWS), layout="constrained")
    axes = figure.subplots(ROWS, COLUMNS * channels, squeeze=False).flat
    for axis in axes:
        axis.axis("off")
    for number in range(count):
        inside = batch.inside[number].nonzero().flatten()
        middle = int(inside[len(inside) // 2])
        window = batch.windows[number, middle]
        mask = batch.masks[number, middle]
        for channel, image in enumerate(window if channels > 1 else window[None]):
            axis = axes[number * channels + channel]
            axis.imshow(image.numpy(), cmap="gray", vmin=0, vmax=1)
            for value in mask.unique().tolist():
                if value:
                    colour = OUTLINES[(value - 1) % len(OUTLINES)]
                    axis.contour(mask.numpy() == value, [0.5], colors=colour, linewidths=1)
            if batch.prompt.boxes is not None:
                x0, y0, x1, y1 = batch.prompt.boxes[number, middle].tolist()
                axis.plot([x0, x1, x1, x0, x0], [y0, y0, y1, y1, y0], color="gold", linewidth=0.8)
    figure.savefig(path, format="png", dpi=70)
