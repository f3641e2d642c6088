"""What planning and finishing a job work with."""

from __future__ import annotations

from dataclasses import dataclass

from tidegate.batch.addresses import Buckets
from tidegate.batch.ports import Objects
from tidegate.registry.reading import Reading


@dataclass(frozen=True)
class House:
    """The registry, objects, and the buckets that jobs may use."""

    registry: Reading
    objects: Objects
    buckets: Buckets
