"""Registering: pending, with everything that it was made from -> signed candidate -> approved.

A registration that dies can be repeated with its request id and goes on where it stopped; if nobody
repeats it, the sweep turns its pending version into a failed one.
"""

from __future__ import annotations

from datetime import datetime

from tidegate.errors import IllegalTransitionError
from tidegate.registry import inputs, versions
from tidegate.registry.commanding import Commanding
from tidegate.registry.commits import Act, Command
from tidegate.registry.signing import Signer, statement_of
from tidegate.registry.values import Signature, Version, VersionDraft


class Registering(Commanding):
    """The commands on versions."""

    def register(
        self,
        model: str,
        draft: VersionDraft,
        signer: Signer,
        *,
        at: datetime,
        actor: str,
        request_id: str,
    ) -> Version:
        """Give a draft the next number and sign it; a `request_id` seen before gets its version.

        The version is a candidate, and approved at once when all its gates passed. Raises
        `IllegalTransitionError` when the version was given up since, `SignatureError` when the key
        can't sign.
        """
        asked = self.reserve(model, draft, at=at, actor=actor, request_id=request_id)
        number = asked.number
        now = self.version(model, number)
        if now.status == "quarantined":
            return now  # whatever was answered before, nothing goes on with it
        if now.status == "failed":
            raise IllegalTransitionError(
                f"version {number} of {model!r} was given up before it was complete; ask anew"
            )
        signature = self._signature(now, signer)
        done = self.complete(
            model, number=number, signature=signature, at=at, actor=actor, request_id=request_id
        )
        if not done.gates_passed:
            return done
        return self.approve(model, number=number, at=at, actor=actor, request_id=request_id)

    def reserve(
        self, model: str, draft: VersionDraft, *, at: datetime, actor: str, request_id: str = ""
    ) -> Version:
        """Give a draft the next number, and record what it was made from; it is pending."""
        act = Act(at, actor, f"run {draft.run}", request_id)
        version = self._do(
            model,
            Command("reserve", (draft,)),
            act,
            lambda meta: versions.reserve(meta, draft, act),
        )
        for index in range(1, inputs.chunks(len(draft.inputs))):
            self._record_inputs(version, draft, index, Act(at, actor, act.reason))
        return version

    def complete(
        self,
        model: str,
        *,
        number: int,
        signature: Signature,
        at: datetime,
        actor: str,
        request_id: str = "",
    ) -> Version:
        """Turn a pending version into a candidate and keep its signature.

        The signature is no part of the request: the same key signs the same thing otherwise each
        time. Raises `IllegalTransitionError` when the version was given up.
        """
        return self._do(
            model,
            Command("complete", (number,)),
            Act(at, actor, request_id=request_id),
            lambda _: versions.complete(self._store, model, number, signature),
        )

    def fail_version(
        self,
        model: str,
        *,
        number: int,
        at: datetime,
        actor: str,
        reason: str,
        request_id: str = "",
    ) -> Version:
        """Give a pending version up; any other is returned as it is."""
        return self._do(
            model,
            Command("fail_version", (number, reason)),
            Act(at, actor, reason, request_id),
            lambda _: versions.fail(self._store, model, number),
        )

    def approve(
        self,
        model: str,
        *,
        number: int,
        at: datetime,
        actor: str,
        override: str = "",
        request_id: str = "",
    ) -> Version:
        """Let a candidate be released; one whose gates failed needs an `override` reason."""
        return self._do(
            model,
            Command("approve", (number, override)),
            Act(at, actor, override or "all gates passed", request_id),
            lambda _: versions.approve(self._store, model, number, override),
        )

    def quarantine(
        self,
        model: str,
        *,
        number: int,
        at: datetime,
        actor: str,
        reason: str,
        request_id: str = "",
    ) -> Version:
        """Keep a version from being released; the champion must be replaced first."""
        return self._do(
            model,
            Command("quarantine", (number, reason)),
            Act(at, actor, reason, request_id),
            lambda _: versions.quarantine(self._store, model, number, reason),
        )

    def _record_inputs(self, version: Version, draft: VersionDraft, index: int, act: Act) -> None:
        self._do(
            version.model,
            Command("record_inputs", (version.number, index)),
            act,
            lambda _: versions.record_inputs(
                self._store, version.model, version.number, draft, index
            ),
        )

    def _signature(self, version: Version, signer: Signer) -> Signature:
        stored = self._store.read(Signature, version.model, str(version.number))
        if stored is not None:
            return stored
        signed = signer.sign(statement_of(version).to_bytes())
        return Signature(version.model, version.number, signed.key, signed.algorithm, signed.value)
