"""Small faults: which a file could have, and what compiles the file with one of them."""

import ast
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
COMMUTE = ("max", "min", "maximum", "minimum", "hypot", "clip")
OTHER = {
    **{ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Pow: ast.Mult},
    **{ast.Eq: ast.NotEq, ast.NotEq: ast.Eq, ast.Is: ast.IsNot, ast.IsNot: ast.Is},
    **{ast.In: ast.NotIn, ast.NotIn: ast.In, ast.And: ast.Or, ast.Or: ast.And},
    **{ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult},
    **{ast.FloorDiv: ast.Div, ast.Mod: ast.FloorDiv, ast.BitAnd: ast.BitOr, ast.BitOr: ast.BitAnd},
}
UNREAD = ("annotation", "returns", "exc")  # Types, and what an error says.


def changes(node: ast.AST) -> Iterator[tuple[str, ast.AST]]:
    """Kinds of faults and what stands in the node's place then."""
    match node:
        case ast.Compare(left=left, ops=[op], comparators=right):
            yield "comparison", ast.Compare(left, [OTHER[type(op)]()], right)
        case ast.BinOp(left=left, op=op, right=right) if type(op) in OTHER:
            yield "arithmetic", ast.BinOp(left, OTHER[type(op)](), right)
        case ast.BoolOp(op=op, values=values):
            yield "boolean", ast.BoolOp(OTHER[type(op)](), values)
        case ast.UnaryOp(op=ast.Not() | ast.USub(), operand=operand):
            yield "sign", operand
        case ast.Constant(value=bool(value)):
            yield "constant", ast.Constant(not value)
        case ast.Constant(value=int(value)):
            yield "constant", ast.Constant(value + 1)
        case ast.Constant(value=float(value)):
            yield "constant", ast.Constant(value * 1.5 or 1.0)
        case ast.Return(value=ast.expr() as value) if not isinstance(value, ast.Constant):
            yield "return", ast.Return(ast.Constant(None))
        case ast.Raise() | ast.AugAssign() | ast.Expr(value=ast.Call()):
            yield "statement deleted", ast.Pass()
        case ast.IfExp(test=test, body=body, orelse=orelse):
            yield "condition", ast.IfExp(test, orelse, body)
        case ast.If(test=test) if "TYPE_CHECKING" not in ast.unparse(test):
            negated = ast.UnaryOp(ast.Not(), test)
            yield "condition", ast.If(negated, node.body, node.orelse)
        case ast.Call(func=func, args=args, keywords=keywords):
            commute = ast.unparse(func).split(".")[-1] in COMMUTE
            if len(args) > 1 and not (commute or isinstance(args[0], ast.Starred)):
                yield "arguments swapped", ast.Call(func, [*args[1::-1], *args[2:]], keywords)
            for gone in keywords:
                rest = [keyword for keyword in keywords if keyword is not gone]
                yield "argument dropped", ast.Call(func, args, rest)


def sites(node: ast.AST, function: ast.AST | None = None) -> Iterator[tuple[ast.AST, Any]]:
    """Every node that says what is computed, and the function it stands in."""
    if not (function is None and isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr)):
        yield node, function
    for name, field in ast.iter_fields(node):
        for child in field if isinstance(field, list) else [field]:
            if isinstance(child, ast.AST) and name not in UNREAD:
                inside = isinstance(node, ast.FunctionDef | ast.Lambda) and name == "body"
                yield from sites(child, (function or node) if inside else function)


def _body(function: ast.AST) -> list[int]:
    """First and last line of what a call of the function runs."""
    first = function.body[0] if isinstance(function.body, list) else function.body
    return [first.lineno, function.end_lineno]


def faults(path: Path) -> Iterator[tuple[dict[str, Any], Callable[[], Any]]]:
    """Every fault of a file: what it is, and what compiles the module with it."""
    tree, file = ast.parse(path.read_text()), str(path.relative_to(ROOT))
    for node, function in list(sites(tree)):
        for kind, new in changes(node):
            last = node.test.end_lineno if isinstance(node, ast.If) else node.end_lineno
            fault = {"file": file, "kind": kind, "lines": [node.lineno, last]}
            fault["function"] = function and _body(function)
            fault["was"] = ast.unparse(node).split("\n")[0][:90]
            fault["now"] = ast.unparse(new).split("\n")[0][:90]

            def compiled(node: ast.AST = node, new: ast.AST = new) -> Any:
                # In a process of its own, so that nobody sees the tree again.
                new = ast.copy_location(new, node)
                node.__class__, node.__dict__ = type(new), dict(new.__dict__)
                return compile(ast.fix_missing_locations(tree), str(path), "exec")

            yield fault, compiled
