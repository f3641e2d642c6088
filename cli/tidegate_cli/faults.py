"""What can go wrong on the command line's own ground; each message says what to do."""

from __future__ import annotations

OK, FAILED, USAGE, BAD_INPUT, NOT_FOUND, UNREACHABLE = range(6)

EXIT_CODES = (
    "0 done · 1 a negative outcome (gates failed, rolled back, run failed) · 2 wrong usage · "
    "3 wrong input or model folder · 4 not found · 5 the cloud can't be reached or refuses"
)


class CommandError(Exception):
    """A command can't go on; `hint` is the next thing to try."""

    code = FAILED

    def __init__(self, message: str, *, hint: str = "") -> None:
        """Say what is wrong, and the `hint` that helps."""
        super().__init__(message)
        self.hint = hint


class InputError(CommandError):
    """What was typed or what a file holds is wrong."""

    code = BAD_INPUT


class MissingError(CommandError):
    """What was asked for does not exist."""

    code = NOT_FOUND


class CloudUnreachableError(CommandError):
    """The environment can't be reached or does not let us in."""

    code = UNREACHABLE


class CloudDownError(CloudUnreachableError):
    """The local cloud is not running."""
