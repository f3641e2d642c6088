"""`tidegate predict` and `feedback`: signed requests to the deployed endpoint."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from tidegate_cli import model_folder
from tidegate_cli.arguments import Model
from tidegate_cli.client import Answer
from tidegate_cli.faults import InputError
from tidegate_cli.invocation import Invocation, verb
from tidegate_cli.rows import read_csv

SHOWN_ROWS = 20
PREDICT = """
[bold]Examples[/]

[cyan]tidegate predict flight-delay -f rows.csv[/]
[cyan]tidegate predict flight-delay -f request.json --json > answer.json[/]
[cyan]echo '{"records": [{"bill_length_mm": 39.1}]}' | tidegate predict penguins --stdin[/]
"""
FEEDBACK = """
[bold]Examples[/]

[cyan]tidegate feedback flight-delay -f outcomes.json[/]

The file: [cyan]{"feedback": [{"receipt": "...", "row": 0, "label": "yes"}]}[/] or the bare list.
"""
File = Annotated[Path | None, typer.Option("--file", "-f", help="JSON, or CSV with a header.")]
Stdin = Annotated[bool, typer.Option("--stdin", help="Read JSON from standard input.")]


def add_to(app: typer.Typer) -> None:
    """Register the commands."""
    verb(app, "predict", epilog=PREDICT, rich_help_panel="Use")(predict)
    verb(app, "feedback", epilog=FEEDBACK, rich_help_panel="Use")(feedback)


def predict(call: Invocation, name: Model, file: File = None, stdin: Stdin = False) -> None:
    """Ask the endpoint for predictions; the request is signed with your credentials."""
    payload = _payload(call, name, file, stdin=stdin)
    if isinstance(payload, list):
        payload = {"records": payload}
    with call.cloud.http() as client:
        body = json.dumps(payload).encode()
        answer = client.send("POST", f"/models/{name}/predict", body=body)
    _tell_problems(call, answer)
    answer.raise_for_error()
    call.answer(answer.body, _predictions(answer))


def feedback(call: Invocation, name: Model, file: File = None, stdin: Stdin = False) -> None:
    """Tell what really happened, by the receipts that came with predictions."""
    payload = _payload(call, name, file, stdin=stdin)
    items = payload.get("feedback") if isinstance(payload, dict) else payload
    if not isinstance(items, list):
        raise InputError('expected a list of receipt, row and label, or {"feedback": [...]}')
    with call.cloud.http() as client:
        answer = client.feedback(name, items)
    _tell_problems(call, answer)
    body = answer.raise_for_error().body
    call.answer(body, f"{body.get('stored', 0)} stored, {body.get('duplicates', 0)} known already")


def _payload(call: Invocation, name: str, file: Path | None, *, stdin: bool) -> Any:  # noqa: ANN401
    if stdin == (file is not None):
        raise InputError("name a file with -f, or read --stdin")
    if file is None:
        return _parsed(sys.stdin.buffer.read(), "standard input")
    try:
        data = file.read_bytes()
    except OSError as error:
        raise InputError(f"{file}: {error.strerror or error}") from error
    if file.name.endswith((".csv", ".csv.gz")):
        project = model_folder.read(call.root, name)
        return [row.record for row in read_csv(project.contract, data, name=str(file))]
    return _parsed(data, str(file))


def _parsed(data: bytes, name: str) -> Any:  # noqa: ANN401  # any JSON value
    try:
        return json.loads(data)
    except ValueError as error:
        raise InputError(f"{name}: no JSON: {error}") from error


def _tell_problems(call: Invocation, answer: Answer) -> None:
    error = answer.body.get("error")
    for problem in error.get("problems", []) if isinstance(error, dict) else []:
        where = f"row {problem.get('row')}, column {problem.get('column')}"
        call.progress.print(f"  {where}: {problem.get('rule')}", markup=False)


def _predictions(answer: Answer) -> Table:
    body = answer.body
    title = f"{body.get('model')}@{body.get('version')}  [dim]{answer.seconds * 1000:.0f} ms[/]"
    table = Table(box=None, header_style="dim", title=title, title_justify="left", pad_edge=False)
    rows = body.get("predictions", [])
    for column in ("row", *(rows[0] if rows else ())):
        table.add_column(column)
    for number, row in enumerate(rows[:SHOWN_ROWS]):
        table.add_row(str(number), *(_cell(value) for value in row.values()))
    if len(rows) > SHOWN_ROWS:
        table.caption = f"and {len(rows) - SHOWN_ROWS} more; --json shows all, with the receipt"
    return table


def _cell(value: object) -> str:
    return f"{value:.4f}" if isinstance(value, float) else str(value)
