"""Loss: a line that never arrived is missed as soon as a later one does."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from tests.fakes.windows import window
from tidegate.windows.loss import lost_requests
from tidegate.windows.values import Window


def told(container: str, sizes: list[int]) -> list[Window]:
    return [
        replace(window(), container=container, earlier=sum(sizes[:i]), requests=size)
        for i, size in enumerate(sizes)
    ]


SIZES = st.lists(st.integers(1, 50), min_size=1, max_size=8)


@given(SIZES, SIZES, st.data())
def test_what_lies_between_lines_that_arrived_is_lost(
    one: list[int], other: list[int], data: st.DataObject
) -> None:
    sent = told("a", one) + told("b", other)
    arrived = data.draw(st.lists(st.sampled_from(range(len(sent))), unique=True))
    missed = 0
    for container in ("a", "b"):
        own = [i for i, line in enumerate(sent) if line.container == container]
        seen = [i for i in own if i in arrived]
        if seen:
            within = range(min(seen), max(seen))
            missed += sum(sent[i].requests for i in within if i not in arrived)
    assert lost_requests(sent[i] for i in arrived) == missed


def test_windows_that_do_not_tell_their_container_say_nothing() -> None:
    assert lost_requests([window("1"), window("2")]) == 0
