"""The package as one deterministic zip, which is also the Lambda function's code.

Members are stored in the order of `FILES`, uncompressed, dated 1980, mode 0644. Stored, because the
bytes that zlib writes differ between its versions and the digest must not; Lambda unzips either.
Reading accepts exactly what writing makes: the members are zipped again and the bytes compared, so
nothing can hide in a header, a gap, a comment or a twin of a member, and nothing can inflate.

A model that is too large for a function's code lies apart: `POINTER` stands in its place and names
it by digest and size. All else is the same, so the zip's SHA-256 says which model it is either way.
"""

from __future__ import annotations

import base64
import hashlib
import io
from collections.abc import Mapping
from dataclasses import replace
from os.path import exists, join
from typing import TYPE_CHECKING, Any

from tidegate.contract import Contract
from tidegate.decoding import canonical_json, decode, parse_json
from tidegate.errors import DigestMismatchError, PackageError
from tidegate.frozen import frozen
from tidegate.package.golden_codec import check_widths, golden_from_json
from tidegate.package.manifest import (
    CARD,
    CONTRACT,
    FILES,
    FILES_APART,
    GOLDEN,
    MANIFEST,
    MODEL,
    POINTER,
    REFERENCE,
    Golden,
    Manifest,
)
from tidegate.package.pointer import ModelPointer, pointer_from_json, pointer_to_json
from tidegate.package.reference_codec import check_reference, reference_from_json
from tidegate.registry.lineage import Lineage
from tidegate.windows.values import Reference

if TYPE_CHECKING:
    from os import PathLike

    from tidegate.package.inputs import FileRead

CONTENTS = tuple(name for name in FILES if name != MANIFEST)
EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest date that a zip can hold
REGULAR_0644 = 0o100644 << 16
MAX_PACKAGE_BYTES = 125_000_000  # Lambda's 250 MB hold the layers as well


@frozen
class Package:
    """A verified package.

    `digest` is the zip's SHA-256, `environment` the lines of environment.txt, `data` the files of
    data.json; the three are empty when read from a folder, where answering requests is all.
    With a `pointer` the model lies apart and `model` is empty (see `tidegate.package.whole`).
    """

    digest: str
    model: bytes
    contract: Contract
    reference: Reference
    golden: Golden
    manifest: Manifest
    card: str
    environment: tuple[str, ...] = ()
    data: tuple[FileRead, ...] = ()
    pointer: ModelPointer | None = None


def build_package(
    files: Mapping[str, bytes],
    *,
    model: str,
    lineage: Lineage,
    metrics: Mapping[str, float],
    max_bytes: int = MAX_PACKAGE_BYTES,
) -> bytes:
    """Zip `CONTENTS` with a manifest made of the rest; raise `PackageError` when it isn't whole.

    When that has more than `max_bytes` the model is left out and named instead (`Package.pointer`):
    whoever stores the package stores the model too.
    Training job and parent version are left out of the manifest: another run of the same inputs has
    others and must give the same digest. The registry keeps them.
    """
    _check_names(files, CONTENTS)
    digests = {name: hashlib.sha256(files[name]).hexdigest() for name in CONTENTS}
    numbers = {name: float(value) for name, value in metrics.items()}
    manifest = Manifest(model, digests, replace(lineage, training_job="", parent=0), numbers)
    members = {**files, MANIFEST: _manifest_to_json(manifest)}
    data = _packed(members, digests[MODEL], max_bytes)
    open_package(data)  # what this makes, it must be able to read
    return data


def open_package(data: bytes, *, digest: str = "") -> Package:
    """Read a package; raise `DigestMismatchError` or `PackageError` naming the file at fault."""
    from tidegate.package.inputs import read_inputs  # an endpoint, which reads a folder, does not

    found = hashlib.sha256(data).hexdigest()
    if digest and found != digest:
        raise DigestMismatchError(f"the package's SHA-256 is {found}, not {digest}")
    if len(data) > MAX_PACKAGE_BYTES:
        raise PackageError(f"the package has {len(data)} bytes; at most {MAX_PACKAGE_BYTES} fit")
    files = _unzip(data)
    if _zip(files) != data:
        raise PackageError("the zip is not in canonical form (order, dates, modes, extra bytes)")
    package = _verified(files)
    environment, listed = read_inputs(files, package.manifest.lineage)
    return replace(package, digest=found, environment=environment, data=listed)


def read_folder(folder: str | PathLike[str]) -> Package:
    """Read an unpacked package (the Lambda task root), verified file by file.

    Files beside the package's own are ignored: a local runtime may put some there. Where the model
    lies apart the package's digest is computed, for the model is found by it.
    """
    has_model, has_pointer = (exists(join(folder, name)) for name in (MODEL, POINTER))
    apart = has_pointer and not has_model
    try:
        files = {name: _content(join(folder, name)) for name in (FILES_APART if apart else FILES)}
    except OSError as error:
        raise PackageError(f"{error.filename}: {error.strerror}") from None
    package = _verified(files)
    return replace(package, digest=hashlib.sha256(_zip(files)).hexdigest()) if apart else package


