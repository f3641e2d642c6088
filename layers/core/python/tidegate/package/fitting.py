"""Whether an endpoint can load a model: memory is measured, not guessed.

The bytes of a model say little: loaded, dense layers take about their size several times over and
trees more than ten times. So intake loads the model in a process of its own and measures that.
"""

from __future__ import annotations

from tidegate.errors import IntakeError

RUNTIME_MB = 64  # Lambda's runtime client, this library and one request
LARGEST_MEMORY_MB = 10_240  # that a Lambda function can have


def check_memory(peak_mb: int, *, memory_mb: int, size: int) -> None:
    """Raise `IntakeError` unless a model fits into an endpoint's memory.

    `peak_mb` (MiB) is what a process needed that loaded and ran it, `size` are its bytes.

    >>> check_memory(300, memory_mb=512, size=25_000_000)
    """
    needed = peak_mb + RUNTIME_MB
    if needed <= memory_mb:
        return
    what = f"the model ({size:,} bytes) needs {needed:,} MB of memory when it is loaded and run"
    if needed > LARGEST_MEMORY_MB:
        raise IntakeError(f"{what}, more than Lambda's {LARGEST_MEMORY_MB:,}: train a smaller one")
    raise IntakeError(
        f"{what}, and serving.memory_mb is {memory_mb:,}: set it to at least {needed:,} in"
        " model.toml, deploy, and train again"
    )
