"""A PACS by DICOM's own network (PS3.7, PS3.8): C-ECHO, C-FIND, C-GET, C-STORE."""

from __future__ import annotations

import ssl
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pydicom import Dataset
from pydicom.uid import (
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGExtended12Bit,
    JPEGLossless,
    JPEGLosslessSV1,
    JPEGLSLossless,
    RLELossless,
)
from pynetdicom import AE, build_role, evt
from pynetdicom.association import Association
from pynetdicom.presentation import PresentationContext, build_context

from masam_core.errors import Cancelled, ConfigError, PacsError
from masam_core.pacs.files import dataset_of
from masam_core.pacs.pacs import MOST_STUDIES, IsCancelled, Receive
from masam_core.pacs.records import (
    Image,
    Query,
    Series,
    Stored,
    images_of,
    is_uid,
    series_of,
    sort_key,
    text_of,
    wild,
)
from masam_core.pacs.settings import PacsSettings
from masam_core.pacs.words import NotNow, Refused, in_words, of_failure, of_status

VERIFICATION = "1.2.840.10008.1.1"
FIND = "1.2.840.10008.5.1.4.1.2.2.1"  # Study Root Query/Retrieve Information Model (PS3.4, C.6.2)
GET = "1.2.840.10008.5.1.4.1.2.2.3"
PLAIN: list[str | UID] = [ExplicitVRLittleEndian, ImplicitVRLittleEndian]
PACKED: list[str | UID] = [
    JPEGLosslessSV1,
    JPEGLossless,
    JPEG2000Lossless,
    JPEGLSLossless,
    RLELossless,
    JPEGBaseline8Bit,
    JPEGExtended12Bit,
]
EVERY = [*PLAIN, DeflatedExplicitVRLittleEndian, ExplicitVRBigEndian, *PACKED]
_PENDING = (0xFF00, 0xFF01)
_SUCCESS, _CANCELLED = 0x0000, 0xFE00
_AT_ONCE = 40  # objects asked for in one C-GET: an association that breaks loses no more
_MOST_KINDS = 12  # of objects in one association, which has room for 128 contexts


