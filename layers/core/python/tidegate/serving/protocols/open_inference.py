"""The Open Inference Protocol V2: an infer request to the model's matrix, predictions to tensors.

A request has one tensor per column, of shape [rows] or [rows, 1]. Members and parameters that
are not known are refused: a misspelt one would be ignored in silence.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt
import orjson

from tidegate.contract import Contract
from tidegate.encoding.encoder import Encoder
from tidegate.errors import InvalidRowsError, NoReleaseError, Problem, RequestError, TidegateError
from tidegate.scoring.session import Matrix
from tidegate.serving.answers import JSON, Answer, clean
from tidegate.serving.content_coding import BINARY_TYPE
from tidegate.serving.protocols.framing import Request, parse, read_request, split
from tidegate.serving.protocols.port import Answered, Question
from tidegate.serving.protocols.tensors import (
    TEXT,
    Tensor,
    Values,
    datatypes,
    plain,
    to_bytes,
    values,
)

HEADER_LENGTH = "inference-header-content-length"
_BINARY: Mapping[str, str] = MappingProxyType({**JSON, "content-type": BINARY_TYPE})
_PLAIN = ("name", "datatype", "data", "shape")
Output = Sequence[str] | npt.NDArray[np.float64]


@dataclass(frozen=True)
class OutputForm:
    """An output that the model has: its datatype and shape, where -1 is the number of rows."""

    name: str
    datatype: str
    shape: tuple[int, ...]


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

    def __init__(self, contract: Contract, encoder: Encoder) -> None:
        """Read tensors by `encoder`, write predictions by `contract`."""
        self._contract, self._encoder = contract, encoder
        self._columns = {column.name: column for column in contract.columns}
        self._taken = {column.name: datatypes(column) for column in contract.columns}
        self._forms = {form.name: form for form in output_forms(contract)}
        self._all: Asked = tuple((form, False) for form in self._forms.values())

    def read(self, body: bytes, headers: Mapping[str, str]) -> Question:
        """Read a body; see the port for what it raises."""
        head, tail = split(body, headers.get(HEADER_LENGTH))
        payload, doubt = parse(head)
        columns = None if tail or doubt else self._plain_columns(payload)
        if columns is not None:
            return self._question(self._encoder.columns(columns), self._all, None)
        request = read_request(payload, tail, doubt=doubt, contract=self._contract)
        asked = self._asked(request)
        features = self._encode(request.inputs)
        if request.doubt:
            raise RequestError(f"the body is not JSON: {request.doubt}")
        return self._question(features, asked, request.id)

    def _question(self, features: Matrix, asked: Asked, id: str | None) -> Question:
        def write(answered: Answered) -> Answer:
            return _write(answered, self._outputs(answered), asked, id=id)

        return Question(features, write, refusal)

    def _plain_columns(self, payload: Mapping[str, Any]) -> dict[str, list[Any]] | None:
        """Return the columns of a request of the usual form in few steps; None: look closer."""
        inputs = payload.get("inputs")
        if len(payload) != 1 or type(inputs) is not list:
            return None
        columns: dict[str, list[Any]] = {}
        try:
            rows = [len(inputs[0]["data"])]
            for one in inputs:
                name, datatype, data, shape = map(one.__getitem__, _PLAIN)
                if not (
                    len(one) == 4
                    and datatype in self._taken[name]
                    and type(data) is list
                    and shape == [len(data)] == rows
                    and type(shape[0]) is int
                    and plain(data, datatype, self._columns[name])
                ):
                    return None
                columns[name] = data
        except (IndexError, KeyError, TypeError, AttributeError):  # another form, or another column
            return None
        return columns if len(columns) == len(inputs) else None

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
        if problems:
            raise InvalidRowsError(sorted(problems, key=lambda p: p.row), len(problems))
        return self._encoder.tensors(columns)

    def _outputs(self, answered: Answered) -> Mapping[str, Output]:
        scores = np.ascontiguousarray(answered.shown).reshape(-1)
        names = list(self._forms)
        return (
            {names[-1]: scores, names[0]: answered.labels} if len(names) > 1 else {names[0]: scores}
        )


def _write(
    answered: Answered,
    outputs: Mapping[str, Output],
    asked: Asked,
    *,
    id: str | None,
) -> Answer:
    served, rows = answered.served, len(answered.shown)
    written: list[dict[str, object]] = []
    tail: list[bytes] = []
    for form, binary in asked:
        shape = [rows, *form.shape[1:]]
        tensor: dict[str, object] = {"name": form.name, "datatype": form.datatype, "shape": shape}
        if binary:
            data = to_bytes(outputs[form.name])
            tensor["parameters"] = {"binary_data_size": len(data)}
            tail.append(data)
        else:
            tensor["data"] = outputs[form.name]
        written.append(tensor)
    content = {
        "model_name": served.model,
        "model_version": str(served.version),
        **({} if id is None else {"id": id}),
        "parameters": {"receipt": answered.receipt, "release": served.release},
        "outputs": written,
    }
    head = orjson.dumps(content, option=orjson.OPT_SERIALIZE_NUMPY)
    if not tail:
        return Answer(200, head)
    headers = {**_BINARY, HEADER_LENGTH: str(len(head))}
    return Answer(200, b"".join([head, *tail]), headers, binary=True)


def _told(problem: Problem) -> str:
    where = f"row {problem.row}, " if problem.row >= 0 else ""
    return clean(f"{where}input {problem.column}: {problem.rule}")
