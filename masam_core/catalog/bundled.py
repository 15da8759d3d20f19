"""Files that come with MASAM: the small model and the sample volumes."""

from __future__ import annotations

from pathlib import Path

from masam_core.errors import CheckpointError, VolumeError

PACKAGE = Path(__file__).resolve().parent.parent
DELTA = "masam_vit_s14_tumour.safetensors"
CORRECTOR = "masam_corrector.safetensors"
BASE = "vit_s14_base.safetensors"
OPENVINO = "masam_openvino.zip"
BUNDLED_BACKBONE = "vit_s14"
SHA256 = {
    DELTA: "5e440206662aeafe7355457ba0139bb0f726198937dfbb5539fd52cb4273b26f",
    CORRECTOR: "8903580c83feb54667d5bd83a4ea9351afb7f0ebd912704ca38a584c1c1289b8",
    OPENVINO: "a2abeec93fd0d4a990aaa3c4e45f24d4793b691f75cd4ae06bf6643aaae32a0d",
    BASE: "0529ae6127a2527ee54482f94ca702a9c99ed8fde1ab3374fedfa76131200ba6",
}
# The sample volumes' folders, and the modality of each.
SAMPLES = {"sarcoma_ct": "CT", "sarcoma_mr": "MR"}


def resources() -> list[Path]:
    """Folders of bundled files: inside an installed package, or beside it in a checkout."""
    return [PACKAGE / "_resources", PACKAGE.parent / "Resources"]


def bundled_model_path() -> Path:
    """The bundled model; its backbone file lies beside it.

    Raises:
        CheckpointError: the installation is incomplete.
    """
    return _model_file(
        f"The bundled model ({DELTA} and {BASE}) is missing from this installation. Install "
        "MASAM again, or choose another model.",
        DELTA,
        BASE,
    )


def bundled_corrector_path() -> Path:
    """The corrector that comes with MASAM.

    Raises:
        CheckpointError: the installation is incomplete.
    """
    return _model_file(
        f"The corrector ({CORRECTOR}) is missing from this installation. Install MASAM again.",
        CORRECTOR,
    )


def bundled_openvino_path() -> Path:
    """The bundled model's and the corrector's operations for OpenVINO; weights are in their files.

    Raises:
        CheckpointError: the installation is incomplete.
    """
    return _model_file(
        f"The bundled model for OpenVINO ({OPENVINO}) is missing from this installation. Install "
        "MASAM again, or choose the device 'cpu'.",
        OPENVINO,
        DELTA,
        BASE,
        CORRECTOR,
    )


def bundled_base_path() -> Path:
    """The backbone of the bundled model, for training.

    Raises:
        CheckpointError: the installation is incomplete.
    """
    return _model_file(f"The bundled backbone {BASE} is missing from this installation.", BASE)


def sample_data_dir() -> Path:
    """Folder of the sample volumes.

    Raises:
        VolumeError: the installation is incomplete.
    """
    for folder in resources():
        if (folder / "SampleData").is_dir():
            return folder / "SampleData"
    raise VolumeError("The sample volumes are missing from this installation.")


def _model_file(missing: str, name: str, *beside: str) -> Path:
    """A file of the first folder that holds it and those beside it; else an error in words."""
    for folder in resources():
        if all((folder / "Models" / each).is_file() for each in (name, *beside)):
            return folder / "Models" / name
    raise CheckpointError(missing)