class DimsePacs:
    """See :class:`masam_core.pacs.pacs.Pacs`. Each call is an association of its own.

    Args:
        settings: with an entry ``dimse``.
    """

    def __init__(self, settings: PacsSettings) -> None:
        assert settings.dimse is not None
        self._dimse, self._settings = settings.dimse, settings
        self.words = (
            f"The PACS {self._dimse.ae_title} at {self._dimse.host}, port {self._dimse.port}"
        )

    def check(self) -> None:
        """Ask by C-ECHO."""
        with self._association([build_context(VERIFICATION)]) as association:
            self._require(association, VERIFICATION, "the connection test")
            status = association.send_c_echo()
            self._require_success(status, "the connection test")

    def find(self, query: Query, most: int = MOST_STUDIES) -> tuple[list[Series], bool]:
        """Ask for studies, then for the series of each, by C-FIND."""
        with self._association([build_context(FIND)]) as association:
            self._require(association, FIND, "the search")
            studies = self._studies(association, query, most)
            found = []
            for study in studies[:most]:
                uid = text_of(study, "StudyInstanceUID")
                if not is_uid(uid):
                    continue
                asked = _identifier(
                    "SERIES",
                    StudyInstanceUID=uid,
                    SeriesInstanceUID=query.series,
                    Modality=query.modality,
                    SeriesNumber="",
                    SeriesDescription="",
                    NumberOfSeriesRelatedInstances="",
                )
                found += [series_of(study, one) for one in self._ask(association, asked)]
        wanted = [s for s in found if is_uid(s.series) and query.fits(s)]
        return sorted(wanted, key=sort_key), len(studies) >= most

    def images(self, study: str, series: str) -> list[Image]:
        """Ask for the instances of the series by C-FIND."""
        asked = _identifier(
            "IMAGE",
            StudyInstanceUID=study,
            SeriesInstanceUID=series,
            SOPInstanceUID="",
            SOPClassUID="",
            InstanceNumber="",
        )
        with self._association([build_context(FIND)]) as association:
            self._require(association, FIND, "the search")
            answers = self._ask(association, asked)
        return images_of(answers)

    def fetch(
        self,
        study: str,
        series: str,
        images: Sequence[Image],
        receive: Receive,
        cancelled: IsCancelled,
    ) -> None:
        """Fetch by C-GET, some objects at a time."""
        kinds = [kind for kind in dict.fromkeys(i.kind for i in images) if is_uid(kind)]
        if not kinds or len(kinds) < len({i.kind for i in images}):
            # A PACS that does not say what its objects are: the usual images.
            kinds += [k for k in _USUAL if k not in kinds]
        if cancelled():
            raise Cancelled
        taken = _Taking(receive, cancelled)
        kinds = kinds[:_MOST_KINDS]
        contexts = [build_context(GET)]
        for kind in kinds:
            contexts += [build_context(kind, PLAIN), *(build_context(kind, p) for p in PACKED)]
        roles = [build_role(UID(kind), scp_role=True) for kind in kinds]
        handlers = [(evt.EVT_C_STORE, taken.take)]
        with self._association(contexts, handlers, roles) as association:
            self._require(association, GET, "the fetching")
            for start in range(0, len(images), _AT_ONCE):
                self._get(association, study, series, images[start : start + _AT_ONCE], taken)

    def store(self, path: Path) -> Stored:
        """Send one file by C-STORE."""
        dataset = dataset_of(path)
        kind, syntax = dataset.SOPClassUID, dataset.file_meta.TransferSyntaxUID
        try:
            with self._association([build_context(kind, syntax)]) as association:
                status = association.send_c_store(dataset)
        except _NotOffered:
            what = getattr(kind, "name", kind)
            return Stored(False, f"The PACS does not take files of this kind ({what}).")
        except (NotNow, Refused) as error:
            return Stored(False, str(error), error.worth_another_try)
        if "Status" not in status:
            return Stored(False, f"{self._broken('the sending')}", True)
        code = int(status.Status)
        if code == _SUCCESS:
            return Stored(True)
        if code >> 12 == 0xB:  # warnings: it is stored (PS3.7, annex C)
            return Stored(True, of_status(code))
        return of_failure(code)

    def close(self) -> None:
        """Nothing is open between two calls."""

    def _get(
        self,
        association: Association,
        study: str,
        series: str,
        images: Sequence[Image],
        taken: _Taking,
    ) -> None:
        asked = _identifier(
            "IMAGE",
            StudyInstanceUID=study,
            SeriesInstanceUID=series,
            SOPInstanceUID=[i.instance for i in images],
        )
        last = None
        number = 1
        for status, _ in association.send_c_get(asked, GET, msg_id=number):
            last = status
            if taken.ended is not None and association.is_established:
                association.send_c_cancel(number, query_model=GET)
        if taken.ended is not None:
            raise taken.ended
        if last is None or "Status" not in last:
            raise self._broken("the fetching")
        failed = int(last.get("NumberOfFailedSuboperations") or 0)
        if int(last.Status) != _SUCCESS and not failed:
            self._require_success(last, "the fetching")

    def _studies(self, association: Association, query: Query, most: int) -> list[Dataset]:
        study = query.study
        if query.series and not study:
            asked = _identifier("SERIES", StudyInstanceUID="", SeriesInstanceUID=query.series)
            found = [text_of(s, "StudyInstanceUID") for s in self._ask(association, asked)]
            if not any(found):
                return []
            study = next(uid for uid in found if uid)
        asked = _identifier(
            "STUDY",
            PatientID=wild(query.patient),
            PatientName=wild(query.name),
            StudyInstanceUID=study,
            StudyDate=query.dates,
            ModalitiesInStudy=query.modality,
            StudyDescription="",
        )
        return self._ask(association, asked, most)

    def _ask(
        self, association: Association, asked: Dataset, most: int = 1_000_000
    ) -> list[Dataset]:
        found: list[Dataset] = []
        last = None
        number = 1
        for status, answer in association.send_c_find(asked, FIND, msg_id=number):
            last = status
            if status and status.Status in _PENDING and answer is not None and len(found) < most:
                found.append(answer)
                if len(found) == most:
                    association.send_c_cancel(number, query_model=FIND)
        if last is None or "Status" not in last:
            raise self._broken("the search")
        if last.Status not in (_SUCCESS, _CANCELLED):
            self._require_success(last, "the search")
        return found

    @contextmanager
    def _association(
        self,
        contexts: Sequence[PresentationContext],
        handlers: Sequence[Any] = (),
        roles: Sequence[Any] = (),
    ) -> Iterator[Association]:
        dimse, wait = self._dimse, self._settings.timeout_s
        entity = AE(dimse.own_ae_title)
        entity.connection_timeout = min(wait, 15.0)
        entity.acse_timeout = entity.dimse_timeout = entity.network_timeout = wait
        opened: list[bool] = []
        watched = [(evt.EVT_CONN_OPEN, lambda _event: opened.append(True)), *handlers]
        try:
            tls = self._tls()
            association = entity.associate(
                dimse.host,
                dimse.port,
                list(contexts),
                dimse.ae_title,
                evt_handlers=watched,
                ext_neg=list(roles),
                tls_args=tls,
            )
        except (OSError, RuntimeError, ValueError) as error:
            raise in_words(error, self.words, "the connection", self._settings) from error
        if not association.is_established:
            raise self._not_let_in(association, bool(opened))
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                yield association
        except RuntimeError as error:  # the association has ended meanwhile
            raise self._broken("what was going on") from error
        except ValueError as error:  # what can't be written in the agreed way
            raise Refused(f"{self.words}: this can't be sent as the PACS wants it.") from error
        finally:
            if association.is_established:
                association.release()

    def _tls(self) -> tuple[ssl.SSLContext, str] | None:
        dimse = self._dimse
        if not dimse.tls:
            return None
        context = ssl.create_default_context(cafile=dimse.ca_file and str(dimse.ca_file))
        if dimse.certificate is not None and dimse.key is not None:
            try:
                context.load_cert_chain(str(dimse.certificate), str(dimse.key))
            except (OSError, ValueError) as error:
                raise ConfigError(
                    f"{dimse.certificate} and {dimse.key} are no certificate and its key (PEM)."
                ) from error
        return context, dimse.host

    def _not_let_in(self, association: Association, opened: bool) -> PacsError:
        """Why no association came about (PS3.8, 9.3.4)."""
        where = f" ({self._settings.path})" if self._settings.path else ""
        if association.is_rejected:
            answer = association.acceptor.primitive
            source = getattr(answer, "result_source", None)
            reason = getattr(answer, "diagnostic", None)
            if (source, reason) == (1, 7):
                return Refused(
                    f"{self.words}: it says that its AE title is another one. Check "
                    f"'dimse.ae_title'{where}."
                )
            if (source, reason) == (1, 3):
                return Refused(
                    f"{self.words} does not know the AE title {self._dimse.own_ae_title} by which "
                    "we call. Ask those who run the PACS to enter it, or check "
                    f"'dimse.own_ae_title'{where}."
                )
            if getattr(answer, "result", None) == 2 or source == 3:
                return NotNow(f"{self.words} is busy and asks to try again later.")
            return Refused(f"{self.words} refused the connection without a reason.")
        if not opened:
            return in_words(self._why_closed(), self.words, "the connection", self._settings)
        if association.acceptor.primitive is not None and association.rejected_contexts:
            return _NotOffered(f"{self.words} does not offer what was asked for.")
        return NotNow(
            f"{self.words}: something answers there, but not as a PACS does. Check the port; "
            f"perhaps it wants encryption ('dimse.tls'){where}."
        )

    def _why_closed(self) -> Exception:
        """The system's own error, which pynetdicom does not pass on."""
        import socket

        wait = min(self._settings.timeout_s, 15.0)
        try:
            with socket.create_connection((self._dimse.host, self._dimse.port), wait) as trial:
                tls = self._tls()
                if tls is not None:
                    with tls[0].wrap_socket(trial, server_hostname=tls[1]):
                        pass
        except (OSError, UnicodeError) as error:
            return error
        return ConnectionError("closed")

    def _require(self, association: Association, kind: str, what: str) -> None:
        if not any(c.abstract_syntax == kind for c in association.accepted_contexts):
            raise Refused(f"{self.words} does not offer {what} to us.")

    def _require_success(self, status: Any, what: str) -> None:
        if not status or "Status" not in status:
            raise self._broken(what)
        code = int(status.Status)
        if code != _SUCCESS:
            kind = NotNow if of_failure(code).worth_another_try else Refused
            raise kind(f"{self.words} did not finish {what}: {of_status(code)}.")

    def _broken(self, what: str) -> PacsError:
        return NotNow(
            f"{self.words}: the connection broke, or no answer came within "
            f"{self._settings.timeout_s:g} s ({what}). What came until then is kept; try again."
        )


