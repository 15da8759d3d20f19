"""The batch in Slicer without a main window, for hospitals whose only Python is Slicer's.

Slicer --no-splash --no-main-window --python-script .../MASAMSlicerLib/headless.py INPUT -o OUT

INPUT and the options are those of ``masam batch``. ``headless.py help``, or no argument at all,
lists what is taken here: Slicer keeps ``--help`` for itself. The exit code is 0 when every case is
done, 1 when one has failed, 2 for wrong usage.
"""

from __future__ import annotations

import argparse
import contextlib
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from masam_core.batch.spec import BatchSpec

HELP = ("help", "--help", "-h")


def main(arguments: Sequence[str]) -> int:
    """Run the batch; see the module's text."""
    from MASAMSlicerLib import workerprocess

    _forgivingStreams()
    words = list(arguments)
    if words[:1] == ["--"]:
        del words[0]
    if not words or words[0] in HELP:
        _parser().print_help()
        return 0 if words else 2
    try:
        given = _parser().parse_args(words)
    except SystemExit as error:  # the application must end by its own function
        return int(error.code or 0)
    missing = workerprocess.missingForPanel() if given.worker else workerprocess.missingForWorker()
    if missing:
        print(f"Not installed in Slicer's Python: {', '.join(missing)}.", file=sys.stderr)
        return 1
    from masam_core.batch.driver import run_spec
    from masam_core.errors import MasamError

    ended: list[dict[str, Any]] = []

    def say(event: dict[str, Any]) -> None:
        if event["event"] == "case":
            print("{name}: {status} {message}".format(**event).rstrip(), flush=True)
        elif event["event"] == "note":
            print(event["message"])
        elif event["event"] == "end":
            print("{done} done, {failed} failed.".format(**event), f"Results in {given.out}")
            ended.append(event)

    try:
        run_spec(_spec(given), say, lambda: False, workerprocess.workerEnvironment())
    except MasamError as error:
        print(f"Error: {error}", file=sys.stderr)
        return 1
    return 1 if ended[0]["failed"] or ended[0]["cancelled"] else 0


def _forgivingStreams() -> None:
    """Let output write out letters that a console lacks: a name must not end the batch."""
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(AttributeError, ValueError, OSError):  # Slicer's own have none
            stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]


def _spec(given: argparse.Namespace) -> BatchSpec:
    """The batch as typed; MasamError for what makes no sense."""
    from masam_core.batch.spec import BatchSpec
    from masam_core.catalog.choice import ModelChoice
    from masam_core.inference.options import SegmentOptions
    from MASAMSlicerLib import workerprocess

    def chosen(*names: str) -> dict[str, Any]:
        return {name: value for name, value in vars(given).items() if name in names}

    own = ("source", "out", "labels", "format", "overlay", "per", "modality")
    return BatchSpec(
        **chosen(*own, "fresh", "retry_failed", "anonymous", "automatic"),
        also=tuple(given.also),
        classes=tuple(given.classes),
        segment=SegmentOptions.from_dict(
            chosen(
                *("quality", "threshold", "margin_mm", "keep", "fill_holes", "smooth_mm"),
                *("slice_axis", "diameter_plane", "extend"),
            )
        ),
        model=ModelChoice(**chosen("model", "base", "device", "precision")),
        worker=tuple(workerprocess.workerCommand(given.worker)),
    )


def _parser() -> argparse.ArgumentParser:
    """What is taken here; what is not given keeps the default of the core."""
    parser = argparse.ArgumentParser(
        prog="headless.py",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        argument_default=argparse.SUPPRESS,
    )
    add = parser.add_argument
    add("source", metavar="INPUT", type=Path, help="folder of images and boxes, or a CSV list")
    add("-o", "--out", type=Path, required=True, help="folder for the results")
    add("--labels", type=Path, help="folder of label images")
    add("--format", help="of the masks: .seg.nrrd, .nii.gz, .nrrd, .mha, .seg.dcm or .rt.dcm")
    add("--also", action="append", default=[], help="a further format, e.g. .sr.dcm; repeatable")
    add("--overlay", action="store_true", help="also write pictures")
    add("--per", help="with label images: one box a component or a label")
    add("--modality", help="CT or MR, where the files do not say")
    add("--automatic", action="store_true", help="whole images, by a model that takes no boxes")
    add(
        "--class",
        action="append",
        dest="classes",
        default=[],
        metavar="NAME",
        help="with --automatic: this class alone; repeatable",
    )
    add("--model", help="bundled, a name of the catalogue, or a file")
    add("--base", help="backbone file, for models that hold only what was trained")
    add("--device", help="auto, cpu, cuda, cuda:1, mps, openvino or openvino:GPU")
    add("--precision", help="auto, float32, bfloat16, float16 or int8")
    add("--quality", help="fast, balanced or best")
    add("--threshold", type=float, help="probability that makes a voxel lesion")
    add("--margin", type=float, dest="margin_mm", help="mm beyond the box")
    add("--keep", help="pieces kept: centre, largest or all")
    add("--no-fill-holes", action="store_false", dest="fill_holes", help="leave holes open")
    add("--smooth", type=float, dest="smooth_mm", help="smoothing of the outline, mm")
    add("--slice-axis", help="voxel axis across the slices: i, j or k")
    add("--extend", help="where a box cuts the lesion off: never or auto")
    add("--diameter-plane", help="auto, axial, coronal, sagittal or acquisition")
    add("--worker", default="", help="worker command, to compute elsewhere")
    add("--anonymous", action="store_true", help="leave the patient's data out of the results")
    add("--fresh", action="store_true", help="forget an earlier run of these cases")
    add("--retry-failed", action="store_true", help="run failed cases again")
    return parser


if __name__ == "__main__":
    # Run as a file: the package is the folder above.
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
    import MASAMSlicerLib  # noqa: F401 - makes masam_core importable

    code = main(sys.argv[1:])
    slicer = sys.modules.get("slicer")
    if slicer is not None and hasattr(slicer, "util") and hasattr(slicer.util, "exit"):
        slicer.util.exit(code)
    sys.exit(code)
