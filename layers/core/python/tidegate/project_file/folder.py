"""The other files of a model folder: Python files that hold named functions, pinned requirements.

User code is parsed, never imported.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from tidegate.errors import ProjectError

MAX_FILE_BYTES = 1_000_000
_PINNED = re.compile(
    r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?"  # name
    r"\s*(?:\[[A-Za-z0-9._, -]*\])?\s*"  # extras
    r"===?\s*[A-Za-z0-9][A-Za-z0-9.!+_-]*"  # one exact version
    r"\s*(?:;.*)?"  # marker
)
_OPTIONS = ("--index-url", "-i", "--extra-index-url", "--require-hashes", "--only-binary")


def read_text(path: Path) -> str:
    """Return a file's text; raise `ProjectError` when it is missing, too large or not UTF-8."""
    if not path.is_file():
        raise ProjectError(str(path), "", "this file is missing")
    if path.stat().st_size > MAX_FILE_BYTES:
        raise ProjectError(str(path), "", f"at most {MAX_FILE_BYTES:,} bytes are expected")
    data = path.read_bytes()
    if data.startswith(b"\xef\xbb\xbf"):
        raise ProjectError(str(path), "", "begins with a byte order mark; save as plain UTF-8")
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise ProjectError(str(path), "", f"UTF-8 is expected, but line {line} is not") from None


def find_function_problems(
    folder: Path, address: str, *, key: str, arguments: int | None = None
) -> Iterator[ProjectError]:
    """Yield what is wrong with `file.py:function`, which model.toml names under `key`."""
    file, _, name = address.partition(":")
    path = folder / file
    if not path.resolve().is_relative_to(folder.resolve()):
        yield ProjectError(str(path), "", f"{key} names a file outside the folder")
        return
    try:
        tree = ast.parse(read_text(path))
    except ProjectError as error:
        yield ProjectError(error.file, "", f"{error.expected} ({key} names it)")
        return
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        line = f"line {error.lineno}: " if isinstance(error, SyntaxError) and error.lineno else ""
        text = error.msg if isinstance(error, SyntaxError) else "can't be parsed"
        yield ProjectError(str(path), "", f"{line}not valid Python: {text}")
        return
    fault = _function_fault(_top_level(tree), name, arguments)
    if fault:
        yield ProjectError(str(path), name, f"{fault} ({key} names it)")


def _function_fault(found: dict[str, ast.AST], name: str, arguments: int | None) -> str:
    node = found.get(name)
    if node is None:
        return "no such function at the top level of this file"
    if isinstance(node, ast.AsyncFunctionDef | ast.ClassDef):
        return "a plain function is expected"
    if arguments is None or not isinstance(node, ast.FunctionDef):
        return ""  # what is imported or assigned shows its arguments only when it runs
    if not _accepts(node.args, arguments):
        return f"must be callable with {arguments} positional arguments"
    return ""


def _top_level(tree: ast.AST) -> dict[str, ast.AST]:
    """Map each name that a module binds, also within `if`, `try` and `with`, to what binds it."""
    found: dict[str, ast.AST] = {}
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            found[node.name] = node
        elif isinstance(node, ast.Import | ast.ImportFrom):
            found.update({alias.asname or alias.name: node for alias in node.names})
        elif isinstance(node, ast.Assign):
            found.update({t.id: node for t in node.targets if isinstance(t, ast.Name)})
        elif isinstance(node, ast.If | ast.Try | ast.With | ast.ExceptHandler):
            found.update(_top_level(node))
    return found


def _accepts(args: ast.arguments, count: int) -> bool:
    positional = len(args.posonlyargs) + len(args.args)
    if any(default is None for default in args.kw_defaults):
        return False
    enough = positional >= count or args.vararg is not None
    return positional - len(args.defaults) <= count and enough


def find_requirement_problems(path: Path) -> Iterator[ProjectError]:
    """Yield every line of requirements.txt that does not name one exact version."""
    try:
        text = read_text(path)
    except ProjectError as error:
        yield error
        return
    for number, line in _logical_lines(text):
        plain = re.sub(r"(?:^|\s)#.*", "", line)
        plain = re.sub(r"\s--hash=\S+", "", plain).strip()
        if not plain or plain.startswith(_OPTIONS):
            continue
        if not _PINNED.fullmatch(plain):
            wanted = "one exact version is expected, e.g. scikit-learn==1.9.1"
            yield ProjectError(str(path), f"line {number}", f"{wanted}, not {plain[:80]!r}")


def _logical_lines(text: str) -> Iterator[tuple[int, str]]:
    """Yield (number of first line, line) with backslash continuations joined."""
    start, parts = 1, list[str]()
    for number, line in enumerate(text.splitlines(), start=1):
        if not parts:
            start = number
        if line.endswith("\\"):
            parts.append(line[:-1])
            continue
        yield start, " ".join([*parts, line])
        parts = []
    if parts:
        yield start, " ".join(parts)
