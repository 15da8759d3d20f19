"""A PACS by DICOMweb (PS3.18): QIDO-RS finds, WADO-RS fetches, STOW-RS stores."""

from __future__ import annotations

import io
import logging
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import requests
from dicomweb_client.web import DICOMwebClient

from masam_core.errors import Cancelled, PacsError
from masam_core.pacs.files import dataset_of
from masam_core.pacs.pacs import MOST_STUDIES, IsCancelled, Receive
from masam_core.pacs.records import (
    Image,
    Query,
    Series,
    Stored,
    images_of,
    is_uid,
    number_of,
    series_of,
    sort_key,
    text_of,
    wild,
)
from masam_core.pacs.settings import PacsSettings, without_secrets
from masam_core.pacs.words import in_words, of_failure, of_status

_STUDY_FIELDS = ["StudyDescription", "ModalitiesInStudy"]
_SERIES_FIELDS = ["SeriesDescription", "SeriesNumber", "NumberOfSeriesRelatedInstances"]
# Told in words by what is raised; a logger without a handler would write to the screen.
for _name in ("retrying", "dicomweb_client"):
    logging.getLogger(_name).addHandler(logging.NullHandler())

# Not every server undoes the encoding of these letters in an address.
_ENCODED = r"[^A-Za-z0-9*?._~-]"


class DicomWebPacs:
    """See :class:`masam_core.pacs.pacs.Pacs`.

    Args:
        settings: with an entry ``dicomweb``.
    """

    def __init__(self, settings: PacsSettings) -> None:
        web = settings.dicomweb
        assert web is not None
        url = web.url.rstrip("/")
        self.words = f"DICOMweb at {without_secrets(url)}"
        self._session = requests.Session()
        for scheme in ("http://", "https://"):
            self._session.mount(scheme, _Sending(web.verify_tls and (web.ca_file or True)))
        if web.token:
            self._session.auth = _Bearer(web.token)
        elif web.user:
            self._session.auth = requests.auth.HTTPBasicAuth(
                web.user.encode(), web.password.encode()
            )
        else:
            self._session.auth = _nobody  # else ~/.netrc is looked through for a password
        self._client = DICOMwebClient(
            url, session=self._session, timeout=(min(settings.timeout_s, 15.0), settings.timeout_s)
        )
        self._client.set_http_retry_params(retry=False)
        self._settings = settings

    def check(self) -> None:
        """Ask for one study, any."""
        with self._told("the search"):
            _all(lambda _offset: self._client.search_for_studies(limit=1), 1)

    def find(self, query: Query, most: int = MOST_STUDIES) -> tuple[list[Series], bool]:
        """Ask for studies, then for the series of each."""
        with self._told("the search"):
            studies = self._studies(query, most)
            found = []
            filters = {"Modality": query.modality, "SeriesInstanceUID": query.series}
            for study in studies[:most]:
                uid = text_of(study, "StudyInstanceUID")
                if not is_uid(uid):
                    continue
                answers = _all(
                    lambda offset, uid=uid: self._client.search_for_series(  # type: ignore[misc]
                        uid,
                        fields=_SERIES_FIELDS,
                        search_filters={k: v for k, v in filters.items() if v},
                        offset=offset,
                    )
                )
                found += [series_of(study, _dataset(one)) for one in answers]
        wanted = [s for s in found if is_uid(s.series) and query.fits(s)]
        return sorted(wanted, key=sort_key), len(studies) >= most

    def images(self, study: str, series: str) -> list[Image]:
        """Ask for the instances of the series."""
        with self._told("the search"):
            answers = _all(
                lambda offset: self._client.search_for_instances(study, series, offset=offset)
            )
            found = [_dataset(one) for one in answers]
        return images_of(found)

    def fetch(
        self,
        study: str,
        series: str,
        images: Sequence[Image],
        receive: Receive,
        cancelled: IsCancelled,
    ) -> None:
        """Fetch one after the other, as the PACS has them (not unpacked)."""
        for image in images:
            if cancelled():
                raise Cancelled
            with self._told("the fetching"):
                dataset = self._client.retrieve_instance(
                    study, series, image.instance, media_types=(("application/dicom", "*"),)
                )
                file = io.BytesIO()
                dataset.save_as(file, enforce_file_format=True)
            receive(image.instance, file.getvalue())

    def store(self, path: Path) -> Stored:
        """Send one file."""
        dataset = dataset_of(path)
        try:
            with self._told("the sending"):
                try:
                    answer: Any = self._client.store_instances([dataset])
                except requests.HTTPError as error:
                    # 409: none was stored; the body says why (PS3.18, 10.5.3).
                    answer = _reasons(error.response)
                    if answer is None:
                        raise
        except PacsError as error:
            return Stored(False, str(error), getattr(error, "worth_another_try", True))
        return _outcome(answer)

    def close(self) -> None:
        """End the connection."""
        self._session.close()

    def _studies(self, query: Query, most: int) -> list[Any]:
        filters = {
            "PatientID": wild(query.patient, _ENCODED),
            "PatientName": wild(query.name, _ENCODED),
            "StudyInstanceUID": query.study,
            "StudyDate": query.dates,
            "ModalitiesInStudy": query.modality,
        }
        given = {key: value for key, value in filters.items() if value}
        if query.series and not query.study:
            wanted = {"SeriesInstanceUID": query.series}
            one = _all(lambda _offset: self._client.search_for_series(search_filters=wanted), 1)
            uids = {text_of(_dataset(s), "StudyInstanceUID") for s in one}
            if not uids:
                return []
            given["StudyInstanceUID"] = sorted(uids)[0]
        found = _all(
            lambda offset: self._client.search_for_studies(
                fields=_STUDY_FIELDS, search_filters=given, limit=most - offset, offset=offset
            ),
            most,
        )
        datasets = [_dataset(one) for one in found]
        if not all("StudyInstanceUID" in one for one in datasets):
            raise ValueError("a study without its unique id")
        return datasets

    @contextmanager
    def _told(self, what: str) -> Iterator[None]:
        """Turns what goes wrong in the libraries into a PacsError in words."""
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # pydicom's, which repeat what the tags hold
                yield
        except PacsError:
            raise
        # What is no DICOMweb (a login page, a proxy's error) ends in any of these.
        except (requests.RequestException, OSError, ValueError, KeyError, AttributeError) as error:
            raise in_words(error, self.words, what, self._settings) from error
        except Exception as error:  # pydicom's own, on damaged answers
            raise in_words(ValueError(str(error)), self.words, what, self._settings) from error