class _NotOffered(Refused):
    """None of the kinds of requests or objects that were proposed."""


class _Taking:
    """Takes in what C-GET sends; what goes wrong is kept for the caller's thread."""

    def __init__(self, receive: Receive, cancelled: IsCancelled) -> None:
        self._receive, self._cancelled = receive, cancelled
        self.ended: Exception | None = None

    def take(self, event: evt.Event) -> int:
        """One object; the status is that of C-STORE (PS3.4, table B.2-1)."""
        if self.ended is None and self._cancelled():
            self.ended = Cancelled()
        if self.ended is not None:
            return 0xA700
        try:
            request: Any = event.request
            self._receive(str(request.AffectedSOPInstanceUID), event.encoded_dataset())
        except Exception as error:  # raised again by fetch
            self.ended = error
            return 0xA700
        return _SUCCESS


def _identifier(level: str, **tags: Any) -> Dataset:
    made = Dataset()
    made.QueryRetrieveLevel = level
    for name, value in tags.items():
        setattr(made, name, value)
    return made


# Classes of images, segmentations and reports (PS3.4, table B.5-1): CT, MR, both enhanced, PET,
# ultrasound with frames, SEG, RTSTRUCT, presentation state, and three of structured reports.
_USUAL = [
    f"1.2.840.10008.5.1.4.1.1.{end}"
    for end in (
        *("2", "2.1", "4", "4.1", "128", "3.1", "66.4", "481.3", "11.1"),
        *("88.22", "88.33", "88.34"),
    )
]