def _content(path: str) -> bytes:
    # To import pathlib takes 2 ms of a cold start, which needs it for nothing else.
    with open(path, "rb") as file:
        return file.read()


def code_sha256(digest: str) -> str:
    """Return a hex digest in the form of Lambda's `CodeSha256`.

    >>> code_sha256("00" * 32)
    'AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA='
    """
    return base64.b64encode(bytes.fromhex(digest)).decode()


def _packed(members: dict[str, bytes], model: str, max_bytes: int) -> bytes:
    """Zip the members; when that is too large, with the pointer to `model` (SHA-256) instead."""
    size = len(members[MODEL])
    if size <= max_bytes and len(data := _zip(members)) <= max_bytes:
        return data
    rest = {name: content for name, content in members.items() if name != MODEL}
    return _zip(rest | {POINTER: pointer_to_json(ModelPointer(model, size))})


def _zip(files: Mapping[str, bytes]) -> bytes:
    import zipfile  # 10 ms of a cold start, where a folder is read

    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name in _names(files):
            info = zipfile.ZipInfo(name, EPOCH)
            info.create_system = 3  # Unix on every machine, so that the mode counts
            info.external_attr = REGULAR_0644  # Lambda reads the files as another user
            archive.writestr(info, files[name])
    return buffer.getvalue()


def _unzip(data: bytes) -> dict[str, bytes]:
    import zipfile

    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = archive.infolist()
            names = [member.filename for member in members]
            if len(names) != len(set(names)):
                raise PackageError(f"a member stands twice: {sorted(names)[:10]}")
            _check_names(names, _names(names))
            for member in members:
                if member.compress_type != zipfile.ZIP_STORED or member.flag_bits:
                    raise PackageError(f"{member.filename}: stored as it is, is expected")
            return {name: archive.read(name) for name in names}
    except (zipfile.BadZipFile, EOFError, OSError, ValueError, NotImplementedError) as error:
        raise PackageError(f"not a package: {error}") from None


def _names(found: Any) -> tuple[str, ...]:  # noqa: ANN401 - any container
    """Return the names that a package with these files has, in their order."""
    return FILES_APART if POINTER in found and MODEL not in found else FILES


def _check_names(names: Any, expected: tuple[str, ...]) -> None:  # noqa: ANN401 - any container
    extra, missing = sorted(set(names) - set(expected)), sorted(set(expected) - set(names))
    if missing:
        raise PackageError(f"missing from the package: {', '.join(missing)}")
    if extra:
        raise PackageError(f"no part of a package: {', '.join(map(repr, extra[:10]))}")


def _verified(files: Mapping[str, bytes]) -> Package:
    manifest = _manifest_from_json(files[MANIFEST])
    pointer = pointer_from_json(files[POINTER]) if POINTER in files else None
    if pointer and pointer.sha256 != manifest.files[MODEL]:
        raise DigestMismatchError(f"{POINTER}: its SHA-256 is not the one of {MODEL} in {MANIFEST}")
    for name in CONTENTS:
        if name in files and hashlib.sha256(files[name]).hexdigest() != manifest.files[name]:
            raise DigestMismatchError(f"{name}: its SHA-256 is not the one in {MANIFEST}")
    contract = _contract(files[CONTRACT])
    if contract.model != manifest.model:
        raise PackageError(f"{CONTRACT} is of model {contract.model!r}, not {manifest.model!r}")
    reference, golden = reference_from_json(files[REFERENCE]), golden_from_json(files[GOLDEN])
    check_reference(reference, contract)
    check_widths(golden, contract)
    try:
        card = files[CARD].decode()
    except UnicodeDecodeError:
        raise PackageError(f"{CARD}: UTF-8 is expected") from None
    model = b"" if pointer else files[MODEL]
    return Package("", model, contract, reference, golden, manifest, card, pointer=pointer)


def _contract(data: bytes) -> Contract:
    try:
        return decode(Contract, parse_json(data))
    except ValueError as error:
        raise PackageError(f"{CONTRACT}: {error}") from None


def _manifest_to_json(manifest: Manifest) -> bytes:
    try:
        return canonical_json(manifest)
    except ValueError as error:
        raise PackageError(f"{MANIFEST}: {error}") from None


def _manifest_from_json(data: bytes) -> Manifest:
    try:
        manifest = decode(Manifest, parse_json(data))
    except ValueError as error:
        raise PackageError(f"{MANIFEST}: {error}") from None
    if manifest.format != 1:
        raise PackageError(f"{MANIFEST}: format 1 is expected, not {manifest.format}")
    if set(manifest.files) != set(CONTENTS):
        raise PackageError(f"{MANIFEST}: digests of {', '.join(CONTENTS)} alone are expected")
    if manifest.lineage.training_job or manifest.lineage.parent:
        raise PackageError(
            f"{MANIFEST}: names a training job or a parent, which only registries do"
        )
    if _manifest_to_json(manifest) != data:
        raise PackageError(f"{MANIFEST}: not in canonical form")
    return manifest
