"""The night shift itself: takes in, segments one case after the other, sends back."""

from __future__ import annotations

import contextlib
import shutil
import threading
import time
from collections.abc import Callable
from typing import Any

from masam_core.atomic import append_text
from masam_core.batch.queue import BatchQueue, lock_folder
from masam_core.batch.states import DONE, FAILED, StateFolder
from masam_core.errors import (
    BoxError,
    Cancelled,
    ConfigError,
    IntensityError,
    MasamError,
    TooSlow,
    VolumeError,
)
from masam_core.image.readable import readable
from masam_core.pacs.fetching import fetch_series
from masam_core.pacs.files import digest
from masam_core.pacs.pacs import Pacs
from masam_core.watch.cases import Case, Lonely, case_name, cases_of
from masam_core.watch.inbox import Inbox
from masam_core.watch.objects import Came
from masam_core.watch.pauses import Pauses
from masam_core.watch.places import Places
from masam_core.watch.sender import Sender, Target, send_refused_again
from masam_core.watch.shelf import Group, Shelf
from masam_core.watch.spec import WatchSpec
from masam_core.watch.waiting import Waiting
from masam_core.watch.work import rows_of, run_case

LOG = "watch.log"
_POLL_S = 1.0
_CLEAN_S = 600.0
# What is wrong with the images or the measurement stays so, however often it is tried.
_FINAL = (VolumeError, BoxError, IntensityError)


