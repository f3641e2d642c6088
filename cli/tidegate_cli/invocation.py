"""One call of the command line: environment, form of the answer, and what becomes of errors.

`verb` gives every command the same three options (`--env`, `--json`, `--debug`), so they may stand
before or after its name, and turns errors into one line, a hint and an exit code.
"""

from __future__ import annotations

import inspect
import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, is_dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any

import typer
from botocore.exceptions import BotoCoreError, ClientError
from rich.console import Console, RenderableType

from tidegate.clock import stamp
from tidegate.errors import (
    EndpointError,
    EndpointUnreachableError,
    NotFoundError,
    ProjectError,
    RequestError,
    TidegateError,
)
from tidegate_cli import completion, faults
from tidegate_cli.checkout import find_root
from tidegate_cli.cloud import Cloud, connect
from tidegate_cli.local.errors import LocalCloudError, NotRunningError

PANEL = "Everywhere"
ENV_VARIABLE = "TIDEGATE_ENV"
DENIED = {"AccessDenied", "AccessDeniedException", "UnrecognizedClientException", "ExpiredToken"}

Env = Annotated[
    str | None,
    typer.Option(
        "--env",
        help=f"Environment of cdk.json; also {ENV_VARIABLE}. [dim]Default: local.[/]",
        rich_help_panel=PANEL,
        autocompletion=completion.environments,
    ),
]
AsJson = Annotated[
    bool,
    typer.Option("--json", help="Answer in JSON on stdout, for machines.", rich_help_panel=PANEL),
]
Debug = Annotated[
    bool, typer.Option("--debug", help="Show where an error comes from.", rich_help_panel=PANEL)
]


@dataclass
class Invocation:
    """What a command works with."""

    env: str = "local"
    as_json: bool = False
    debug: bool = False

    @cached_property
    def root(self) -> Path:
        """The checkout."""
        return find_root()

    @cached_property
    def cloud(self) -> Cloud:
        """The environment, connected at first use."""
        return connect(self.root, self.env)

    @cached_property
    def progress(self) -> Console:
        """Where progress goes: stderr, so that stdout is the answer alone."""
        return Console(stderr=True, highlight=False)

    @cached_property
    def out(self) -> Console:
        """Where answers for people go."""
        return Console(highlight=False)

    def say(self, text: str) -> None:
        """Tell a person what goes on."""
        self.progress.print(text)

    def answer(self, data: object, *shown: RenderableType) -> None:
        """Give the answer: `data` as JSON, or what is `shown` to people."""
        if self.as_json:
            typer.echo(json.dumps(plain(data), indent=2, allow_nan=False))
            return
        for part in shown:
            self.out.print(part)


def plain(data: object) -> Any:  # noqa: ANN401  # any JSON value
    """Return JSON values: dataclasses as objects, times as stamps, paths as text."""
    if is_dataclass(data) and not isinstance(data, type):
        data = asdict(data)
    if isinstance(data, dict):
        return {str(key): plain(value) for key, value in data.items()}
    if isinstance(data, (list, tuple)):
        return [plain(value) for value in data]
    if isinstance(data, datetime):
        return stamp(data)
    return str(data) if isinstance(data, Path) else data


def verb(app: typer.Typer, name: str, **options: Any) -> Callable[[Callable[..., None]], None]:  # noqa: ANN401
    """Register a command whose first parameter is the `Invocation`."""

    def register(function: Callable[..., None]) -> None:
        def run(ctx: typer.Context, **given: Any) -> None:  # noqa: ANN401
            call = _invocation(ctx, given)
            with reporting(call):
                function(call, **given)

        run.__doc__ = function.__doc__
        run.__name__ = function.__name__
        run.__signature__ = _signature(function)  # type: ignore[attr-defined]
        run.__annotations__ = {
            p.name: p.annotation
            for p in run.__signature__.parameters.values()  # type: ignore[attr-defined]
        }
        app.command(name, **options)(run)

    return register


@contextmanager
def reporting(call: Invocation) -> Iterator[None]:
    """Turn errors into one line on stderr, a hint, and an exit code."""
    try:
        yield
    except (TidegateError, faults.CommandError, LocalCloudError) as error:
        _fail(call, error, str(error), code=_code(error), hint=getattr(error, "hint", ""))
    except ClientError as error:
        _fail(call, error, *_client_error(call, error))
    except BotoCoreError as error:
        hint = "is the local cloud up? tidegate local status" if call.env == "local" else ""
        _fail(call, error, str(error), code=faults.UNREACHABLE, hint=hint)
    except KeyboardInterrupt:
        call.say("[dim]interrupted[/]")
        raise typer.Exit(130) from None


def _fail(
    call: Invocation, error: Exception, message: str, code: int = faults.FAILED, hint: str = ""
) -> None:
    if call.debug:
        raise error
    call.progress.print(f"[bold red]error[/] {_escaped(message)}", soft_wrap=True)
    if hint:
        call.progress.print(f"[dim]hint[/]  {_escaped(hint)}", soft_wrap=True)
    raise typer.Exit(code)


def _escaped(text: str) -> str:
    return text.replace("[", "\\[")


def _code(error: Exception) -> int:
    if isinstance(error, faults.CommandError):
        return error.code
    if isinstance(error, NotRunningError | EndpointUnreachableError):
        return faults.UNREACHABLE
    if isinstance(error, EndpointError):
        return _endpoint_code(error.http_status)
    if isinstance(error, NotFoundError):
        return faults.NOT_FOUND
    wrong = isinstance(error, (ProjectError, RequestError)) or getattr(error, "status", 500) == 422
    return faults.BAD_INPUT if wrong else faults.FAILED


def _endpoint_code(status: int) -> int:
    known = {403: faults.UNREACHABLE, 404: faults.NOT_FOUND}
    return known.get(status, faults.BAD_INPUT if 400 <= status < 500 else faults.FAILED)


def _client_error(call: Invocation, error: ClientError) -> tuple[str, int, str]:
    code = error.response.get("Error", {}).get("Code", "")
    if code in {"ResourceNotFoundException", "NoSuchBucket"}:
        hint = f"is {call.env} deployed? tidegate deploy --env {call.env}"
        return str(error), faults.NOT_FOUND, hint
    if code in DENIED:
        return str(error), faults.UNREACHABLE, "these credentials may not do that"
    return str(error), faults.UNREACHABLE, ""


def _invocation(ctx: typer.Context, given: dict[str, Any]) -> Invocation:
    root: Invocation = ctx.find_root().obj or Invocation()
    return Invocation(
        env=given.pop("env") or root.env,
        as_json=given.pop("as_json") or root.as_json,
        debug=given.pop("debug") or root.debug,
    )


def default_env() -> str:
    """Return the environment that is meant when none is named."""
    return os.environ.get(ENV_VARIABLE) or "local"


def _signature(function: Callable[..., None]) -> inspect.Signature:
    own = list(inspect.signature(function, eval_str=True).parameters.values())[1:]
    keyword = inspect.Parameter.KEYWORD_ONLY
    shared = [
        inspect.Parameter("env", keyword, default=None, annotation=Env),
        inspect.Parameter("as_json", keyword, default=False, annotation=AsJson),
        inspect.Parameter("debug", keyword, default=False, annotation=Debug),
    ]
    ctx = inspect.Parameter(
        "ctx", inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation=typer.Context
    )
    return inspect.Signature([ctx, *(p.replace(kind=keyword) for p in own), *shared])
