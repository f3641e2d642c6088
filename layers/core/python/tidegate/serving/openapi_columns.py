"""JSON Schema 2020-12 of a contract's columns, and a row that they allow."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tidegate.contract import FLOAT32_LIMIT, INTEGER_MAX, Column, Contract

Json = dict[str, Any]
TEXT: Json = {"type": "string"}


def column_schema(column: Column) -> Json:
    """Return the schema of a column's values.

    >>> column_schema(Column("boats", "integer", minimum=0, nullable=True))
    {'type': ['integer', 'null'], 'minimum': 0, 'maximum': 16777216}
    """
    if column.type == "category":
        schema = _category(column)
    else:
        name = {"float": "number", "integer": "integer", "boolean": "boolean"}[column.type]
        schema = {"type": [name, "null"] if column.nullable else name, **_bounds(column)}
    return {**schema, "description": column.description} if column.description else schema


def example_row(contract: Contract) -> Json:
    """Return a row that the contract takes: the middle of each range, the first of each list."""
    return {column.name: _example(column) for column in contract.columns}


def pointer(schema: str, name: str) -> str:
    """Return where the schema of an object has that of a property, for a `$ref`.

    >>> pointer("Row", "wind/m")
    'Row/properties/wind~1m'
    """
    # A reference is a URI: what may not stand in one is written in percent.
    from urllib.parse import quote

    return f"{schema}/properties/{quote(name.replace('~', '~0').replace('/', '~1'), safe='~')}"


def object_schema(properties: Mapping[str, Json], *optional: str) -> Json:
    """Return the schema of an object with these properties and no others, all but some required."""
    return {
        "type": "object",
        "properties": dict(properties),
        "required": [name for name in properties if name not in optional],
        "additionalProperties": False,
    }


def reference(name: str) -> Json:
    """Return a reference to a schema of the document."""
    return {"$ref": f"#/components/schemas/{name}"}


def content(text: str, schema: Json, kind: str = "application/json") -> Json:
    """Return a response of one media type."""
    return {"description": text, "content": {kind: {"schema": schema}}}


def _category(column: Column) -> Json:
    listed: Json = {"enum": [*column.categories, *([None] if column.nullable else [])]}
    if column.unknown == "reject":
        return listed
    return {"anyOf": [listed, {**TEXT, "description": "Any other counts as unknown."}]}


def _bounds(column: Column) -> Json:
    if column.type == "boolean":
        return {}
    limit = INTEGER_MAX if column.type == "integer" else FLOAT32_LIMIT
    low = -limit if column.minimum is None else column.minimum
    high = limit if column.maximum is None else column.maximum
    return {"minimum": low, "maximum": high}


def _example(column: Column) -> object:
    if column.type == "category":
        return column.categories[0]
    if column.type == "boolean":
        return False
    low, high = column.minimum, column.maximum
    if low is None or high is None:
        middle = max(0.0, low or 0.0) if high is None else min(0.0, high)
    else:
        middle = low + (high - low) / 2
    if column.type == "float":
        return float(middle)
    whole = round(middle)
    return whole if high is None or whole <= high else int(middle // 1)
