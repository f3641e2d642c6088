"""Unpacked: extract a function's code or a layer once, by content, for every worker that needs it.

AWS mounts both read-only; extracting 100 MB of onnxruntime for each cold worker would cost more
than the cold start itself.
"""

import hashlib
import io
import shutil
import tempfile
import zipfile
from pathlib import Path


def unpack(archive: bytes, root: Path) -> Path:
    """Return the folder that holds the archive's files, extracting it on first sight.

    The zip is extracted beside its final name and then renamed, so a reader never sees half of it
    and two workers starting at once agree on one copy.
    """
    final = root / hashlib.sha256(archive).hexdigest()
    if final.is_dir():
        return final
    root.mkdir(parents=True, exist_ok=True)
    partial = Path(tempfile.mkdtemp(prefix="partial-", dir=root))
    with zipfile.ZipFile(io.BytesIO(archive)) as members:
        members.extractall(partial)  # extractall refuses absolute names and ".."
    try:
        partial.rename(final)
    except OSError:
        if not final.is_dir():
            raise
        shutil.rmtree(partial, ignore_errors=True)
    return final
