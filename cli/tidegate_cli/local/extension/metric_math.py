"""Metric math: evaluate the expression of an alarm, one period at a time.

Numbers, metric ids, `+ - * /`, comparisons, `IF(condition, a, b)`, `FILL(metric, value)` and
`MAX/MIN/SUM/AVG([...])`. A missing value makes an expression missing, as on AWS, unless filled.
"""

import ast
import operator
from collections.abc import Callable, Mapping
from typing import Any

Value = float | None
_BINARY: dict[type[ast.operator], Callable[[float, float], float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}
_COMPARISONS: dict[type[ast.cmpop], Callable[[float, float], bool]] = {
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
}
_MANY: dict[str, Callable[[list[float]], float]] = {
    "MAX": max,
    "MIN": min,
    "SUM": sum,
    "AVG": lambda values: sum(values) / len(values),
}


class MathError(ValueError):
    """An expression this emulation does not know."""


def evaluate(expression: str, values: Mapping[str, Value]) -> Value:
    """Evaluate an expression over the values of its metrics in one period.

    >>> evaluate("100 * errors / FILL(calls, 0)", {"errors": 1.0, "calls": 4.0})
    25.0
    >>> evaluate("a / b", {"a": 1.0, "b": 0.0}) is None
    True
    """
    try:
        tree = ast.parse(expression.strip(), mode="eval")
    except SyntaxError:
        raise MathError(f"cannot read the expression {expression!r}") from None
    return _value(tree.body, values)


def _value(node: ast.expr, values: Mapping[str, Value]) -> Value:
    match node:
        case ast.Constant(value=int() | float() as number):
            return float(number)
        case ast.Name(id=name) if name in values:
            return values[name]
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            inner = _value(operand, values)
            return None if inner is None else -inner
        case ast.BinOp(left=left, op=sign, right=right) if type(sign) in _BINARY:
            return _both(_BINARY[type(sign)], _value(left, values), _value(right, values))
        case ast.Compare(left=left, ops=[sign], comparators=[right]):
            return _both(_COMPARISONS[type(sign)], _value(left, values), _value(right, values))
        case ast.Call(func=ast.Name(id=name), args=arguments):
            return _call(name.upper(), arguments, values)
    raise MathError(f"{ast.unparse(node)!r} is not emulated")


def _both(apply: Callable[[float, float], Any], left: Value, right: Value) -> Value:
    if left is None or right is None:
        return None
    try:
        return float(apply(left, right))
    except ZeroDivisionError:
        return None


def _call(name: str, arguments: list[ast.expr], values: Mapping[str, Value]) -> Value:
    if name == "IF" and len(arguments) == 3:
        condition = _value(arguments[0], values)
        return None if condition is None else _value(arguments[1 if condition else 2], values)
    if name == "FILL" and len(arguments) == 2:
        found = _value(arguments[0], values)
        return _value(arguments[1], values) if found is None else found
    if name in _MANY and arguments:
        parts = arguments[0].elts if isinstance(arguments[0], ast.List) else arguments
        present = [v for v in (_value(part, values) for part in parts) if v is not None]
        return _MANY[name](present) if present else None
    raise MathError(f"{name} with {len(arguments)} arguments is not emulated")
