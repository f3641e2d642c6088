"""An endpoint in memory: function versions, an alias with revisions, answers by function."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from tidegate.errors import NotFoundError, TrafficConflictError, TrafficError
from tidegate.package.archive import code_sha256
from tidegate.release.ports import Routing


@dataclass
class FakeTraffic:
    """`Traffic` that starts with the seed version 1; `answer(env, payload)` is the function.

    `fail_on` maps a method's name to errors it raises, one per call; `before_routing` and
    `before_route` run just before the alias is read or moved, to let somebody else be faster.
    """

    answer: Callable[[Mapping[str, str], bytes], bytes] = lambda _env, _payload: b"{}"
    now: Routing = field(default_factory=lambda: Routing("1", revision="r1"))
    published: dict[str, tuple[str, dict[str, str]]] = field(default_factory=dict)
    pending: int = 0
    corrupt: bool = False
    fail_on: dict[str, list[Exception]] = field(default_factory=dict)
    before_routing: list[Callable[[], object]] = field(default_factory=list)
    before_route: list[Callable[[], object]] = field(default_factory=list)
    routes: list[Routing] = field(default_factory=list)

    def publish(self, package_uri: str, *, env: Mapping[str, str]) -> str:
        self._maybe_fail("publish")
        version = str(len(self.published) + 2)
        self.published[version] = (package_uri, dict(env))
        return version

    def is_ready(self, function_version: str) -> bool:
        self._maybe_fail("is_ready")
        self._version(function_version)
        self.pending -= 1
        return self.pending < 0

    def code_sha256(self, function_version: str) -> str:
        uri, _ = self._version(function_version)
        digest = uri.rsplit("/", 1)[-1].removesuffix(".zip")
        return code_sha256("0" * 64 if self.corrupt else digest)

    def invoke(self, function_version: str, payload: bytes) -> bytes:
        self._maybe_fail("invoke")
        return self.answer(self._version(function_version)[1], payload)

    def routing(self) -> Routing:
        self._maybe_fail("routing")
        if self.before_routing:
            self.before_routing.pop(0)()
        return self.now

    def route(
        self, function_version: str, *, revision: str, canary: str = "", weight: int = 0
    ) -> None:
        self._maybe_fail("route")
        if self.before_route:
            self.before_route.pop(0)()
        if revision != self.now.revision:
            raise TrafficConflictError(f"revision {revision} is not the latest")
        if function_version != "1" and function_version not in self.published:
            raise TrafficError(f"there is no function version {function_version}")
        self.set(Routing(function_version, canary if weight else "", weight if canary else 0))

    def set(self, routing: Routing) -> None:
        """Move the alias as somebody with the console would."""
        self.now = replace(routing, revision=f"r{int(self.now.revision[1:]) + 1}")
        self.routes.append(self.now)

    def _version(self, function_version: str) -> tuple[str, dict[str, str]]:
        if function_version not in self.published:
            raise NotFoundError(f"there is no function version {function_version}")
        return self.published[function_version]

    def _maybe_fail(self, method: str) -> None:
        errors = self.fail_on.get(method, [])
        if errors:
            raise errors.pop(0)
