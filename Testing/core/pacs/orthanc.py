"""A real PACS for the tests: Orthanc on loopback, with its plugin for DICOMweb."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest

PLUGINS = [
    Path("/usr/share/orthanc/plugins/libOrthancDicomWeb.so"),
    Path("/usr/local/share/orthanc/plugins/libOrthancDicomWeb.so"),
]
TITLE = "ORTHANC"
START_SECONDS = 30.0


def free_port() -> int:
    """A port of this machine that nobody listens at."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


class Orthanc:
    """One PACS in a folder of its own; what it holds outlives its process.

    Args:
        folder: an empty one.
        changes: of its configuration.
    """

    def __init__(self, folder: Path, **changes: Any) -> None:
        program = shutil.which("Orthanc")
        plugin = next((path for path in PLUGINS if path.is_file()), None)
        if program is None or plugin is None:
            pytest.skip(
                "Orthanc is not installed (Debian: apt install orthanc orthanc-dicomweb); the "
                "tests of a PACS need it."
            )
        self.folder = folder
        self.http, self.dicom = free_port(), free_port()
        self.rest = f"http://127.0.0.1:{self.http}"
        self.web = f"{self.rest}/dicom-web"
        self._program = program
        self._config = folder / "orthanc.json"
        values = {
            "Name": "Test",
            "StorageDirectory": str(folder / "db"),
            "IndexDirectory": str(folder / "db"),
            "Plugins": [str(plugin)],
            "HttpPort": self.http,
            "DicomPort": self.dicom,
            "DicomAet": TITLE,
            "DicomCheckCalledAet": True,
            "DicomAlwaysAllowFind": True,
            "DicomAlwaysAllowGet": True,
            "DicomAlwaysAllowStore": True,
            "RemoteAccessAllowed": False,
            "AuthenticationEnabled": False,
            "StoreMD5ForAttachments": False,
            "ConcurrentJobs": 1,
            "HttpThreadsCount": 4,
            "DicomWeb": {"Enable": True, "Root": "/dicom-web/", "Host": "127.0.0.1"},
        }
        self._config.write_text(json.dumps(values | changes), "utf-8")
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, and wait until it answers."""
        with (self.folder / "log.txt").open("ab") as log:
            self._process = subprocess.Popen(
                [self._program, str(self._config)], stdout=log, stderr=log
            )
        end = time.monotonic() + START_SECONDS
        while time.monotonic() < end and self._process.poll() is None:
            with socket.socket() as trial:
                trial.settimeout(1)
                if not trial.connect_ex(("127.0.0.1", self.http)):
                    return
            time.sleep(0.05)
        self.kill()
        raise RuntimeError((self.folder / "log.txt").read_text("utf-8", "replace")[-3000:])

    def kill(self) -> None:
        """End it at once, as a power cut does."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait()

    def ask(self, path: str, data: bytes | None = None, method: str | None = None) -> Any:
        """One request of Orthanc's own REST interface."""
        request = urllib.request.Request(f"{self.rest}{path}", data, method=method)
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(request, timeout=20) as answer:
            body = answer.read()
        return json.loads(body) if body else None

    def put(self, folder: Path) -> None:
        """Store every file of a folder, not by anything that is tested."""
        for path in sorted(folder.rglob("*.dcm")):
            self.ask("/instances", path.read_bytes())

    def instances(self, modality: str | None = None) -> list[str]:
        """Unique ids of what it holds, of one modality or of all."""
        found = []
        for one in self.ask("/instances?expand"):
            series = self.ask(f"/series/{one['ParentSeries']}")
            if modality in (None, series["MainDicomTags"].get("Modality")):
                found.append(one["MainDicomTags"]["SOPInstanceUID"])
        return sorted(found)

    def empty(self) -> None:
        """Delete everything."""
        for patient in self.ask("/patients"):
            self.ask(f"/patients/{patient}", method="DELETE")

    def settings(self, **more: Any) -> dict[str, Any]:
        """What the settings file says of it."""
        return {
            "dicomweb": {"url": self.web},
            "dimse": {"host": "127.0.0.1", "port": self.dicom, "ae_title": TITLE},
            "timeout_s": 10,
            **more,
        }

    def write_settings(self, path: Path, **more: Any) -> Path:
        """A settings file that only its owner may read."""
        path.write_text(json.dumps(self.settings(**more)), "utf-8")
        path.chmod(0o600)
        return path
