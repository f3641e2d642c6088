"""What `tidegate demo` does: bring the local cloud up, deploy, tell the story, show the table.

The cloud stays up afterwards for looking around; Ctrl-C in the middle takes it down again.
"""

from __future__ import annotations

import time

from rich.console import Console

from tidegate_cli import model_folder
from tidegate_cli.commands import deploy
from tidegate_cli.demo import ending, story
from tidegate_cli.demo.facts import Teller
from tidegate_cli.invocation import Invocation
from tidegate_cli.local import cloud as local_cloud

SHOWN = 8
NARROWEST = 110  # where no terminal says how wide it is
METRICS = ("auc", "log_loss", "brier")
LOOK_FURTHER = """
[bold]The local cloud is up; look around:[/]
  tidegate status                         champions, weights, alarms
  tidegate show {model}@{version}             what made the version that is serving
  tidegate registry why {model}@{version}     its story: training, gates, verdicts, reigns
  tidegate registry history {model}  what served from when to when
  tidegate card {model}@{version} --open      its model card, with the lineage drawn
  tidegate events {model}            everything that happened, in order
  eval "$(tidegate local env)"            then any aws command
  make down                               stop it
"""


def run(call: Invocation) -> None:
    """Tell the whole story, or take everything down when interrupted."""
    began = time.monotonic()
    project = model_folder.read(call.root, story.MODEL)
    teller = Teller(_console(call))
    try:
        teller.open_chapter("Set-up: the local cloud, and the real templates in it")
        deploy.prepare(call).deploy()
        teller.tell(f"deployed {call.env} with cdk deploy", deployed=call.env)
        story.tell(call.cloud, project, teller)
    except KeyboardInterrupt:
        teller.close()
        local_cloud.down(call.root)
        call.say("interrupted: the local cloud is stopped; what was reached is kept")
        raise
    finally:
        teller.close()
        teller.save(story.facts_file(call.root))
    _show_end(call, teller, time.monotonic() - began)


def _console(call: Invocation) -> Console:
    console = call.progress if call.as_json else call.out
    if not console.is_terminal:
        console.width = NARROWEST
    return console


def _show_end(call: Invocation, teller: Teller, seconds: float) -> None:
    registry, model = call.cloud.registry, story.MODEL
    versions, releases = registry.versions(model), registry.releases(model)[:SHOWN]
    reports = registry.reports(model)[:SHOWN]
    champion = registry.champion(model)
    call.answer(
        {"seconds": round(seconds, 1), "facts": teller.facts, "versions": versions},
        "",
        ending.versions(versions, metrics=METRICS),
        "",
        ending.releases(releases),
        "",
        ending.looks(reports),
        LOOK_FURTHER.format(model=model, version=champion.number if champion else 1),
        f"[bold]{seconds:.0f} s[/] in all; every fact: .tidegate/demo.jsonl",
    )
