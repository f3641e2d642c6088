"""Plan: fix version and inputs once, so that the whole job is one package over one list of objects.

order -> addresses allowed? -> version -> objects -> items of the map, as one JSON array
"""

from __future__ import annotations

from dataclasses import dataclass

from tidegate.batch import addresses
from tidegate.batch.addresses import Address
from tidegate.batch.house import House
from tidegate.batch.outputs import check_names
from tidegate.batch.values import Manifest, Order, Piece, Source
from tidegate.decoding import canonical_json, decode, parse_json
from tidegate.errors import NotFoundError, RequestError
from tidegate.registry.values import Version

MAX_OBJECTS = 10_000  # the manifest names each, and one function writes it
MAX_OBJECT_BYTES = 1_000_000_000  # what a worker scores within its 15 minutes and its disk
USABLE = ("candidate", "approved", "champion", "retired")  # a version's status


@dataclass(frozen=True)
class Plan:
    """A plan as the state machine hands it on: where the items lie, and when it was made."""

    bucket: str
    items: str  # key of the items
    results: str  # prefix for the map's own results
    objects: int
    version: int
    digest: str
    started: str

    @classmethod
    def from_event(cls, event: object) -> Plan:
        """Read it back; raise `RequestError` naming the field at fault."""
        try:
            return decode(cls, event)
        except ValueError as error:
            raise RequestError(f"batch plan: {error}") from None


def choose_version(order: Order, house: House) -> Version:
    """Return the version of an order; raise `NotFoundError` or `RequestError` saying what to do."""
    if order.version:
        version = house.registry.version(order.model, order.version)
    else:
        champion = house.registry.champion(order.model)
        if champion is None:
            raise NotFoundError(f"{order.model} has no champion; release one, or give --version")
        version = champion
    if version.status not in USABLE:
        raise RequestError(
            f"{order.model}@{version.number} is {version.status}; choose another with --version"
        )
    return version


def make_plan(order: Order, version: Version, house: House, started: str) -> Plan:
    """List the inputs and write the items; `started` is the moment in ISO 8601.

    Raises `RequestError` when the order can't be done: addresses, names, sizes, kept columns, or
    another version's outputs where this one's would go; `BatchError` when a Parquet output can't
    have the kept columns.
    """
    _check_numbers(order)
    source = house.buckets.read(order.source, what="input")
    out = house.buckets.read(order.out, what="--out")
    addresses.apart(source, out)
    own = addresses.job_prefix(order.model, order.job)
    _check_earlier(order, version, out, house)
    pieces = _pieces(order, version, _sources(source, house), source, out)
    _check_names(pieces)
    for form in sorted({piece.format for piece in pieces}):
        check_names(order.keep, form)
    items = f"{own}items.json"
    house.objects.put(house.buckets.own, items, canonical_json(pieces_to_items(pieces)))
    results, digest = f"{own}map", version.package_digest
    return Plan(house.buckets.own, items, results, len(pieces), version.number, digest, started)


def pieces_to_items(pieces: tuple[Piece, ...]) -> list[object]:
    """Return the JSON form of pieces, an item of the map each."""
    return [parse_json(canonical_json(piece)) for piece in pieces]


def read_items(plan: Plan, house: House) -> tuple[Piece, ...]:
    """Return a plan's pieces; raise `NotFoundError` when they were removed."""
    data = house.objects.get(plan.bucket, plan.items)
    if data is None:
        raise NotFoundError(f"s3://{plan.bucket}/{plan.items} does not exist")
    listed = parse_json(data)
    return tuple(Piece.from_event(item) for item in (listed if isinstance(listed, list) else []))


def _sources(source: Address, house: House) -> list[Source]:
    found = []
    for item in house.objects.list(source.bucket, source.key):
        if addresses.format_of(item.key) is None:
            continue
        if item.size > MAX_OBJECT_BYTES:
            raise RequestError(
                f"s3://{item.bucket}/{item.key} has {item.size:,} bytes; at most "
                f"{MAX_OBJECT_BYTES:,} are taken: split it"
            )
        found.append(item)
        if len(found) > MAX_OBJECTS:
            raise RequestError(f"more than {MAX_OBJECTS:,} objects lie under {source}: split them")
        if item.key == source.key:  # the first of a listing, so it alone is meant
            break
    if not found:
        raise RequestError(f"no .csv, .jsonl or .parquet object lies under {source}")
    return found


def _pieces(
    order: Order, version: Version, sources: list[Source], source: Address, out: Address
) -> tuple[Piece, ...]:
    prefix = addresses.output_prefix(out)
    pieces = []
    for item in sources:
        form = order.format or addresses.format_of(item.key) or "jsonl"
        name = addresses.output_name(item.key, prefix=source.key, form=form)
        piece = Piece(
            job=order.job,
            model=order.model,
            version=version.number,
            digest=version.package_digest,
            source=item,
            out_bucket=out.bucket,
            out_key=f"{prefix}{name}",
            part_key=f"{prefix}{addresses.PARTS}{name}.json",
            format=form,
            keep=order.keep,
            max_bad_rows=order.max_bad_rows,
            resume=order.resume,
        )
        pieces.append(piece)
    return tuple(pieces)


def _check_numbers(order: Order) -> None:
    if not 0 <= order.tolerated_percent <= 100:
        raise RequestError(f"tolerated_percent is {order.tolerated_percent}; 0 to 100 is expected")
    if not 1 <= order.concurrency <= 1000:
        raise RequestError(f"concurrency is {order.concurrency}; 1 to 1000 is expected")


def _check_names(pieces: tuple[Piece, ...]) -> None:
    """Refuse two inputs whose outputs would have one name, and names that are ours."""
    seen: dict[str, str] = {}
    for piece in pieces:
        name, key = piece.out_key, piece.source.key
        if name in seen:
            raise RequestError(f"{seen[name]} and {key} would both be written to {name}")
        seen[name] = key
        if len(piece.part_key.encode()) > 1024:
            raise RequestError(f"{name}: the key is longer than the 1,024 bytes that S3 takes")


def _check_earlier(order: Order, version: Version, out: Address, house: House) -> None:
    """Refuse to mix the outputs of two packages under one prefix."""
    earlier = read_manifest(out, house)
    if earlier is not None and earlier.package_digest != version.package_digest:
        raise RequestError(
            f"{out} holds the outputs of {earlier.model}@{earlier.version}, not of "
            f"{order.model}@{version.number}; choose another --out"
        )


def read_manifest(out: Address, house: House) -> Manifest | None:
    """Return the manifest that lies under an output; None when there is none that can be read."""
    key = f"{addresses.output_prefix(out)}{addresses.MANIFEST}"
    data = house.objects.get(out.bucket, key)
    if data is None:
        return None
    try:
        return decode(Manifest, parse_json(data))
    except ValueError:
        return None
