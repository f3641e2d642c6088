"""What made a version. Apart from the registry's other values: every cold start reads it."""

from __future__ import annotations

from dataclasses import field

from tidegate.frozen import frozen


@frozen
class Lineage:
    """What made a version; every digest is SHA-256 in hex."""

    data_digest: str
    code_digest: str
    environment_digest: str  # of the resolved environment (`pip freeze` + interpreter)
    params: dict[str, str | int | float | bool] = field(default_factory=dict)
    seed: int = 0
    git_commit: str = ""
    git_dirty: bool = False
    training_job: str = ""
    image: str = ""
    parent: int = 0  # champion when training started; 0: none
