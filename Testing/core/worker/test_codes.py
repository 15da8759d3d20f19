"""Errors keep their kind on the way through the pipe."""

from __future__ import annotations

import inspect

import pytest

from masam_core import errors
from masam_core.worker.client import WorkerError
from masam_core.worker.codes import code_of, kind_of
from masam_core.worker.protocol import ProtocolError
from masam_core.worker.steps import local_error

KINDS = [
    kind
    for _, kind in inspect.getmembers(errors, inspect.isclass)
    if issubclass(kind, errors.MasamError) and kind is not errors.MasamError
]


@pytest.mark.parametrize("kind", KINDS)
def test_every_error_of_the_work_has_a_word_and_comes_back(kind: type[Exception]) -> None:
    word = code_of(kind("why"))
    assert word != "internal"
    back = local_error(word, "why")
    same = (errors.IntensityError, errors.TooSlow)
    expected = errors.VolumeError if kind in same else kind
    assert type(back) is expected
    assert str(back) == "why"


def test_a_subclass_has_the_word_of_its_kind() -> None:
    class Turned(errors.BoxError):
        pass

    assert code_of(Turned("x")) == "box"


def test_what_is_of_the_wire_or_unforeseen_stays_a_workers_error() -> None:
    assert code_of(ProtocolError("x")) == "bad_request"
    assert code_of(errors.Cancelled("x")) == "cancelled"
    assert code_of(KeyError("x")) == "internal"
    for word in ("bad_request", "internal", "died", "cancelled", "nonsense"):
        assert kind_of(word) is None
        error = local_error(word, "why")
        assert isinstance(error, WorkerError)
        assert (error.code, str(error)) == (word, "why")
