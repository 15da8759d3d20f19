"""The model's files: here, and whole."""

from __future__ import annotations

from pathlib import Path

from masam_core.catalog.bundled import (
    BASE,
    CORRECTOR,
    DELTA,
    OPENVINO,
    SHA256,
    bundled_corrector_path,
    bundled_model_path,
    bundled_openvino_path,
)
from masam_core.digest import sha256_of
from masam_core.errors import MasamError
from masam_core.installation.finding import Finding, State

TITLE = "Model file"
SHOWN = 12  # characters of a digest
FILES = (DELTA, BASE, CORRECTOR, OPENVINO)


def check_bundled() -> Finding:
    """Check the bundled model and the corrector against their digests."""
    try:
        folder = bundled_model_path().parent
        bundled_corrector_path()
        bundled_openvino_path()
    except MasamError as error:
        return Finding(TITLE, State.PROBLEM, str(error), "Install MASAM again.")
    wrong = [words for name in FILES if (words := damage(folder / name, SHA256[name]))]
    if wrong:
        return Finding(
            TITLE, State.PROBLEM, " ".join(wrong), "The file is damaged: install MASAM again."
        )
    size = sum((folder / name).stat().st_size for name in FILES) / 1e6
    return Finding(
        TITLE, State.OK, f"bundled, whole ({size:.1f} MB, sha256 {SHA256[DELTA][:SHOWN]}...)"
    )


def check_chosen(name: str) -> Finding:
    """Check a model other than the bundled one: of the catalogue by its digest.

    Args:
        name: of the catalogue, or the path of a weight file.
    """
    from masam_core.catalog.entries import ENTRIES
    from masam_core.catalog.resolve import resolve_model

    title = "Chosen model"
    shown = Path(name).name  # the folder may bear a name
    try:
        path = resolve_model(name)
    except MasamError as error:
        return Finding(title, State.PROBLEM, f"{shown}: {error}", "Choose the model 'bundled'.")
    expected = next((entry.sha256 for entry in ENTRIES if entry.name == name), None)
    if expected is None:
        words = f"{shown} (sha256 {sha256_of(path)[:SHOWN]}...); no digest is known to compare with"
        return Finding(title, State.OK, words)
    words = damage(path, expected)
    if words:
        return Finding(title, State.PROBLEM, words, "The file is damaged: download it again.")
    return Finding(title, State.OK, f"{shown}, whole (sha256 {expected[:SHOWN]}...)")


def damage(path: Path, expected: str) -> str:
    """Say how a file differs from its digest; empty where it does not."""
    digest = sha256_of(path)
    if digest == expected:
        return ""
    return (
        f"{path.name} has {path.stat().st_size:,} bytes and the sha256 {digest[:SHOWN]}..., "
        f"expected {expected[:SHOWN]}...."
    )