class Watch:
    """One night shift in its folder.

    Args:
        spec: how it works.
        target: where results go.
        segmenter: does the work; a ``PromptSegmenter``.
        say: called with lines for people; nothing identifying.
        source: PACS from which the images of a measurement are fetched that came without them.
        now: tells the time, in seconds since the epoch.

    Attributes:
        shelf: what has come; a listener puts more onto it.

    Raises:
        ConfigError: another one works in the folder, or it holds something else.
        WriteError: the folder can't be written.
    """

    def __init__(
        self,
        spec: WatchSpec,
        target: Target,
        segmenter: Any,
        say: Callable[[str], None] = lambda text: None,
        source: Pacs | None = None,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._spec, self._segmenter, self._say = spec, segmenter, say
        self._source, self._now = source, now
        self.places = Places(spec.work, spec.reserve_bytes)
        self.places.make()
        self._lock = lock_folder(spec.work)
        self.shelf = Shelf(self.places, now)
        try:
            self._states = StateFolder(spec.work)
            self._waiting = Waiting(
                spec, self.shelf, self._states, self.places.has_results, self.log
            )
            for note in self.shelf.restore():
                self.log(note)
        except BaseException:
            self._lock.release()
            raise
        self._pauses = Pauses(spec.first_pause_s, spec.most_pause_s)
        self._sender = Sender(
            self.places, target, Pauses(spec.first_pause_s, spec.most_pause_s), self._on_sent
        )
        self._inbox: Inbox | None = None
        self._cleaned = now()
        self._stop = threading.Event()

    def look_into(self, inbox: Inbox) -> None:
        """Take in what others put into a folder, too."""
        self._inbox = inbox

    def stop(self) -> None:
        """End soon: the case that is computed waits for the next time."""
        self._stop.set()

    def close(self) -> None:
        """Let another one work in the folder."""
        self._lock.release()

    def retry_failed(self) -> int:
        """Have failed cases and refused results tried again; gives their number."""
        return self._waiting.again() + send_refused_again(self.places)

    def run(self, once: bool = False) -> None:
        """Work until :meth:`stop`.

        Args:
            once: end when nothing waits any more, neither here nor for the PACS.
        """
        sending = threading.Thread(target=self._send_on, daemon=True)
        sending.start()
        in_vain = 0
        try:
            while not self._stop.is_set():
                try:
                    if self.step() and once and not self._sender.waiting():
                        break
                    in_vain = 0
                except Exception as error:  # a full disk, a drive that is gone: it may come back
                    in_vain += 1
                    if once and in_vain >= self._spec.tries:
                        raise
                    if in_vain in (1, 10, 100):
                        self.log(f"Nothing can be worked on now: {_words(error)}")
                self._stop.wait(min(_POLL_S, self._spec.quiet_s))
        finally:
            self._stop.set()
            sending.join()
            self._tidy(at_once=True)

    def step(self) -> bool:
        """Take in, and work on one case that may be worked on; says whether nothing waits."""
        self._take_fetched()  # a stop or a full disk may have come between
        changing = self._inbox.look() if self._inbox is not None else False
        waits = changing or self._still_comes()
        for found in cases_of(self.shelf, self._now() - self._spec.quiet_s):
            if isinstance(found, Lonely):
                waits = self._without_images(found) or waits
                continue
            if self._is_ended(found):
                continue
            waits = True
            if self._pauses.may(found.name):
                self._work_on(found)
                break
        self._waiting.end(self._now(), self._is_done_with)
        self._tidy()
        return not waits

    def log(self, text: str) -> None:
        """A line for people and for the log; nothing identifying."""
        line = readable(text)
        self._say(line)
        stamp = time.strftime("%Y-%m-%d %H:%M:%S")
        with contextlib.suppress(MasamError):  # a full disk must not end the night
            append_text(self._spec.work / LOG, f"{stamp}  {line}\n")

    def _still_comes(self) -> bool:
        """Whether something comes that has to be quiet first, perhaps what a measurement lacks."""
        there = self.shelf.measurements()
        before = self._now() - self._spec.quiet_s
        return any(since > before for _, since in there) or (
            bool(there) and self.shelf.last() > before
        )

    def _is_ended(self, case: Case) -> bool:
        """Whether a case was worked through, well or not; lets go of what waits for nothing."""
        try:
            state = self._states.read(case.name)
        except ConfigError:  # damaged: whether it was done, its results tell
            state = None
        if state is not None and state.status == DONE:
            self._waiting.worked_through(case.measurement, case.name)
            return True
        if self.places.has_results(case.name):  # killed before it could say so
            queue = self._queue(case)
            queue.start(case.name)
            queue.finish(case.name, rows_of(self.places, case.name))
            self._waiting.worked_through(case.measurement, case.name)
            return True
        return state is not None and state.status == FAILED and state.made_of == _made_of(case)

    def _is_done_with(self, came: Came, group: Group) -> bool:
        return self._is_ended(Case(case_name(came.instance, group.series), came, group))

    def _queue(self, case: Case) -> BatchQueue:
        return BatchQueue(
            [case.name],
            self._spec.work,
            {case.name: _made_of(case)},
            sources={case.name: digest(case.group.series)},
        )

    def _work_on(self, case: Case) -> None:
        if self.places.is_full():
            if self._pauses.failed(case.name) == 1:
                self.log("The disk is nearly full; nothing is computed until there is room again.")
            return
        try:
            queue = self._queue(case)
            queue.start(case.name)
        except MasamError as error:
            self._pauses.failed(case.name)
            self.log(f"{case.name} waits: {error}")
            return
        self.log(f"{case.name}: begun, {len(case.group.images)} images.")
        try:
            rows, notes = run_case(
                case,
                self.shelf.path_of(case.measurement),
                self.places,
                self._segmenter,
                self._spec.segment,
                self._stop.is_set,
                lambda text: queue.log(case.name, text),
            )
            queue.finish(case.name, rows, " ".join(notes))
        except Cancelled:
            queue.cancel()
            self.log(f"{case.name}: stopped; it waits for the next time.")
            return
        except Exception as error:  # whatever it is: the night goes on
            self._failed(case, queue, error)
            return
        self._pauses.over(case.name)
        self.log(f"{case.name}: done, {len(rows)} segmented.")
        with contextlib.suppress(MasamError):  # open in a spreadsheet; the next case writes it
            queue.write_table()
        self._waiting.worked_through(case.measurement, case.name)

    def _failed(self, case: Case, queue: BatchQueue, error: Exception) -> None:
        words = _words(error)
        count = self._pauses.failed(case.name)
        final = isinstance(error, _FINAL) and not isinstance(error, TooSlow)
        try:
            if (final or count >= self._spec.tries) and not self.places.is_full():
                queue.fail(case.name, words)
                self._pauses.over(case.name)
                self.log(f"{case.name}: failed. {words}")
                return
            queue.log(case.name, f"Try {count}: {words}")
            queue.requeue(case.name, f"Waits for another try: {words}")
        except MasamError:  # the state can't be written: it is as if it had been killed
            pass
        self.log(f"{case.name}: try {count} did not succeed. {words}")

    def _without_images(self, found: Lonely) -> bool:
        """Fetch the images of a measurement; says whether there is still hope."""
        came = found.measurement
        name = case_name(came.instance, "")
        if self._waiting.is_over(found.since, self._now()):
            return False  # told of at the end of the step
        if self._source is None or not came.refers_series:
            return False
        if not self._pauses.may(name):
            return True
        try:
            for series in sorted(came.refers_series):
                # Beside the shelf, all or nothing: a part of a series must not be segmented.
                folder = self.places.fetching / digest(series)
                fetched = fetch_series(
                    self._source, came.study, series, folder, cancelled=self._stop.is_set
                )
                self._take_fetched()
                self.log(f"{name}: {fetched.images} images were fetched.")
        except Cancelled:
            return True
        except MasamError as error:
            self._pauses.failed(name)
            self.log(f"{name}: its images can't be fetched yet. {error}")
            return True
        if not self.shelf.groups_of(came):
            self._pauses.failed(name)
        return True

    def _take_fetched(self) -> None:
        """Put whole series that were fetched on the shelf; what can't be ends the round."""
        for folder in sorted(self.places.fetching.iterdir()):
            if not folder.name.startswith(".") and folder.is_dir():  # else not whole yet
                for path in sorted(folder.iterdir()):
                    self.shelf.take(path.read_bytes())
                shutil.rmtree(folder)

    def _send_on(self) -> None:
        in_vain = 0
        while not self._stop.is_set():
            try:
                self._sender.send(self._stop.is_set)
                in_vain = 0
            except Exception as error:  # as in run
                in_vain += 1
                if in_vain in (1, 10, 100):
                    self.log(f"The outbox can't be worked through: {_words(error)}")
            self._stop.wait(min(_POLL_S, self._spec.first_pause_s))

    def _on_sent(self, name: str, text: str) -> None:
        self.log(f"{name}: {text}")

    def _tidy(self, at_once: bool = False) -> None:
        now = self._now()
        if at_once or now - self._cleaned > _CLEAN_S:
            self._cleaned = now
            count = self.shelf.clean(now - self._spec.keep_h * 3600)
            if count:
                self.log(f"{count} series that nobody asked about were deleted.")


def _made_of(case: Case) -> dict[str, Any]:
    """What a case's result depends on: a failed one is run again when more images have come."""
    return {
        "image": digest(" ".join(sorted(case.group.images))),
        "boxes": digest(case.measurement.instance),
    }


def _words(error: Exception) -> str:
    """What went wrong; what a library says may name the patient, and is left out."""
    if isinstance(error, MasamError):
        return str(error)
    if isinstance(error, MemoryError):
        return "The memory is not enough for this case."
    if isinstance(error, OSError) and error.strerror:
        return f"{error.strerror}."
    return f"Something unforeseen happened ({type(error).__name__})."
