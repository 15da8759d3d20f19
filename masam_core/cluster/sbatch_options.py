"""What a user asks of Slurm, in sbatch's own words."""

from __future__ import annotations

import re
import shlex
from typing import Any

from masam_core.errors import ConfigError

DEFAULT_MINUTES = 240  # of a job; one that reaches its time is queued again, and goes on
_SHORT = {
    "A": "account",
    "C": "constraint",
    "c": "cpus-per-task",
    "G": "gpus",
    "N": "nodes",
    "p": "partition",
    "q": "qos",
    "t": "time",
    "w": "nodelist",
    "x": "exclude",
}
# What MASAM says itself.
_OURS = (
    *("array", "chdir", "error", "export", "nodes", "ntasks", "ntasks-per-node"),
    *("open-mode", "output", "parsable", "signal", "test-only", "wait", "wrap"),
    *("clusters",),  # squeue is asked of the own one
)
# D-HH:MM:SS, D-HH:MM, D-HH; HH:MM:SS, MM:SS, MM (sbatch(1), --time)
_DAYS = re.compile(r"(\d+)-(\d+)(?::(\d+))?(?::(\d+))?")
_TIME = re.compile(r"(?:(?:(\d+):)?(\d+):(\d+)|(\d+))")


def read_options(words: str) -> dict[str, Any]:
    """Options of sbatch by their long names; one without a value is True.

    >>> read_options("-p gpu --gres=gpu:1 --exclusive")
    {'partition': 'gpu', 'gres': 'gpu:1', 'exclusive': True}

    Raises:
        ConfigError: a word that is no option, or one that MASAM sets itself.
    """
    try:
        parts = shlex.split(words)
    except ValueError as error:
        raise ConfigError(f"The options of Slurm can't be read: {error}.") from error
    found: dict[str, Any] = {}
    while parts:
        word = parts.pop(0)
        name, equals, value = word.lstrip("-").partition("=")
        if re.fullmatch(r"-[A-Za-z].*", word) and not word.startswith("--"):
            if word[1] not in _SHORT:
                raise ConfigError(f"{word} is no option of Slurm that is known here; name it --...")
            name, value = _SHORT[word[1]], word[2:]
            equals = value
        elif not re.fullmatch(r"--[a-z][a-z-]*(=.*)?", word, re.DOTALL):
            raise ConfigError(
                f"{word!r} is no option of Slurm; expected such as --partition gpu --gres gpu:1."
            )
        if name in _OURS:
            raise ConfigError(
                f"--{name} is what MASAM tells Slurm itself, by its own options; leave it out."
            )
        if equals:
            found[name] = value
        elif parts and not parts[0].startswith("-"):
            found[name] = parts.pop(0)
        else:
            found[name] = True
    return found


def minutes_of(time: str) -> int:
    """Minutes, rounded up, of a time as sbatch takes it; ConfigError for another word.

    >>> minutes_of("1-02:30"), minutes_of("90"), minutes_of("1:00:01")
    (1590, 90, 61)
    """
    if match := _DAYS.fullmatch(time):
        days, hours, minutes, seconds = (int(part or 0) for part in match.groups())
    elif match := _TIME.fullmatch(time):
        days = 0
        hours, minutes, seconds = (int(part or 0) for part in match.groups()[:3])
        minutes += int(match[4] or 0)
    else:
        raise ConfigError(f"The time for Slurm is {time!r}; expected such as 4:00:00 or 1-00:00.")
    return (days * 24 + hours) * 60 + minutes + (seconds > 0)
