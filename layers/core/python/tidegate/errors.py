"""The one error tree; class names are public API (workflows match on them, clients read them).

`retryable` says whether the same call may succeed later; `status` is the HTTP status of the class.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from tidegate.frozen import frozen


class TidegateError(Exception):
    """Root of every error that Tidegate raises on purpose."""

    retryable: ClassVar[bool] = False
    status: ClassVar[int] = 500


# -- what a person wrote is wrong ---------------------------------------------------------------


class ProjectError(TidegateError):
    """A model folder or an environment file is wrong; names file, key and what was expected."""

    status = 400

    def __init__(self, file: str, key: str, expected: str) -> None:
        """Name the `file`, the dotted `key` in it, and what was `expected` there."""
        super().__init__(f"{file}: {key}: {expected}" if key else f"{file}: {expected}")
        self.file, self.key, self.expected = file, key, expected


class SettingsError(TidegateError):
    """The process environment lacks a setting or holds one of the wrong form."""


class LayerError(TidegateError):
    """A Lambda layer could not be built from its lock, or is larger than its limit."""


@frozen
class Problem:
    """One thing wrong with one value: zero-based `row` (-1: the whole input), `column`, `rule`."""

    row: int
    column: str
    rule: str

    def to_dict(self) -> dict[str, object]:
        """Return the JSON form that an answer carries."""
        return {"row": self.row, "column": self.column, "rule": self.rule}


class RequestError(TidegateError):
    """A request is not of the form that the endpoint takes."""

    status = 400


class PayloadTooLargeError(RequestError):
    """A request holds more bytes or rows than the contract allows."""

    status = 413


class UnsupportedMediaTypeError(RequestError):
    """A request's body is of a media type or a content encoding that the route doesn't take."""

    status = 415


class InvalidRowsError(RequestError):
    """Rows break the contract; `problems` lists the first 20."""

    status = 422

    def __init__(self, problems: Sequence[Problem], total: int | None = None) -> None:
        """Keep the first 20 of `problems`; `total` counts all of them."""
        self.problems = tuple(problems[:20])
        self.total = len(problems) if total is None else total
        first = self.problems[0]
        where = f"row {first.row}, " if first.row >= 0 else ""
        super().__init__(
            f"{self.total} problem(s); first: {where}column {first.column}: {first.rule}"
        )


class ReceiptError(RequestError):
    """A receipt is forged, altered, foreign or expired."""


class DataError(TidegateError):
    """Training data break the contract; names the column."""

    status = 422


# -- what is not there --------------------------------------------------------------------------


class NotFoundError(TidegateError):
    """A model, version, release or object does not exist."""

    status = 404


class NoReleaseError(TidegateError):
    """The endpoint exists, but no version was released to it yet."""

    status = 503


# -- registry -----------------------------------------------------------------------------------


class RegistryConflictError(TidegateError):
    """Somebody else changed the model first; read again and decide again."""

    retryable = True
    status = 409


class ImmutableError(TidegateError):
    """A write would change something that is written once."""

    status = 409


class RecordError(TidegateError):
    """A value may not be written to the registry; names the record and the field."""

    status = 422


class IllegalTransitionError(TidegateError):
    """A version's status does not allow this move."""

    status = 409


class CorruptRecordError(TidegateError):
    """A stored record breaks the rules that it was written under; it is refused."""


# -- package and intake -------------------------------------------------------------------------


class PackageError(TidegateError):
    """A package is not well formed."""


class DigestMismatchError(PackageError):
    """The bytes are not the bytes whose digest is recorded."""


class SignatureError(PackageError):
    """A version's signature is missing, was made by another key or is of another statement."""

    status = 422


class ModelUnavailableError(TidegateError):
    """A model that lies apart from its package can't be read now; the next call tries again."""

    retryable = True
    status = 502


class IntakeError(PackageError):
    """An ONNX model is refused: operators, external data, schema, golden answers or limits."""


class ParityError(PackageError):
    """The exported model answers differently from the native one."""


class ExportError(PackageError):
    """A trained estimator has no exact ONNX form; names the class and what to do."""


# -- training -----------------------------------------------------------------------------------


class TrainingFailedError(TidegateError):
    """A training job ended without a package candidate."""


class UserCodeError(TrainingFailedError):
    """The user's own code failed or broke its promise; carries their traceback."""


# -- release ------------------------------------------------------------------------------------


class LockHeldError(TidegateError):
    """Another release of the model is under way and its lease has not ended."""

    retryable = True
    status = 409


class FencedError(TidegateError):
    """This release lost its lock to a later holder and must stop."""


class ReleaseRefusedError(TidegateError):
    """The version may not be released (status, quarantine, failed golden requests)."""

    status = 409


class TrafficError(TidegateError):
    """The endpoint's function or alias is not in the state that a step needs."""


class PublishPendingError(TrafficError):
    """The function is still being updated; try again."""

    retryable = True


class TrafficConflictError(TrafficError):
    """Somebody else changed the function or alias first; look again and decide again."""

    retryable = True
    status = 409


# -- batch --------------------------------------------------------------------------------------


class BatchError(TidegateError):
    """An object of a batch can't be scored, or too many of a job could not; names it."""

    status = 422


# -- upkeep -------------------------------------------------------------------------------------


class SweepError(TidegateError):
    """Some models could not be swept; names each with its error. The others were."""


# -- stores -------------------------------------------------------------------------------------


class LedgerConflictError(TidegateError):
    """Others kept writing the labels of the same receipt; send the batch again."""

    retryable = True
    status = 503


class ServiceUnavailableError(TidegateError):
    """A service that we depend on throttles us, fails or can't be reached; try again."""

    retryable = True
    status = 503


class ObjectExistsError(TidegateError):
    """An immutable object is already there."""

    status = 409


# -- clients ------------------------------------------------------------------------------------


class EndpointError(TidegateError):
    """An endpoint answered with an error that has no class of its own here."""

    def __init__(self, status: int, kind: str, message: str) -> None:
        """Keep the HTTP status and the error's `kind` (empty: not told) beside the message."""
        super().__init__(" ".join(filter(None, (f"HTTP {status}", kind))) + f": {message}")
        self.http_status, self.kind = status, kind


class EndpointUnreachableError(TidegateError):
    """An endpoint gave no answer: no connection, or none within the time."""

    retryable = True
    status = 503
