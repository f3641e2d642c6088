"""House rules as functions: one source file in, what breaks the rule out."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from tests.architecture.sources import Source

FUNCTION_CEILING = 40
FILE_CEILING = 400
HANDLER_CEILING = 40
PORT_CEILING = 6
CORE = "layers/core/python/tidegate/"
NOT_LOGIC = (f"{CORE}aws/", f"{CORE}wiring.py")
VAGUE = ("Manager", "Helper", "Utils", "Base", "Common")

# Where the process begins: here the clock, the environment and ids are read, to be passed down.
EDGES = {
    f"{CORE}clock.py": "the clock itself",
    f"{CORE}settings.py": "Settings.from_env is where the environment is read",
    f"{CORE}serving/endpoint.py": "the model function's handler",
    f"{CORE}serving/cold_start.py": "is imported before all else, and asks whether this is Lambda",
    f"{CORE}training/job.py": "the training process's entry point",
    f"{CORE}training/bounds.py": "gives user code a working directory and HOME of its own",
    f"{CORE}package/bounded.py": "chooses what of the environment a sandboxed child may see",
    f"{CORE}package/sandbox.py": "the entry point of the sandboxed subprocess",
}
# Code that is not ours may raise anything; whatever it raises becomes one error of our tree.
FOREIGN_CODE = {
    f"{CORE}serving/endpoint.py": "a handler: a request must be answered, and logged",
    f"{CORE}training/job.py": "the training process: any failure becomes the job's reason",
    f"{CORE}training/user_code.py": "the user's train function",
    f"{CORE}training/export/native.py": "the user's estimator",
}
# Processes whose standard output is a log that somebody reads.
TALKING = {
    "layers/core/python/__main__.py": "the training container's log",
    f"{CORE}training/job.py": "the training container's log",
}
# Raised and caught inside one room, never seen outside it.
CONTROL_FLOW = {"NotConvertible": "the exporter tries the next way"}
IMPURE_CALLS = frozenset(
    {
        "datetime.now",
        "datetime.utcnow",
        "os.getenv",
        "os.urandom",
        "time.time",
        "time.time_ns",
        "uuid.uuid1",
        "uuid.uuid4",
        "uuid4",
    }
)
IMPURE_AT_SYNTH = frozenset(
    {"boto3", "botocore", "httpx", "random", "requests", "socket", "subprocess", "urllib", "uuid"}
)
# CDK's own seam for work at synthesis: the result is cached under a digest of committed files.
BUNDLING = "stacks/bundling.py"


def long_functions(source: Source) -> Iterator[str]:
    for node in source.functions():
        length = (node.end_lineno or node.lineno) - node.lineno + 1
        if length > FUNCTION_CEILING:
            yield f"{source.path}:{node.lineno} {node.name} has {length} lines"


def long_file(source: Source) -> Iterator[str]:
    length = source.text.count("\n")
    if length > FILE_CEILING:
        yield f"{source.path} has {length} lines, at most {FILE_CEILING}"


def long_handler(source: Source) -> Iterator[str]:
    """Count what a handler does: its lines without imports, blanks and the module docstring."""
    if not source.path.endswith("/handler.py"):
        return
    ours = [
        n for n in source.tree.body if not isinstance(n, ast.Import | ast.ImportFrom | ast.Expr)
    ]
    first = min((node.lineno for node in ours), default=1)
    length = sum(1 for line in source.text.splitlines()[first - 1 :] if line.strip())
    if length > HANDLER_CEILING:
        yield f"{source.path} has {length} lines of its own, at most {HANDLER_CEILING}"


def missing_docstrings(source: Source) -> Iterator[str]:
    if source.text.strip() and ast.get_docstring(source.tree) is None:
        yield f"{source.path}:1 module"
    yield from _undocumented(source.path, source.tree.body)


def _undocumented(path: str, body: list[ast.stmt]) -> Iterator[str]:
    for node in body:
        if not isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        if node.name.startswith("_"):
            continue
        decorated = {ast.unparse(item).split(".")[-1] for item in node.decorator_list}
        if ast.get_docstring(node) is None and not decorated & {"overload", "setter"}:
            yield f"{path}:{node.lineno} {node.name}"
        if isinstance(node, ast.ClassDef):
            yield from _undocumented(path, node.body)


def prints(source: Source) -> Iterator[str]:
    if source.path.startswith("cli/") or source.path in TALKING:
        return
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Call) and ast.unparse(node.func) in {"print", "pprint.pprint"}:
            yield f"{source.path}:{node.lineno}"


def blind_excepts(source: Source) -> Iterator[str]:
    """Find `except:`, `except Exception:`; a handler may, and says why with its lint exemption."""
    if source.is_below("functions/", "cli/") or source.path in FOREIGN_CODE:
        return
    for node in ast.walk(source.tree):
        if isinstance(node, ast.ExceptHandler) and _is_blind(node.type):
            yield f"{source.path}:{node.lineno}"


def _is_blind(kind: ast.expr | None) -> bool:
    if kind is None:
        return True
    kinds = kind.elts if isinstance(kind, ast.Tuple) else [kind]
    return any(ast.unparse(item) in {"Exception", "BaseException"} for item in kinds)


def sdk_at_import(source: Source) -> Iterator[str]:
    """Find SDK imports that run at import time outside the adapters."""
    if not source.path.startswith(CORE) or source.path.startswith(f"{CORE}aws/"):
        return
    for node in source.tree.body:
        for module in _imported(node):
            if module.split(".")[0] in {"boto3", "botocore"}:
                yield f"{source.path}:{node.lineno} imports {module}"


def _imported(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom) and node.module and not node.level:
        return [node.module]
    return []


def impure_logic(source: Source) -> Iterator[str]:
    """Find logic that reads the clock, the environment or makes ids instead of taking them."""
    if not source.path.startswith(CORE) or source.path.startswith(NOT_LOGIC):
        return
    if source.path in EDGES:
        return
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Call) and ast.unparse(node.func) in IMPURE_CALLS:
            yield f"{source.path}:{node.lineno} {ast.unparse(node.func)}()"
        elif isinstance(node, ast.Attribute) and ast.unparse(node) == "os.environ":
            yield f"{source.path}:{node.lineno} os.environ"


def impure_synthesis(source: Source) -> Iterator[str]:
    if not source.is_below("stacks/", "app.py") or source.path == BUNDLING:
        return
    for node in ast.walk(source.tree):
        for module in _imported(node):
            if module.split(".")[0] in IMPURE_AT_SYNTH:
                yield f"{source.path}:{node.lineno} imports {module}"
        if isinstance(node, ast.Call) and ast.unparse(node.func) in IMPURE_CALLS:
            yield f"{source.path}:{node.lineno} {ast.unparse(node.func)}()"
        elif isinstance(node, ast.Attribute) and ast.unparse(node) == "os.environ":
            yield f"{source.path}:{node.lineno} os.environ"


def vague_names(source: Source) -> Iterator[str]:
    stem = source.path.rsplit("/", 1)[-1].removesuffix(".py")
    if stem in {word.lower() for word in (*VAGUE, "Util", "Helpers")}:
        yield f"{source.path} is a vague name"
    for node in source.classes():
        if node.name.startswith(VAGUE) or node.name.endswith(VAGUE):
            yield f"{source.path}:{node.lineno} {node.name}"


def errors_outside_the_tree(source: Source) -> Iterator[str]:
    if not source.path.startswith(CORE) or source.path == f"{CORE}errors.py":
        return
    for node in source.classes():
        if node.name in CONTROL_FLOW:
            continue
        if any(ast.unparse(base).endswith(("Error", "Exception")) for base in node.bases):
            yield f"{source.path}:{node.lineno} {node.name}"


def wide_ports(source: Source) -> Iterator[str]:
    for node in source.classes():
        if any(ast.unparse(base).startswith("Protocol") for base in node.bases):
            methods = [item for item in node.body if isinstance(item, ast.FunctionDef)]
            if len(methods) > PORT_CEILING:
                yield f"{source.path}:{node.lineno} {node.name} has {len(methods)} methods"


def user_land_imports(source: Source) -> Iterator[str]:
    if not source.path.startswith("models/"):
        return
    for node in ast.walk(source.tree):
        for module in _imported(node):
            if module.split(".")[0] in {"tidegate", "tidegate_cli", "stacks", "functions"}:
                yield f"{source.path}:{node.lineno} imports {module}"
