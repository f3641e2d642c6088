"""golden.json as canonical JSON, checked against the contract on the way in."""

from __future__ import annotations

from tidegate.contract import Contract
from tidegate.decoding import canonical_json, decode, parse_json
from tidegate.errors import PackageError
from tidegate.package.manifest import GOLDEN, Golden

MAX_TOLERANCE = 0.01


def golden_to_json(golden: Golden) -> bytes:
    """Return canonical bytes; raise `PackageError` when a number is not finite."""
    try:
        return canonical_json(golden)
    except ValueError as error:
        raise PackageError(f"{GOLDEN}: {error}") from None


def golden_from_json(data: bytes) -> Golden:
    """Read the bytes back; raise `PackageError` naming the field that is wrong."""
    try:
        golden = decode(Golden, parse_json(data))
    except ValueError as error:
        raise PackageError(f"{GOLDEN}: {error}") from None
    if not golden.records or len(golden.records) != len(golden.scores):
        found = f"{len(golden.records)} requests and {len(golden.scores)} answers"
        raise PackageError(f"{GOLDEN}: as many answers as requests are expected, not {found}")
    if not 0 < golden.tolerance <= MAX_TOLERANCE:
        raise PackageError(f"{GOLDEN}: tolerance: above 0 and at most {MAX_TOLERANCE} is expected")
    return golden


def check_widths(golden: Golden, contract: Contract) -> None:
    """Raise `PackageError` unless every answer has as many scores as the contract says."""
    for row, scores in enumerate(golden.scores):
        if len(scores) != contract.outputs:
            expected = f"{contract.outputs} scores are expected, not {len(scores)}"
            raise PackageError(f"{GOLDEN}: answer {row}: {expected}")
