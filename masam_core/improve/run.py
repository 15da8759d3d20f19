"""The whole way, told as events for programs: gather, train, compare, and wait for a word."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from masam_core.collect.run import collect
from masam_core.errors import Cancelled, ConfigError, MasamError
from masam_core.image.readable import readable
from masam_core.improve.spec import ImproveSpec

Say = Callable[[dict[str, Any]], None]
OWN_RUN = "adapted"  # folder in the data
PRESET = "adapt"
_GATHERED = 0.05  # share of the bar
# Import name to what pip installs.
PACKAGES = {
    "lightning_fabric": "lightning-fabric>=2.4",
    "scipy": "scipy>=1.11",
    "torchvision": "torchvision>=0.19",
    "yaml": "pyyaml>=6",
}


def improve(spec: ImproveSpec, say: Say, cancelled: Callable[[], bool]) -> bool:
    """Gather the cases, train on from the model, and compare old and new.

    Args:
        spec: what is asked for.
        say: called with ``event`` and its fields: ``progress`` (fraction, text), ``note``
            (message), and at last ``outcome`` (columns, rows, verdict, about, note, better,
            changed, model) or ``cancelled``.
        cancelled: asked between cases and steps.

    Returns:
        Whether there is an outcome.

    Raises:
        MasamError: it can't be done.
    """

    def tell(fraction: float, words: str) -> None:
        if cancelled():
            raise Cancelled("stopped")
        say({"event": "progress", "fraction": fraction, "text": words})

    def note(message: str) -> None:
        say({"event": "note", "message": readable(message)})

    try:
        require_packages()
        found = collect(
            spec.sources,
            spec.data,
            spec.everything,
            progress=lambda share, words: tell(_GATHERED * share, words),
            newest=spec.newest,
        )
        for each in found.left_out:
            note(f"Left out: {each.what}: {each.why}")
        note(found.summary)
        _adapt(spec, say, note, tell)
    except Cancelled:
        say({"event": "cancelled"})
        return False
    return True


def require_packages() -> None:
    """Say which packages are missing for training, and how to get them.

    Raises:
        ConfigError: some are.
    """
    from importlib.util import find_spec

    missing = [pip for name, pip in PACKAGES.items() if find_spec(name) is None]
    if missing:
        raise ConfigError(
            "Training needs packages that are not installed here. In 3D Slicer, type in its Python "
            f"console: slicer.util.pip_install({' '.join(missing)!r}); elsewhere: pip install "
            "'masam[train]'."
        )


def _adapt(
    spec: ImproveSpec,
    say: Say,
    note: Callable[[str], None],
    tell: Callable[[float, str], None],
) -> None:
    from masam_core.training.adapting.outcome import COLUMNS, NOTE
    from masam_core.training.adapting.run import adapt
    from masam_core.training.presets import preset
    from masam_core.training.settings import build_config
    from masam_core.training.starting import start_layer

    own: dict[str, Any] = {
        "data": spec.data,
        "out": spec.data / OWN_RUN,
        "accelerator": spec.device if spec.device in ("cpu", "cuda") else "auto",
    }
    own |= {name: getattr(spec, name) for name in ("minutes", "steps") if getattr(spec, name)}
    config = build_config(start_layer(spec.model, spec.base), preset(PRESET), own)
    outcome = adapt(config, note, lambda f, words: tell(_GATHERED + (1 - _GATHERED) * f, words))
    say(
        {
            "event": "outcome",
            "columns": list(COLUMNS),
            "rows": [list(row) for row in outcome.rows()],
            "verdict": outcome.verdict,
            "about": outcome.about(),
            "note": NOTE,
            "better": outcome.better,
            "changed": outcome.changed,
            "model": str(outcome.model),
        }
    )


def keep(model: str, wanted: str, say: Say) -> None:
    """Keep a new model among the user's own, and say ``kept`` (name, path) or ``error``."""
    from pathlib import Path

    from masam_core.training.adapting.keep import free_name, keep_model

    try:
        kept = keep_model(Path(model), free_name(wanted))
    except MasamError as error:
        say({"event": "error", "message": readable(error)})
        return
    say({"event": "kept", "name": kept.name, "path": str(kept.path)})
