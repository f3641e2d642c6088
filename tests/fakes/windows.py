"""Windows and references for tests, and hypothesis strategies that make them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import strategies as st

from tidegate.windows.values import (
    LATENCY_EDGES_MS,
    Bins,
    ColumnReference,
    Counts,
    Label,
    Reference,
    Window,
)

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
REFERENCE = Reference(
    columns={
        "wind": ColumnReference(Bins(edges=(0.0, 1.0)), Counts((1, 2, 3)), (-1.0, 0.5, 2.0), 1.0),
        "harbour": ColumnReference(Bins(levels=("north", "south")), Counts((4, 2))),
    },
    score=ColumnReference(Bins(edges=(0.5,)), Counts((3, 3)), (0.2, 0.8), 0.3),
    labels={"late": 3, "on time": 3},
    metrics={"auc": 0.7},
    block_rows=3,
)


def counts_of(bins: Bins) -> st.SearchStrategy[Counts]:
    cells = st.lists(st.integers(0, 10**9), min_size=bins.cells, max_size=bins.cells)
    return st.builds(Counts, cells.map(tuple), st.integers(0, 10**6))


MOMENTS = st.integers(0, 10**9).map(lambda ms: NOON + timedelta(milliseconds=ms))


@st.composite
def windows(draw: st.DrawFn) -> Window:
    start, end = sorted([draw(MOMENTS), draw(MOMENTS)])
    totals = {
        name: draw(st.integers(0, 10**9))
        for name in (
            "requests",
            "rows",
            "rejected",
            "errors",
            "invalid",
            "cold_starts",
            "uncounted",
        )
    }
    cells = len(LATENCY_EDGES_MS) + 1
    columns = {name: draw(counts_of(c.bins)) for name, c in REFERENCE.columns.items()}
    left_out = draw(st.sets(st.sampled_from(sorted(columns))))
    return Window(
        id=draw(st.from_regex(r"[a-z0-9]{1,12}", fullmatch=True)),
        model="ferry-delay",
        version=3,
        release="r-3",
        start=start,
        end=end,
        **totals,
        latency_ms=tuple(draw(st.lists(st.integers(0, 99), min_size=cells, max_size=cells))),
        score=draw(counts_of(REFERENCE.score.bins)),
        labels=draw(st.dictionaries(st.sampled_from(["late", "on time"]), st.integers(0, 10**9))),
        columns={name: c for name, c in columns.items() if name not in left_out},
        clusters=draw(st.tuples(*[st.floats(0, 1e12)] * 4)),
        container=draw(st.sampled_from(["", "c1", "c-2"])),
        earlier=draw(st.integers(0, 10**9)),
    )


def window(id: str = "w1", *, end: datetime = NOON, release: str = "r-3", rows: int = 6) -> Window:
    return Window(
        id=id,
        model="ferry-delay",
        version=3,
        release=release,
        start=end - timedelta(seconds=60),
        end=end,
        requests=2,
        rows=rows,
        latency_ms=(0,) * len(LATENCY_EDGES_MS) + (2,),
        score=Counts((rows - 1, 1)),
        labels={"late": rows},
        columns={"wind": Counts((rows, 0, 0), 1), "harbour": Counts((0, rows))},
        clusters=(rows * 3.0, 1.5, 0.25, 0.5),
    )


def label(receipt: str = "a1", row: int = 0, *, at: datetime = NOON, text: str = "late") -> Label:
    return Label(
        model="ferry-delay",
        version=3,
        release="r-3",
        receipt=receipt,
        row=row,
        predicted_at=at,
        received_at=NOON + timedelta(days=2),
        score=(0.123456,),
        label=text,
    )
