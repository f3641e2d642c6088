"""The workflows port in memory: what was started, once per id."""

from __future__ import annotations

from dataclasses import dataclass, field

from tidegate.governance.workflows import ReleaseOrder, TrainingOrder


@dataclass
class MemoryWorkflows:
    """Implements `Workflows`."""

    trainings: dict[str, TrainingOrder] = field(default_factory=dict)
    releases: dict[str, ReleaseOrder] = field(default_factory=dict)

    def start_training(self, order: TrainingOrder) -> str:
        self.trainings.setdefault(order.run, order)
        return f"arn:train:{order.run}"

    def start_release(self, order: ReleaseOrder) -> str:
        self.releases.setdefault(order.release, order)
        return f"arn:release:{order.release}"
