"""Deployment: the pinned CDK command line, run by the Node of the virtual environment.

bootstrap (once) -> cdk deploy of the environment's stacks -> outputs under `.tidegate/logs/`
"""

from __future__ import annotations

import os
import platform
import re
import subprocess
import sys
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tidegate_cli.faults import CommandError, InputError

CDK = Path("node_modules") / "aws-cdk" / "bin" / "cdk"
CONCURRENCY = "4"
QUIET = ("--no-color", "--no-notices", "--no-version-reporting")
SHOWN_AFTER_FAILURE = 25
ANSI = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
STACK_LINE = re.compile(r"^(\S+?)(?: \(\S+\))?: (deploying|destroying)\b")
DONE_LINE = re.compile(r"^ ?✅ +(.*?)(?: \(tidegate-\S+\))?(?:: destroyed)?$")


class DeploymentError(CommandError):
    """The CDK failed; the message ends with its last lines."""


@dataclass(frozen=True)
class Cdk:
    """The CDK command line for one environment of a checkout."""

    root: Path
    env: str
    variables: Mapping[str, str] = field(default_factory=dict)  # credentials, when not the usual
    context: Mapping[str, str] = field(default_factory=dict)
    progress: Callable[[str], None] = lambda _line: None

    def bootstrap(self, account: str, region: str) -> None:
        """Prepare account and region for the CDK; again, it changes nothing."""
        # Away from cdk.json, so that no application is synthesized for it.
        self._run("bootstrap", f"aws://{account}/{region}", away=True)

    def deploy(self, *, model: str = "") -> Path:
        """Deploy all stacks, or those that a model needs; return the file of outputs."""
        outputs = self._logs / f"outputs-{self.env}.json"
        only = [f"tidegate-{self.env}/*model-{model}"] if model else [f"tidegate-{self.env}/*"]
        options = ["--require-approval", "never", "--concurrency", CONCURRENCY]
        self._run("deploy", *only, *options, "--outputs-file", str(outputs))
        return outputs

    def destroy(self) -> None:
        """Delete all stacks of the environment."""
        self._run("destroy", f"tidegate-{self.env}/*", "--force")

    @property
    def log(self) -> Path:
        """Where everything that the CDK says is kept."""
        return self._logs / f"cdk-{self.env}.log"

    @property
    def _logs(self) -> Path:
        return self.root / ".tidegate" / "logs"

    def _run(self, verb: str, *words: str, away: bool = False) -> None:
        command = [*self._program(), verb, *words, *([] if away else self._options()), *QUIET]
        self._logs.mkdir(parents=True, exist_ok=True)
        last: deque[str] = deque(maxlen=SHOWN_AFTER_FAILURE)
        with (
            self.log.open("a", encoding="utf-8") as log,
            subprocess.Popen(
                command,
                cwd=self._logs if away else self.root,
                env=self._environment(),
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                text=True,
                errors="replace",
            ) as process,
        ):
            log.write(f"\n$ cdk {verb} {' '.join(words)}\n")
            for line in process.stdout or ():
                log.write(line)
                self._hear(ANSI.sub("", line).rstrip(), last)
        if process.returncode:
            tail = "\n".join(last)
            raise DeploymentError(
                f"cdk {verb} of {self.env} failed:\n{tail}", hint=f"everything it said: {self.log}"
            )

    def _hear(self, line: str, last: deque[str]) -> None:
        if not line:
            return
        last.append(line)
        told = what_happens(line)
        if told:
            self.progress(told)

    def _program(self) -> list[str]:
        node = Path(sys.executable).parent / "node"
        cdk = self.root / CDK
        if not cdk.is_file():
            raise InputError(f"{cdk}: the CDK command line is not there", hint="run: make setup")
        return [str(node) if node.exists() else "node", str(cdk)]

    def _options(self) -> list[str]:
        given = {"env": self.env, **self.context}
        context = [part for key in given for part in ("-c", f"{key}={given[key]}")]
        out = self.root / "cdk.out" / self.env
        return [*context, "--progress", "events", "--output", str(out)]

    def _environment(self) -> dict[str, str]:
        # cdk.json runs `python3 app.py`: the one of this virtual environment.
        path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
        return {
            **os.environ,
            **self.variables,
            "PATH": path,
            "CDK_DISABLE_LEGACY_EXPORT_WARNING": "1",
            "CI": "true",
        }


def what_happens(line: str) -> str:
    """Return what a line of the CDK says about a stack; empty for its chatter.

    >>> what_happens("tidegate-local/platform: deploying... [1/5]")
    'tidegate-local/platform: deploying'
    """
    if found := STACK_LINE.match(line):
        return f"{found[1]}: {found[2]}"
    done = DONE_LINE.match(line)
    return f"✓ {done[1]}" if done else ""


def local_context(python: str) -> dict[str, str]:
    """Return what the local environment's layers must be built for: this machine."""
    machine = platform.machine().lower()
    architecture = "arm64" if machine in {"arm64", "aarch64"} else "x86_64"
    return {"local_architecture": architecture, "local_python": python}
