"""A batch over files: read, segment, write, case after case."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from masam_core.batch.case import BatchCase
from masam_core.batch.fingerprint import case_files, settings
from masam_core.batch.places import mask_of, place_of, require_apart, require_own_masks
from masam_core.batch.queue import BatchQueue, lock_folder
from masam_core.batch.read_ahead import ReadAhead
from masam_core.batch.shards import Shard, ShardLock
from masam_core.batch.spec import BatchSpec
from masam_core.batch.states import DONE, PENDING, RUNNING, reported, state_folder
from masam_core.batch.stores import Fetched
from masam_core.batch.work import OnProgress, prompts_of_case, read_case, words_of, work_on
from masam_core.errors import Cancelled, MasamError
from masam_core.image.volume import Volume
from masam_core.inference.box_segmenter import BoxSegmenter
from masam_core.prompts.record import PromptRecord

_MOMENT = 0.1  # seconds
OnCase = Callable[[str, str, str], None]


def open_queue(
    cases: Sequence[BatchCase],
    spec: BatchSpec,
    shard: Shard | None = None,
    device: str | None = None,
) -> BatchQueue:
    """The queue of a results folder: new, or gone on with. The folder is held until its release.

    Whatever can't be written is found here, before anything is computed.

    Args:
        cases: of the batch, or of the shard.
        spec: of the batch.
        shard: whose cases they are; other processes may work on other shards of the folder.
        device: kind of device that computes, where that is elsewhere; see ``settings``.

    Raises:
        ConfigError: the results would lie among the images, or in a file that no batch has written;
            another batch writes there; see also BatchQueue and ``settings``.
        SegmentationError: a result can't be written, or would replace an image or boxes.
    """
    require_apart(cases, spec)
    lock = lock_folder(spec.out, spec.fresh) if shard is None else lock_shard(spec, shard)
    try:
        shared = settings(spec, device)
        made_of = {case.name: {**case_files(case), **shared} for case in cases}
        sources = {case.name: place_of(case.image) for case in cases}
        names = [case.name for case in cases]
        queue = BatchQueue(
            names,
            spec.out,
            made_of,
            spec.fresh,
            sources=sources,
            held=lock,
            alone=shard is None,
        )
        if not spec.fresh:
            require_own_masks(cases, spec, queue)
        elif shard is not None:
            for case in cases:  # it may be gone on with by a job that does not begin anew
                queue.requeue(case.name)
        for case in cases:
            if queue.cases[case.name].status == DONE and not mask_of(case, spec).is_file():
                queue.requeue(case.name, "Run again: its mask is not there any more.")
        if spec.retry_failed:
            queue.retry_failed()
    except BaseException:
        lock.release()
        raise
    if lock.note:
        queue.notes.insert(0, lock.note)
    return queue


def lock_shard(spec: BatchSpec, shard: Shard) -> ShardLock:
    """The lock of a shard; raises as ``lock_folder``."""
    folder = state_folder(spec.out, spec.fresh)
    with reported(folder):
        return ShardLock(folder, shard)


def run_batch(
    cases: Sequence[BatchCase],
    queue: BatchQueue,
    segmenter: BoxSegmenter,
    spec: BatchSpec,
    on_case: OnCase,
    on_progress: OnProgress,
    cancelled: Callable[[], bool],
    read_ahead: bool = True,
) -> bool:
    """Work through what waits in the queue; whatever goes wrong with a case ends that case alone.

    Args:
        cases: of the queue.
        queue: with a folder, where everything is written.
        segmenter: computes.
        spec: of the batch.
        on_case: called with name, status and message when a case begins and ends.
        on_progress: called with name, fraction and words.
        cancelled: asked between windows.
        read_ahead: read the next image while one is computed; it takes memory for both.

    Returns:
        Whether it went through to the end. If not, the case that ran waits again. The queue's
        folder is released.
    """
    by_name = {case.name: case for case in cases}
    held: list[Fetched] = []  # of the case that is computed

    def take(case: BatchCase) -> tuple[Fetched, Volume]:
        local = Fetched(case)
        try:
            return local, read_case(spec.modality, local.case)
        except BaseException as error:
            local.close()
            if isinstance(error, MasamError):
                raise type(error)(local.in_words(str(error))) from error
            raise

    ahead = ReadAhead(take)

    def read(case: BatchCase) -> tuple[BatchCase, Volume, list[PromptRecord]]:
        try:
            local, volume = ahead.take(case)
            held.append(local)
            return local.case, volume, prompts_of_case(local.case, volume, spec)
        finally:
            # After the boxes: label images are read by the same process.
            following = queue.next()  # this case no longer waits
            if read_ahead and following is not None:
                ahead.begin(by_name[following])

    def in_words(text: str) -> str:
        return held[-1].in_words(text) if held else text

    def attempt(case: BatchCase) -> None:
        try:
            rows, notes = work_on(case, read, queue.log, segmenter, spec, on_progress, cancelled)
            queue.finish(case.name, rows, in_words(" ".join(notes)))
        except Cancelled:
            raise
        except MasamError as error:
            # What stops this process (scancel, a machine that shuts down) may have ended the worker
            # or the reader a moment before: the case did not fail then.
            time.sleep(_MOMENT)
            if cancelled():
                raise Cancelled(str(error)) from error
            queue.fail(case.name, in_words(words_of(error)))
        except Exception as error:
            queue.fail(case.name, in_words(words_of(error)))
        finally:
            while held:
                held.pop().close()

    try:
        while (name := queue.next()) is not None and not cancelled():
            queue.start(name, case_files(by_name[name]))
            on_case(name, RUNNING, "")
            attempt(by_name[name])
            on_case(name, queue.cases[name].status, queue.cases[name].message)
        return queue.next() is None
    except (Cancelled, KeyboardInterrupt):
        for name in [n for n, case in queue.cases.items() if case.status == RUNNING]:
            queue.cancel()
            on_case(name, PENDING, "")
        return False
    finally:
        try:
            queue.write_table()
        finally:
            queue.release()
