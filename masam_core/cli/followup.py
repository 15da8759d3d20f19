"""`masam followup`: the next studies of a patient, and what became of each lesion."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from masam_core.catalog.choice import ModelChoice
from masam_core.cli.common import plural, print_json, reported
from masam_core.cli.options import (
    SETTINGS,
    Base,
    Device,
    DiameterPlaneOption,
    ModalityOption,
    Model,
    PrecisionOption,
    QualityOption,
    Threshold,
)
from masam_core.cli.terminal import console, plain, progress, say, table, warn
from masam_core.errors import ConfigError
from masam_core.followup.doubling import NOISE
from masam_core.inference.options import SegmentOptions
from masam_core.prompts.per import Per

if TYPE_CHECKING:
    from masam_core.followup.folder import Source
    from masam_core.followup.result import FollowUp
    from masam_core.followup.study import Study
    from masam_core.followup.work import Work

_NUMBERED = re.compile(r"(\d+)=(.*)", re.DOTALL)


@reported
def followup_command(
    studies: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="STUDY1 STUDY2 ...",
            help="Image files or DICOM folders of one patient; at least two. None with --confirm.",
        ),
    ] = None,
    out: Annotated[
        Path, typer.Option("--out", "-o", help="Folder for masks, tables and the report.")
    ] = Path("followup"),
    lesions: Annotated[
        list[str] | None,
        typer.Option(
            help="Lesions of a study: .seg.nrrd, label image, DICOM SEG or RTSTRUCT, or prompts "
            "such as Slicer's ROI (.mrk.json). The first belongs to study 1, the second to study "
            "2; or say which: 2=FILE. A study without gets those of the studies before.",
            metavar="[N=]FILE",
        ),
    ] = None,
    date: Annotated[
        list[str] | None,
        typer.Option(
            help="Date of a study, where it is no DICOM; in their order, or N=DATE.",
            metavar="[N=]YYYY-MM-DD",
        ),
    ] = None,
    series: Annotated[
        list[str] | None,
        typer.Option(help="SeriesInstanceUID, for a folder of several.", metavar="N=UID"),
    ] = None,
    per: Annotated[
        Per,
        typer.Option(
            help="In a label image of one value: one lesion a connected piece, or in all."
        ),
    ] = Per.COMPONENT,
    confirm: Annotated[
        bool,
        typer.Option(
            "--confirm",
            help="Read the folder again, with the masks and tables as you have changed them, and "
            "write the result as confirmed.",
        ),
    ] = False,
    dicom: Annotated[
        bool,
        typer.Option(
            "--dicom",
            help="Write what is confirmed as DICOM, too: segmentation and report of each later "
            "study, and a report on all studies.",
        ),
    ] = False,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Write over an earlier follow-up in the folder.")
    ] = False,
    same_patient: Annotated[
        bool,
        typer.Option("--same-patient", help="It is one patient, though the patient IDs differ."),
    ] = False,
    rigid: Annotated[
        bool,
        typer.Option(
            "--rigid",
            help="Find places by rigid motion alone, without deforming the surroundings: quicker.",
            rich_help_panel=SETTINGS,
        ),
    ] = False,
    volume_noise: Annotated[
        float,
        typer.Option(
            help="Change of a volume in percent that counts as noise.",
            min=0,
            max=99,
            rich_help_panel=SETTINGS,
        ),
    ] = 100 * NOISE,
    model: Model = ModelChoice.model,
    base: Base = None,
    quality: QualityOption = SegmentOptions.quality,
    threshold: Threshold = SegmentOptions.threshold,
    diameter_plane: DiameterPlaneOption = SegmentOptions.diameter_plane,
    modality: ModalityOption = None,
    device: Device = ModelChoice.device,
    precision: PrecisionOption = ModelChoice.precision,
    json: Annotated[bool, typer.Option("--json", help="Results as JSON on stdout.")] = False,
) -> None:
    """Follow lesions through the studies of a patient: measurements, RECIST 1.1, doubling times.

    The earlier boxes are carried over by registration and segmented again. Everything is a
    proposal: look at the masks (study2.seg.nrrd, ...) in 3D Slicer and at review.csv, change what
    is wrong, then run 'masam followup -o FOLDER --confirm'.
    """
    from masam_core.followup import folder as files
    from masam_core.followup.dicom import require_dicom, write_dicom, written_before
    from masam_core.followup.report import write_reports
    from masam_core.followup.result import follow_up, to_dict
    from masam_core.targets import require_folder

    noise = volume_noise / 100
    if confirm:
        if studies or lesions or date or series:
            raise ConfigError("--confirm takes the studies that the folder knows; name none.")
        tracks, known, sources = files.load(out)
        if dicom:
            require_dicom(out, known)
        found = follow_up(tracks, known, diameter_plane, noise)
    else:
        paths = list(studies or ())
        if len(paths) < 2:
            raise ConfigError(f"A follow-up takes at least two studies; received {len(paths)}.")
        require_folder(out)
        files.require_free(out, fresh)
        options = SegmentOptions(
            quality=quality, threshold=threshold, diameter_plane=diameter_plane
        )
        choice = ModelChoice(model, None if base is None else str(base), device, precision)
        with _Working(choice, options, elastic=not rigid, quiet=json) as working:
            from masam_core.followup.proposing import propose

            known, sources, notes = _read(
                paths, lesions, date, series, per, modality, same_patient, working.work
            )
            if dicom:
                require_dicom(out, known)
                _require_not_read(written_before(out), lesions or [])
            tracks = propose(known, working.work)
        found = follow_up(tracks, known, diameter_plane, noise, notes)
    files.save(out, tracks, known, sources, found)
    write_reports(out, found)
    written, told = write_dicom(out, tracks, known, diameter_plane) if dicom else ([], [])
    if not dicom and (old := written_before(out)):
        told.append(f"{old[0].name} is of an earlier result; --dicom writes it anew.")
    for note in told:
        warn(note)
    if json:
        names = [path.name for path in written]
        print_json({"output": str(out), **to_dict(found), **({"dicom": names} if dicom else {})})
    else:
        _tell(found, out, confirm)


def _read(
    paths: list[Path],
    lesions: list[str] | None,
    dates: list[str] | None,
    series: list[str] | None,
    per: Per,
    modality: str | None,
    same_patient: bool,
    work: Work,
) -> tuple[list[Study], list[Source], list[str]]:
    """The studies, oldest first, with their lesions."""
    from masam_core.followup.folder import Source
    from masam_core.followup.given import given_lesions
    from masam_core.followup.study import in_order, read_study, require_one_patient

    count = len(paths)
    files, days, uids = (
        _numbered(given, count, name)
        for given, name in ((lesions, "--lesions"), (dates, "--date"), (series, "--series"))
    )
    if not files:
        raise ConfigError("Say which lesions the first study has: --lesions FILE.")
    sources, read = [], []
    for number, path in enumerate(paths, 1):
        study = read_study(path, uids.get(number), modality, days.get(number, ""))
        day = "" if study.date is None else study.date.isoformat()
        read.append(study)
        sources.append(
            Source(str(path.resolve()), uids.get(number), modality, day, number in files)
        )
    require_one_patient(read, same_patient)
    order, notes = in_order(read)
    if order[0] + 1 not in files:
        raise ConfigError(
            f"The oldest study is {paths[order[0]].name}, and it has no lesions: name them with "
            f"--lesions {order[0] + 1}=FILE."
        )
    known = [
        read[n].with_lesions(given_lesions(Path(files[n + 1]), read[n].volume, per, work))
        if n + 1 in files
        else read[n]
        for n in order
    ]
    told = [note for study in known for note in study.volume.notes]
    return known, [sources[n] for n in order], [*notes, *told]


def _require_not_read(written: list[Path], lesions: list[str]) -> None:
    """Refuse to write over the lesions that were named."""
    for text in lesions:
        named = _NUMBERED.fullmatch(text)
        path = Path(named[2] if named else text).resolve()
        if path in {each.resolve() for each in written}:
            raise ConfigError(
                f"--dicom would write over {path.name}, which --lesions names: choose another "
                "folder for -o."
            )


def _numbered(given: list[str] | None, count: int, option: str) -> dict[int, str]:
    """What belongs to which study: in order, or as ``N=`` says."""
    found: dict[int, str] = {}
    for place, text in enumerate(given or (), 1):
        named = _NUMBERED.fullmatch(text)
        number, value = (int(named[1]), named[2]) if named else (place, text)
        if not 1 <= number <= count:
            raise ConfigError(f"{option} {text}: there are {count} studies.")
        if number in found:
            raise ConfigError(f"{option} is there twice for study {number}.")
        found[number] = value
    return found


class _Working:
    """The segmenter, made when it is needed and closed at the end, and progress on stderr."""

    def __init__(
        self, choice: ModelChoice, options: SegmentOptions, elastic: bool, quiet: bool
    ) -> None:
        import sys

        from rich.progress import BarColumn, TimeElapsedColumn

        from masam_core.followup.work import Work

        self._choice = choice
        self._open: list[object] = []
        quiet = quiet or not sys.stderr.isatty()
        self._bar = progress(BarColumn(), TimeElapsedColumn(), quiet=quiet, transient=True)
        task = self._bar.add_task("", total=1.0)

        def show(fraction: float, words: str) -> None:
            self._bar.update(task, completed=fraction, description=plain(words))

        self.work = Work(self._segmenter, options, elastic, show)

    def __enter__(self) -> _Working:
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()
        for segmenter in self._open:
            segmenter.close()  # type: ignore[attr-defined]

    def _segmenter(self):  # type: ignore[no-untyped-def]
        from masam_core.inference.segmenter import Segmenter

        if not self._open:
            c = self._choice
            self._open.append(Segmenter(c.model, c.device, c.precision, base=c.base))
        return self._open[0]


def _tell(found: FollowUp, out: Path, confirmed: bool) -> None:
    from masam_core.followup.report import lesion_rows, response_rows

    columns = ("Lesion", "Study", "mm", "Change", "ml", "Change ")
    shown = []
    for words in lesion_rows(found):
        lesion, study, state, diameters, *figures = words[:7]
        shown.append((lesion, study, diameters or state, *figures))
    console().print(table(columns, shown, columns[2:]))
    for row in found.rows:
        if row.doubling is not None:
            say(f"{row.lesion}, study {row.study.number}: volume {row.doubling.words}")
    for line in response_rows(found):
        say(f"Study {line[0]}: {line[5]}. {line[6]}")
    for row in found.rows:
        for note in row.notes:
            if not row.confirmed:
                warn(f"{row.lesion}, study {row.study.number}: {note}")
    for note in found.notes:
        warn(note)
    say(f"Wrote {plural(len(found.studies), 'study').replace('studys', 'studies')} to {out}")
    if found.open and not confirmed:
        say(
            f"A proposal: {plural(found.open, 'finding')} to be confirmed. Look at study*.seg.nrrd "
            f"and review.csv, change what is wrong, then: masam followup -o {out} --confirm"
        )
