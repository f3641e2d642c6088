"""Fuzz the serving function: `python -m tests.fuzz --seconds 60`.

Coverage of our own code leads the search; what breaks a promise is written to `.tidegate/fuzz`.
Findings that were fixed belong into `corpus.json`, which the unit tests replay.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["tidegate"]):
    from tests.fuzz.target import check, corpus, served

WORDS = Path(__file__).with_name("words.txt")
FOUND = Path(".tidegate/fuzz")  # what the search keeps for itself


def main() -> None:
    """Search until the time is over or something breaks."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz")
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--seed", type=int, default=7)
    asked = parser.parse_args()
    FOUND.mkdir(parents=True, exist_ok=True)
    for name, data in corpus().items():
        (FOUND / name).write_bytes(data)
    options = (f"-max_total_time={asked.seconds}", f"-seed={asked.seed}", "-timeout=5")
    files = (f"-dict={WORDS}", f"-artifact_prefix={FOUND}/broken-", str(FOUND))
    with served():
        atheris.Setup([sys.argv[0], *options, "-max_len=4096", *files], check)
        atheris.Fuzz()


if __name__ == "__main__":
    main()
