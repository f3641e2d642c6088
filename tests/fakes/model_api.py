"""The API of one model without a network: the predictor's and the ledger's own answers."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

from tests.fakes.http_api import serving
from tests.fakes.ledger import MemoryLedger
from tests.fakes.served import CONTRACT, KEY, NOON, event, predictor
from tidegate.client.api import Answer, encode
from tidegate.contract import Contract
from tidegate.errors import TidegateError
from tidegate.serving import answers
from tidegate.serving.feedback import read_feedback
from tidegate.serving.requests import read_request


class ModelApi:
    """What `Client` needs of an `Api`; `sent` holds the path and content of every request."""

    def __init__(self, contract: Contract = CONTRACT) -> None:
        self.contract, self.predictor = contract, predictor(contract)
        self.ledger, self.at = MemoryLedger(), NOON
        self.sent: list[tuple[str, dict[str, Any]]] = []

    def post(self, path: str, payload: Any, *, gzipped: bool = False) -> Answer:  # noqa: ARG002
        body = encode(payload)
        self.sent.append((path, json.loads(body)))
        try:
            told = self._predict(body) if path.endswith("/predict") else self._feedback(body)
        except TidegateError as error:
            told = answers.refusal(error)
        return Answer(told.status, json.loads(told.body), 0.0)

    def send(self, method: str, path: str) -> Answer:
        self.sent.append((path, {}))
        request = read_request(event(method=method) | {"rawPath": path})
        told = serving(self.contract).answer(request, id="q", at=self.at.timestamp()).answer
        return Answer(told.status, json.loads(told.body), 0.0)

    def close(self) -> None:
        pass

    def _predict(self, body: bytes) -> answers.Answer:
        return self.predictor.predict(body, id=f"q{len(self.sent)}", at=self.at.timestamp()).answer

    def _feedback(self, body: bytes) -> answers.Answer:
        at: datetime = self.at + timedelta(days=len(self.sent))
        labels = read_feedback(
            body, key=KEY, model="ferry-delay", at=at, contract_of=lambda _: self.contract
        )
        stored = self.ledger.put_labels(labels)
        told = {"stored": len(stored.new), "changed": len(stored.changed)}
        return answers.success({**told, "duplicates": stored.repeated})
