"""Views of lineage: upwards from a version, and downwards from a file."""

from __future__ import annotations

from collections.abc import Iterable

from rich.text import Text
from rich.tree import Tree

from tidegate.registry.values import Input, Reign, Version
from tidegate_cli.registry_questions import Use
from tidegate_cli.registry_views.parts import at, share, short, text
from tidegate_cli.tables import coloured


def lineage_tree(
    version: Version, inputs: Iterable[Input], parents: Iterable[Version] = ()
) -> Tree:
    """Return what made a version, as a tree; `parents` are champions back in time, newest first."""
    lineage = version.lineage
    tree = Tree(_name(version), guide_style="dim")
    tree.add(text(f"package {version.package_digest} ({version.package_size:,} bytes)"))
    tree.add(text(f"contract {version.contract_digest}"))
    data = tree.add(text(f"data {lineage.data_digest}"))
    for one in inputs:
        if one.kind == "data":
            data.add(_file(one))
    code = tree.add(text(f"code {lineage.code_digest}"))
    if lineage.git_commit:
        changed = (", with uncommitted changes", "yellow") if lineage.git_dirty else ""
        code.add(Text.assemble(text(f"commit {lineage.git_commit}"), changed))
    params = tree.add("parameters")
    for name, value in sorted(lineage.params.items()):
        params.add(text(f"{name} = {value}"))
    params.add(f"seed = {lineage.seed}")
    environment = tree.add(text(f"environment {lineage.environment_digest}"))
    if lineage.image:
        environment.add(text(f"image {lineage.image}"))
    tree.add(text(f"run {version.run}")).add(
        text(f"training job {lineage.training_job or 'unknown'}")
    )
    _add_origin(tree, version)
    _add_parents(tree, version, parents)
    return tree


def _name(version: Version) -> Text:
    name = text(f"{version.model}@{version.number}", "bold")
    return Text.assemble(name, " ", coloured(version.status))


def _file(one: Input) -> Text:
    more = text(f"{one.rows:,} rows, {one.size:,} bytes, {short(one.digest)}", "dim")
    return Text.assemble(text(one.key), " ", more)


def _add_origin(tree: Tree, version: Version) -> None:
    origin = version.origin
    if origin is not None:
        where = f"{origin.env} (account {origin.account}, {origin.region})"
        come = tree.add(text(f"from {where}, there version {origin.version}"))
        come.add(text(f"signed by key {origin.key} ({origin.algorithm})"))


def _add_parents(tree: Tree, version: Version, parents: Iterable[Version]) -> None:
    node, last = tree, version
    for parent in parents:
        node, last = node.add(Text.assemble("parent ", _name(parent))), parent
        node.add(text(_digests(parent), "dim"))
    further = last.lineage.parent
    node.add(text(f"parent {version.model}@{further}") if further else "no parent")


def _digests(version: Version) -> str:
    lineage = version.lineage
    data, code = short(lineage.data_digest), short(lineage.code_digest)
    return f"data {data}, code {code}, environment {short(lineage.environment_digest)}"


def uses_tree(what: str, uses: Iterable[Use]) -> Tree:
    """Return who was made from a file, down to what serves now."""
    tree = Tree(text(what, "bold"), guide_style="dim")
    for use in uses:
        node = tree.add(_name(use.version))
        for one in use.inputs:
            node.add(_use(one))
        for part in use.shares:
            node.add(Text.assemble("serves now: ", share(part)))
        if not use.shares:
            node.add(text(_past(use.reigns)))
    return tree


def _use(one: Input) -> Text:
    if one.kind != "data":
        return text(f"as its {one.kind} {short(one.digest)}")
    version = f" (object version {one.version_id})" if one.version_id else ""
    return text(f"read {one.key}{version}, {one.rows:,} rows, SHA-256 {short(one.digest)}")


def _past(reigns: tuple[Reign, ...]) -> str:
    if not reigns:
        return "never served"
    return f"does not serve; last champion from {at(reigns[0].since)}"
