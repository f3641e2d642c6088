"""Native libraries without their debug information, for every architecture and without binutils.

A loader reads the segments that a library's program headers name. Sections, and what is only for
debuggers, mostly lie behind the last of them.
"""

from __future__ import annotations

import struct
from pathlib import Path

WORTH = 2**20  # bytes that a file must lose; for less a file stays as it came
_ELF64 = b"\x7fELF\x02\x01"  # 64 bits, little-endian: both architectures of Lambda
_PROGRAM_HEADERS = struct.Struct("<Q")  # where they are
_PROGRAM_HEADERS_AT = 32
_SECTION_HEADERS_AT = 40
_COUNTS = struct.Struct("<HHHHH")  # program headers: size, count; sections: size, count, of names
_COUNTS_AT = 54
_SEGMENT = struct.Struct("<8xQ16xQ")  # of one program header: where its bytes begin, how many


def cut_debug_information(library: Path) -> int:
    """Cut a file behind its last segment when that is worth it; return how many bytes it lost."""
    content = library.read_bytes()
    if content[: len(_ELF64)] != _ELF64:
        return 0
    at: int = _PROGRAM_HEADERS.unpack_from(content, _PROGRAM_HEADERS_AT)[0]
    size, count, *_ = _COUNTS.unpack_from(content, _COUNTS_AT)
    segments = [_SEGMENT.unpack_from(content, at + size * number) for number in range(count)]
    end: int = max([at + size * count, *(begin + length for begin, length in segments)])
    if len(content) - end < WORTH:
        return 0
    kept = bytearray(content[:end])
    struct.pack_into("<Q", kept, _SECTION_HEADERS_AT, 0)
    _COUNTS.pack_into(kept, _COUNTS_AT, size, count, 0, 0, 0)
    library.write_bytes(kept)
    return len(content) - end