class _Sending(requests.adapters.HTTPAdapter):
    """Sends ``*`` and ``?`` of a query as they are, for servers that don't know them encoded.

    Args:
        verify: whether certificates are checked, or the file of those that are trusted. An
            environment variable (REQUESTS_CA_BUNDLE) would go before a session's own setting.
    """

    def __init__(self, verify: bool | Path) -> None:
        super().__init__()
        self._verify = verify

    def send(self, request: Any, *given: Any, **options: Any) -> Any:
        """Send a request as requests does."""
        address, mark, query = (request.url or "").partition("?")
        request.url = address + mark + query.replace("%2A", "*").replace("%3F", "?")
        if self._verify is not True:
            options["verify"] = str(self._verify) if self._verify else False
        return super().send(request, *given, **options)


class _Bearer(requests.auth.AuthBase):
    """A token, sent to this server alone: requests drops it where another one is pointed to."""

    def __init__(self, token: str) -> None:
        self._token = token

    def __call__(self, request: Any) -> Any:
        request.headers["Authorization"] = f"Bearer {self._token}"
        return request


def _nobody(request: Any) -> Any:
    return request


def _dataset(answer: Any) -> Any:
    """An answer in DICOM's JSON as a pydicom Dataset."""
    import pydicom

    return pydicom.Dataset.from_json(answer)


def _all(ask: Callable[[int], list[Any]], most: int = 1_000_000) -> list[Any]:
    """Every answer of a server that may give them in pages (PS3.18, 8.3.4.4).

    A server that knows no pages gives the same ones again, which ends it.
    """
    found: list[Any] = []
    while len(found) < most:
        page = ask(len(found))
        if not isinstance(page, list):
            raise ValueError("no list")
        if not page or (found and page[0] in found):
            break
        found += page
        if len(page) < 100:  # no server has shorter pages
            break
    return found[:most]


def _reasons(response: Any) -> Any:
    """Why nothing was stored, as STOW-RS says it; None where the answer is something else."""
    import pydicom

    if response is None or response.status_code != requests.codes.conflict:
        return None
    try:
        return pydicom.Dataset.from_json(response.json())
    except (ValueError, TypeError, AttributeError, KeyError):
        return None


def _outcome(answer: Any) -> Stored:
    """What an answer to STOW-RS says of its one file (PS3.18, table 10.5.3-1)."""
    failed = answer.get("FailedSOPSequence")
    if failed:
        return of_failure(number_of(failed[0], "FailureReason"))
    stored = answer.get("ReferencedSOPSequence")
    if not stored:
        return Stored(False, "The PACS did not say that it has stored the file.", True)
    remark = number_of(stored[0], "WarningReason")
    return Stored(True, of_status(remark) if remark else "")
