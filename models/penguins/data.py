"""Penguins of Palmer Station: 344 birds of three species, measured in 2007 to 2009."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import pandas as pd

COLUMNS = ["island", "bill_length_mm", "bill_depth_mm", "flipper_length_mm", "body_mass_g", "sex"]


def load(since: date | None, until: date | None) -> Iterator[tuple[str, pd.DataFrame]]:
    """Yield one file per year of observation, since <= January 1st < until."""
    import palmerpenguins

    birds = palmerpenguins.load_penguins()
    for year, rows in birds.groupby("year"):
        first = date(int(year), 1, 1)
        if (since is None or first >= since) and (until is None or first < until):
            yield f"{first:%Y-%m-%d}", rows[[*COLUMNS, "species"]]
