"""A small model folder that is right in every part, to be broken one part at a time."""

from __future__ import annotations

from pathlib import Path

MODEL_TOML = """\
name = "ferry-delay"
owner = "harbour-team"
contact = "harbour@example.com"
cost_center = "cc-42"
description = "Whether a ferry arrives late."
task = "binary"

[target]
column = "late"
classes = ["no", "yes"]

[time]
column = "departed_at"

[columns.wind]
type = "float"
minimum = 0
maximum = 60.5
nullable = true

[columns.passengers]
type = "integer"
minimum = 0
maximum = 2000

[columns.holiday]
type = "boolean"

[columns.harbour]
type = "category"
categories = ["north", "south"]
unknown = "map"
description = "Where it leaves."

[holdout]
kind = "latest"
days = 14

[training]
entry = "train.py:train"
max_minutes = 30

[training.params]
depth = 4
rate = 0.1
kind = "gbdt"
early = true

[[gates]]
metric = "auc"
minimum = 0.6
max_regression = 0.01

[serving]
memory_mb = 1024
max_rows = 500
threshold = 0.4

[release]
steps = [5, 50, 100]

[monitor]
confirm = 2
of = 3

[governor]
on_drift = "notify"

[data]
loader = "load.py:files"
"""
TRAIN_PY = "def train(frame, params):\n    return None\n"
LOAD_PY = "def files():\n    return []\n"
REQUIREMENTS = "scikit-learn==1.9.1\n"


def write_model_folder(parent: Path, *, toml: str = MODEL_TOML, train: str = TRAIN_PY) -> Path:
    """Write the folder `ferry_delay` and return it."""
    folder = parent / "ferry_delay"
    folder.mkdir()
    (folder / "model.toml").write_text(toml, encoding="utf-8")
    (folder / "train.py").write_text(train, encoding="utf-8")
    (folder / "load.py").write_text(LOAD_PY, encoding="utf-8")
    (folder / "requirements.txt").write_text(REQUIREMENTS, encoding="utf-8")
    return folder
