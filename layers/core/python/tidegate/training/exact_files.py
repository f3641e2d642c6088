"""The exact data of a version: content and rows from its package, object versions from its run."""

from __future__ import annotations

from collections.abc import Iterable

from tidegate.errors import CorruptRecordError
from tidegate.package.inputs import FileRead
from tidegate.registry.values import DataFile, DataObject


def exact_files(read: Iterable[FileRead], given: Iterable[DataObject]) -> tuple[DataFile, ...]:
    """Join the files that a package was made from with the objects that its run was given.

    They belong together by key and SHA-256. Raises `CorruptRecordError` naming a file that is in
    one and not the other.
    """
    objects = {(item.key, item.checksum): item for item in given}
    files = []
    for file in read:
        item = objects.pop((file.key, file.checksum), None)
        if item is None:
            raise CorruptRecordError(f"{file.key} of the package's data.json was not given to it")
        files.append(DataFile(file.key, item.version_id, file.checksum, file.size, file.rows))
    if objects:
        key, _ = min(objects)
        raise CorruptRecordError(f"{key} was given to the training and is not in data.json")
    return tuple(files)
