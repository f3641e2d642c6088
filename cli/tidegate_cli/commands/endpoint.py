"""`tidegate predict` and `feedback`: signed requests to the deployed endpoint."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

import typer

from tidegate.client.rows import count_rows
from tidegate.errors import InvalidRowsError, ReceiptError
from tidegate_cli import model_folder, predictions
from tidegate_cli.arguments import Model
from tidegate_cli.faults import InputError
from tidegate_cli.invocation import Invocation, verb
from tidegate_cli.request_rows import Given, GivenOutcomes, read_outcomes, read_rows

RECEIPT_ROWS = 50  # a receipt holds the scores of all rows of its answer, and every line repeats it
PREDICT = """
[bold]Examples[/]

[cyan]tidegate predict flight-delay rows.csv[/]
[cyan]tidegate predict flight-delay rows.jsonl --format csv --receipts > answers.csv[/]
[cyan]echo '{"bill_length_mm": 39.1}' | tidegate predict penguins -[/]

JSON is [cyan]{"records": [...]}[/], [cyan]{"columns": {...}}[/], a list of rows or one row.
"""
FEEDBACK = """
[bold]Examples[/]

[cyan]tidegate feedback flight-delay outcomes.csv[/]

CSV with the columns receipt, row and label, the same as JSON lines, or
[cyan]{"feedback": [{"receipt": "...", "row": 0, "label": "yes"}]}[/].
"""
File = Annotated[
    Path,
    typer.Argument(metavar="FILE", help="JSON, JSON lines or CSV; [cyan]-[/]: standard input."),
]
Receipts = Annotated[
    bool, typer.Option("--receipts", help="With receipt and row, as [cyan]feedback[/] takes them.")
]
Form = Annotated[
    predictions.Format, typer.Option("--format", help="Table: the first rows, for people.")
]


def add_to(app: typer.Typer) -> None:
    """Register the commands."""
    verb(app, "predict", epilog=PREDICT, rich_help_panel="Use")(predict)
    verb(app, "feedback", epilog=FEEDBACK, rich_help_panel="Use")(feedback)


def predict(
    call: Invocation, name: Model, file: File, form: Form = "table", receipts: Receipts = False
) -> None:
    """Ask the endpoint for predictions; requests are signed with your credentials."""
    given = read_rows(file, lambda: model_folder.read(call.root, name).contract)
    total = count_rows(given.rows)
    if not total:
        raise InputError(f"{given.name}: there is no row")
    with call.cloud.model_client(name) as client:
        batches = client.batches(given.rows, most=RECEIPT_ROWS if receipts else 0)
        shown = predictions.with_progress(batches, call.progress, total=total)
        try:
            if form != "table" and not call.as_json:
                predictions.write(shown, form=form, receipts=receipts)
                return
            found = list(shown)
        except InvalidRowsError as error:
            _tell_problems(call, error, given)
            raise
    call.answer({"model": name, "answers": found}, predictions.table(found))


def feedback(call: Invocation, name: Model, file: File) -> None:
    """Tell what really happened, by the receipts that came with predictions."""
    given = read_outcomes(file, lambda: model_folder.read(call.root, name).contract)
    with call.cloud.model_client(name) as client:
        try:
            counts = client.feedback_rows(given.outcomes)
        except InvalidRowsError as error:
            _tell_problems(call, error, given)
            raise
        except ReceiptError as error:
            raise InputError(_placed(str(error), given)) from error
    changed = f"{counts.changed} changed, " if counts.changed else ""
    call.answer(counts, f"{counts.stored} stored, {changed}{counts.duplicates} known already")


def _tell_problems(call: Invocation, error: InvalidRowsError, given: Given | GivenOutcomes) -> None:
    for problem in error.problems:
        call.progress.print(f"  {given.where(problem)}", markup=False, soft_wrap=True)


def _placed(message: str, given: GivenOutcomes) -> str:
    """Name the line instead of the place in the batch."""
    found = re.match(r"feedback\[(\d+)\]: ", message)
    if not found or int(found[1]) >= len(given.lines):
        return f"{given.name}: {message}"
    return f"{given.name}: line {given.lines[int(found[1])]}: {message[found.end() :]}"
