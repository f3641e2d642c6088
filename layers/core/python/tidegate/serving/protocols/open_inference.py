"""The Open Inference Protocol V2: an infer request to the model's matrix, predictions to tensors.

A request has one tensor per column, of shape [rows] or [rows, 1]. Members and parameters that
are not known are refused: a misspelt one would be ignored in silence.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import ClassVar

import orjson

from tidegate.contract import Contract
from tidegate.encoding.encoder import Encoder
from tidegate.errors import InvalidRowsError, NoReleaseError, Problem, RequestError, TidegateError
from tidegate.frozen import made
from tidegate.scoring.reading import Read, named
from tidegate.scoring.session import Matrix
from tidegate.serving.answers import JSON, Answer, clean
from tidegate.serving.content_coding import BINARY_TYPE, JSON_TYPE
from tidegate.serving.protocols.framing import NOTHING, Request, parse, read_request, split
from tidegate.serving.protocols.plain_request import PlainRequests
from tidegate.serving.protocols.port import Question
from tidegate.serving.protocols.tensors import (
    TEXT,
    Tensor,
    Values,
    datatypes,
    to_bytes,
    values,
)
from tidegate.serving.served import Served

HEADER_LENGTH = "inference-header-content-length"
_BINARY: Mapping[str, str] = MappingProxyType({**JSON, "content-type": BINARY_TYPE})


@dataclass(frozen=True)
class OutputForm:
    """An output that the model has: its datatype and shape, where -1 is the number of rows."""

    name: str
    datatype: str
    shape: tuple[int, ...]

    @property
    def width(self) -> int:
        """Elements per row."""
        return math.prod(self.shape[1:])

    def to_dict(self, rows: object) -> dict[str, object]:
        """Return it as an answer to so many rows begins."""
        return {"name": self.name, "datatype": self.datatype, "shape": [rows, *self.shape[1:]]}


Asked = tuple[tuple[OutputForm, bool], ...]  # outputs in order, and whether as bytes


def output_forms(contract: Contract) -> tuple[OutputForm, ...]:
    """Return what an answer may hold, in the order in which it does."""
    if contract.task == "regression":
        return (OutputForm("value", "FP64", (-1,)),)
    label = OutputForm("label", TEXT, (-1,))
    if contract.task == "binary":
        return label, OutputForm("score", "FP64", (-1,))
    return label, OutputForm("scores", "FP64", (-1, len(contract.target.classes)))


def refusal(error: TidegateError) -> Answer:
    """Return the answer to an error of ours: its text, and the problems of the first rows.

    Of errors that are not the caller's nothing is told: their texts name files and keys.
    """
    known = error.status < 500 or isinstance(error, NoReleaseError)
    text = clean(str(error)) if known else "the request could not be answered"
    if isinstance(error, InvalidRowsError):
        text = f"{error.total} problem(s): " + "; ".join(map(_told, error.problems))
    return Answer(error.status, orjson.dumps({"error": text}))


def failure() -> Answer:
    """Return the answer to an error that nobody foresaw."""
    return Answer(500, orjson.dumps({"error": "the request could not be answered"}))


class OpenInferenceProtocol:
    """`PredictProtocol` of one contract."""

    types: ClassVar[tuple[str, ...]] = (JSON_TYPE, BINARY_TYPE)

    def __init__(self, contract: Contract, encoder: Encoder, served: Served) -> None:
        """Read tensors by `encoder`, write predictions by `contract` as those of what is served."""
        self._contract, self._encoder = contract, encoder
        self._classes = contract.target.classes
        self._plain = PlainRequests(contract, encoder)
        self._columns = {column.name: column for column in contract.columns}
        self._taken = {column.name: datatypes(column) for column in contract.columns}
        self._forms = {form.name: form for form in output_forms(contract)}
        self._width = max(form.width for form in self._forms.values())
        self._served = served
        self._usual = self._usual_answer()
        self._labels = [orjson.dumps([name]) for name in self._classes]  # of one row

    def read(self, body: bytes, headers: Mapping[str, str]) -> Question:
        """Read a body; see the port for what it raises."""
        length = headers.get(HEADER_LENGTH)
        head, tail = (body, NOTHING) if length is None else split(body, length)
        features = None if tail else self._plain.read(head)
        if features is not None:
            return made(Question, (features, self._write_all, refusal))
        payload, doubt = parse(head)
        request = read_request(payload, tail, doubt=doubt, contract=self._contract)
        asked = self._asked(request)
        features = self._encode(request.inputs)
        if request.doubt:
            raise RequestError(f"the body is not JSON: {request.doubt}")

        def write(found: Read, _: bytes, receipt: bytes) -> Answer:
            return self._write(found, receipt, asked, request.id)

        return Question(features, write, refusal)

    def _asked(self, request: Request) -> Asked:
        """Return the outputs that are asked for, and whether as bytes; none means all."""
        for name, _ in request.outputs:
            if name not in self._forms:
                known = ", ".join(self._forms)
                raise RequestError(f"output {clean(repr(name))} is none of the model's: {known}")
        if not request.outputs:
            return tuple((form, request.binary_output) for form in self._forms.values())
        return tuple((self._forms[name], binary) for name, binary in request.outputs)

    def _encode(self, tensors: Sequence[Tensor]) -> Matrix:
        columns: dict[str, Values] = {}
        problems: list[Problem] = []
        for tensor in tensors:
            column = self._columns.get(tensor.name)
            if column is None:  # the encoder names it
                columns[tensor.name] = []
                continue
            taken = self._taken[tensor.name]
            if tensor.datatype not in taken:
                rule = f"must be a tensor of {' or '.join(taken)}"
                problems.append(Problem(-1, tensor.name, rule))
                continue
            columns[tensor.name], wrong = values(tensor, column)
            problems += wrong
        if tensors and tensors[0].rows == 0:
            raise InvalidRowsError([Problem(-1, tensors[0].name, "must hold at least one row")])
        return self._encoder.tensors(columns, wrong=problems)

    def _write(self, found: Read, receipt: bytes, asked: Asked, id: str | None) -> Answer:
        written: list[dict[str, object]] = []
        tail: list[bytes] = []
        for form, binary in asked:
            data = named(found.places, self._classes) if form.datatype == TEXT else found.shown
            rows = len(data) // form.width
            if binary:
                tail.append(to_bytes(data))
                more: dict[str, object] = {"parameters": {"binary_data_size": len(tail[-1])}}
            else:
                more = {"data": data}
            written.append({**form.to_dict(rows), **more})
        head = orjson.dumps(self._answer(receipt.decode(), written, id=id))
        if not tail:
            return Answer(200, head)
        headers = {**_BINARY, HEADER_LENGTH: str(len(head))}
        return Answer(200, b"".join([head, *tail]), headers, binary=True)

    def _write_all(self, found: Read, text: bytes, receipt: bytes) -> Answer:
        """Write what `_write` does for somebody who asks for nothing special, from ready pieces."""
        places, shown, _ = found
        rows = len(shown) // self._width
        count = orjson.dumps(rows)
        if self._classes:
            labels = (
                self._labels[places[0]] if rows == 1 else orjson.dumps(named(places, self._classes))
            )
            a, b, c, d, e, f = self._usual
            body = b"".join((a, receipt, b, count, c, labels, d, count, e, text, f))
        else:
            a, b, c, d = self._usual
            body = b"".join((a, receipt, b, count, c, text, d))
        return made(Answer, (200, body, JSON, False))

    def _usual_answer(self) -> list[bytes]:
        """Return an answer's pieces around the receipt, and around rows and data of each tensor."""
        # JSON text has no such character.
        receipt, rows, data = map(orjson.Fragment, (b'"\1"', b"\1", b"\1"))
        outputs = [{**form.to_dict(rows), "data": data} for form in self._forms.values()]
        return orjson.dumps(self._answer(receipt, outputs)).split(b"\1")

    def _answer(
        self, receipt: object, outputs: list[dict[str, object]], *, id: str | None = None
    ) -> dict[str, object]:
        return {
            "model_name": self._served.model,
            "model_version": str(self._served.version),
            **({} if id is None else {"id": id}),
            "parameters": {"receipt": receipt, "release": self._served.release},
            "outputs": outputs,
        }


def _told(problem: Problem) -> str:
    where = f"row {problem.row}, " if problem.row >= 0 else ""
    return clean(f"{where}input {problem.column}: {problem.rule}")
