"""The settings file: what it may hold, what is refused, and what never shows."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from masam_core.errors import ConfigError
from masam_core.pacs.opening import open_pacs, ways_of
from masam_core.pacs.pacs import Way
from masam_core.pacs.settings import EXAMPLE, read_settings, settings_path

WEB = {"url": "https://pacs.example/dicom-web"}
DIMSE = {"host": "pacs.example", "ae_title": "PACS"}
SECRET = "s3cret-t0ken"


def write(path: Path, mode: int = 0o600, **values: Any) -> Path:
    path.write_text(json.dumps(values), "utf-8")
    path.chmod(mode)
    return path


def test_the_example_of_the_messages_can_be_read(tmp_path: Path) -> None:
    path = tmp_path / "pacs.json"
    path.write_text(EXAMPLE)
    path.chmod(0o600)
    read = read_settings(path)
    assert read.dicomweb is not None
    assert read.dimse is not None
    assert (read.dimse.port, read.dimse.ae_title) == (104, "PACS")
    assert ways_of(read) == [Way.DICOMWEB, Way.DIMSE]
    assert read.warnings == ()


def test_a_missing_file_shows_where_it_should_be_and_what_it_holds(masam_home: Path) -> None:
    assert settings_path() == masam_home / "pacs.json"
    with pytest.raises(ConfigError, match="There are no settings") as caught:
        read_settings()
    assert str(masam_home / "pacs.json") in str(caught.value)
    assert '"ae_title"' in str(caught.value)


def test_secrets_never_show(tmp_path: Path) -> None:
    for secret in ({"token": SECRET}, {"user": "me", "password": SECRET}):
        read = read_settings(write(tmp_path / "p.json", dicomweb={**WEB, **secret}))
        assert SECRET not in repr(read) + str(read.shown()) + str(read.warnings)
        assert "(hidden)" in read.shown().values()


def test_a_password_in_the_address_is_refused_and_not_repeated(tmp_path: Path) -> None:
    path = write(tmp_path / "p.json", dicomweb={"url": f"https://me:{SECRET}@pacs.example/web"})
    with pytest.raises(ConfigError, match="holds a user or a password") as caught:
        read_settings(path)
    assert SECRET not in str(caught.value)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such rights")
def test_a_secret_that_others_can_read_is_warned_of(tmp_path: Path) -> None:
    path = write(tmp_path / "p.json", 0o644, dicomweb={**WEB, "token": SECRET})
    (warning,) = read_settings(path).warnings
    assert f"chmod 600 '{path}'" in warning
    assert read_settings(write(path, 0o600, dicomweb={**WEB, "token": SECRET})).warnings == ()
    assert read_settings(write(path, 0o644, dicomweb=WEB)).warnings == ()


def test_what_travels_in_the_open_is_warned_of(tmp_path: Path) -> None:
    path = tmp_path / "p.json"
    open_web = {"url": "http://pacs.example/web", "token": SECRET}
    (warning,) = read_settings(write(path, dicomweb=open_web)).warnings
    assert "the token or password can be read on the way" in warning
    (warning,) = read_settings(write(path, dicomweb={**WEB, "verify_tls": False})).warnings
    assert "not checked" in warning
    here = {"url": "http://127.0.0.1:8042/dicom-web", "token": SECRET}
    assert read_settings(write(path, dicomweb=here)).warnings == ()


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({}, "names no way to the PACS"),
        ({"dicomweb": {}}, "'dicomweb' needs url"),
        ({"dimse": {"host": "x"}}, "'dimse' needs host and ae_title"),
        ({"dicomweb": {"url": "pacs.example"}}, "expected an address such as https"),
        ({"dicomweb": {"url": "ftp://pacs.example"}}, "expected an address such as https"),
        ({"dicomweb": {"url": "http://pacs:99999/x"}}, "expected an address such as https"),
        ({"dicomweb": {**WEB, "tokn": "x"}}, "did you mean dicomweb.token"),
        ({"dicomweb": {**WEB, "token": "a", "user": "b"}}, "a token and a user"),
        ({"dicomweb": {**WEB, "verify_tls": "no"}}, "expected true or false"),
        ({"dicomweb": {**WEB, "ca_file": "none.pem"}}, "there is no file .*none.pem"),
        ({"dimse": {**DIMSE, "ae_title": "X" * 17}}, "expected 1 to 16 plain characters"),
        ({"dimse": {**DIMSE, "own_ae_title": " "}}, "expected 1 to 16 plain characters"),
        ({"dimse": {**DIMSE, "ae_title": "A\\B"}}, "expected 1 to 16 plain characters"),
        ({"dimse": {**DIMSE, "port": 0}}, "expected 1 to 65535"),
        ({"dimse": {**DIMSE, "host": ""}}, "dimse.host is empty"),
        ({"dimse": {**DIMSE, "key": "p.json"}}, "go together"),
        ({"dicomweb": WEB, "timeout_s": 0}, "expected more than 0"),
        ({"dicomweb": WEB, "listener": {"port": -1}}, "expected 0 to 65535"),
    ],
)
def test_what_makes_no_sense_is_refused_with_the_name_of_the_file(
    tmp_path: Path, values: dict[str, Any], words: str
) -> None:
    path = write(tmp_path / "p.json", **values)
    with pytest.raises(ConfigError, match=words) as caught:
        read_settings(path)
    assert str(path) in str(caught.value)


def test_the_certificates_lie_beside_the_settings(tmp_path: Path) -> None:
    (tmp_path / "ours.pem").write_text("x")
    read = read_settings(write(tmp_path / "p.json", dicomweb={**WEB, "ca_file": "ours.pem"}))
    assert read.dicomweb is not None
    assert read.dicomweb.ca_file == tmp_path / "ours.pem"


def test_a_way_that_is_not_named_is_refused(tmp_path: Path) -> None:
    read = read_settings(write(tmp_path / "p.json", dicomweb=WEB))
    with pytest.raises(ConfigError, match="has no entry 'dimse'"):
        open_pacs(read, Way.DIMSE)
