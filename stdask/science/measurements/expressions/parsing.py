"""Read the text of an expression into a tree of the operations that are allowed, and the columns that it reads.

The text has the syntax of Python, and Python's parser reads it, but nothing in it is ever run as code: every
operation is looked up in the tables of `operations.py`.
"""

import ast
import re
import warnings
from collections.abc import Mapping
from typing import Any

from stdask.errors import ExpressionError
from stdask.science.measurements.expressions.operations import (
    ARITHMETIC,
    COMPARISONS,
    FUNCTIONS,
    SUBSTR,
    TESTS,
    listed,
    name_of,
    quote,
    shortened,
)

MAX_LENGTH = 2000  # characters
MAX_DEPTH = 50  # operations within operations; a sum of 50 terms is one too
TOKENS = re.compile(r"'[^']*'|\"[^\"]*\"|`[^`]*`|[#'\"`\\]")  # quoted parts, and what cannot stand outside of them

ALLOWED = "names, numbers, 'text', + - * / **, comparisons, 'in', 'and', 'or', 'not' and " + ", ".join(
    [*FUNCTIONS, *TESTS, SUBSTR]
)
ELEMENTS = "Elements of a column are numbered from 0, as in FPARAM[3] or COVAR[0,0]"
HINTS: dict[type, str] = {
    ast.Attribute: "Names with other characters than letters, digits, _ and dots stand in backquotes",
    ast.Subscript: ELEMENTS,
    ast.BitAnd: "Write 'and'",
    ast.BitOr: "Write 'or'",
    ast.Invert: "Write 'not'",
    ast.BitXor: "Powers are written with '**'",
    ast.Is: "Write isnan(...) to ask for missing values",
    ast.IsNot: "Write 'not isnan(...)' to ask for known values",
}


def parse_tree(line: str) -> tuple[ast.expr, tuple[str, ...]]:
    """Return the tree of an expression, whose columns are `ast.Name`, and these columns in the order of the text.

    Raises
    ------
    ExpressionError
        If it cannot be read, reads no column, or has an operation that is not in the tables.
    """
    code, quoted = _without_backquotes(line)
    tree = _parse(line, code)
    check = _Check(line, quoted)
    check.check(tree)
    if not check.names:
        raise ExpressionError(f"{name_of(line)} names no column.")
    return _Named(check.names).visit(tree), tuple(dict.fromkeys(check.names.values()))


def _without_backquotes(line: str) -> tuple[str, dict[int, str]]:
    """Return a line with plain names of the same length for those in backquotes, and these by their places."""
    code, quoted = list(line), {}
    for found in TOKENS.finditer(line):
        token, start = found.group(), found.start()
        if len(token) == 1:
            what = "has no meaning here" if token in "#\\" else "has no second one"
            raise ExpressionError(f"{name_of(line)}: the {token} at character {start + 1} {what}.")
        if "\\" in token:
            raise ExpressionError(f"{name_of(line)}: {token} has a backslash. Leave it out.")
        if token[0] == "`":
            if not token[1:-1].strip():
                raise ExpressionError(f"{name_of(line)}: the backquotes at character {start + 1} hold no name.")
            code[start : found.end()] = "_" * len(token)
            quoted[start] = token[1:-1]
    return "".join(code), quoted


def _parse(line: str, code: str) -> ast.expr:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # on numbers next to words: what is wrong is refused below
            tree = ast.parse(code, mode="eval").body
    except SyntaxError as exc:
        place = min((exc.offset or len(line) + 1) - 1, len(line))  # an offset of 0 is the end
        rest = f"at {shortened(line[place:])!r}, character {place + 1}" if line[place:].strip() else "at its end"
        remedy = "Write '==' to compare" if re.match("=[^=]", line[place:]) else f"Expressions have {ALLOWED}"
        raise ExpressionError(f"{name_of(line)} cannot be read {rest}. {remedy}.") from None
    except (MemoryError, RecursionError, ValueError):  # the parser's own limits, and characters it cannot take
        raise ExpressionError(f"{name_of(line)} cannot be read. Make it simpler.") from None
    for node in ast.walk(tree):
        if isinstance(node, ast.expr):  # places in bytes become places in characters
            node.col_offset, node.end_col_offset = (
                len(code.encode()[:place].decode()) for place in (node.col_offset, node.end_col_offset or 0)
            )
    return tree


class _Check:
    """Find the columns of a tree, and refuse what is not among the operations."""

    def __init__(self, line: str, quoted: Mapping[int, str]) -> None:
        self.line, self.quoted = line, quoted
        self.names: dict[ast.AST, str] = {}  # parts that are columns, in the order of the text

    def check(self, tree: ast.expr) -> None:
        """Go through all parts of a tree; not by recursion, because a text may have more of it than Python allows."""
        waiting: list[tuple[ast.AST, int]] = [(tree, 1)]
        while waiting:
            node, depth = waiting.pop()
            if depth > MAX_DEPTH:
                raise ExpressionError(f"{name_of(self.line)} has more than {MAX_DEPTH} operations within operations.")
            if isinstance(node, ast.Name | ast.Attribute | ast.Subscript):
                self.names[node] = self.column(node)
                continue
            waiting += [(part, depth + 1) for part in reversed(self.parts_of(node))]

    def column(self, node: ast.expr) -> str:
        """Return the name of a column, with its table before a dot and the number of an element after it."""
        part, name = node, ""
        if isinstance(part, ast.Subscript):
            name = f"[{','.join(map(str, self.elements(part)))}]"
            part = part.value
        while isinstance(part, ast.Attribute):
            place = (part.end_col_offset or 0) - len(part.attr)
            name = f".{self.quoted.get(place, part.attr)}{name}"
            part = part.value
        if not isinstance(part, ast.Name):
            raise self.refuse(node, HINTS[type(node)])
        return self.quoted.get(part.col_offset, part.id) + name

    def elements(self, node: ast.Subscript) -> list[int]:
        """Return the numbers of an element."""
        numbers = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
        found = [number.value for number in numbers if isinstance(number, ast.Constant) and type(number.value) is int]
        if len(found) < max(len(numbers), 1):
            raise self.refuse(node, ELEMENTS)
        return found

    def parts_of(self, node: ast.AST) -> list[ast.expr]:
        """Return the operands of an operation."""
        match node:
            case ast.Constant(value=bool() | int() | float() | str() as value):
                if isinstance(value, int) and value.bit_length() > 64:
                    raise self.refuse(node, "Numbers that large need a decimal point")
                return []
            case ast.BinOp(op=op, left=left, right=right) if type(op) in ARITHMETIC:
                return [left, right]
            case ast.UnaryOp(op=ast.USub() | ast.UAdd() | ast.Not(), operand=operand):
                return [operand]
            case ast.BoolOp(values=values):
                return values
            case ast.Compare():
                return self.compared(node)
            case ast.Call(func=ast.Name(id=name), args=args, keywords=[]) if name == SUBSTR:
                numbers = [own.value for own in args[1:] if isinstance(own, ast.Constant) and type(own.value) is int]
                if len(args) != 3 or len(numbers) < 2:
                    raise self.refuse(node, "Write substr(text, start, length), as in substr(flags, 0, 1)")
                return args[:1]
            case ast.Call(func=ast.Name(id=name), args=args, keywords=[]) if name in (*FUNCTIONS, *TESTS):
                _, fewest, most = FUNCTIONS.get(name, (None, 1, 1))
                if not fewest <= len(args) <= most:
                    number = f"{fewest}" if fewest == most else f"{fewest} to {most}"
                    raise self.refuse(node, f"{name} takes {number} argument{'s' * (most > 1)}")
                return args
        raise self.refuse(node, HINTS.get(type(getattr(node, "op", node)), f"Expressions have {ALLOWED}"))

    def compared(self, node: ast.Compare) -> list[ast.expr]:
        """Return the sides of a comparison and the values of its lists."""
        parts = [node.left]
        for op, right in zip(node.ops, node.comparators, strict=True):
            if isinstance(op, ast.In | ast.NotIn):
                values = listed(right)
                if not values or not all(isinstance(_unsigned(value), ast.Constant) for value in values):
                    raise self.refuse(right, "After 'in' stand values in brackets, as in (1, 2)")
                parts += values
            elif type(op) in COMPARISONS:
                parts.append(right)
            else:
                raise self.refuse(node, HINTS[type(op)])
        return parts

    def refuse(self, node: ast.AST, remedy: str) -> ExpressionError:
        """Return the error on a part."""
        return ExpressionError(f"{name_of(self.line)}: {quote(self.line, node)} is not possible. {remedy}.")


def _unsigned(node: ast.expr) -> ast.expr:
    return node.operand if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub) else node


class _Named(ast.NodeTransformer):
    """Write every column of a tree as `ast.Name`."""

    def __init__(self, names: Mapping[ast.AST, str]) -> None:
        self.names = names

    def visit(self, node: ast.AST) -> Any:
        """Return a part with its columns by name."""
        if node in self.names:
            return ast.copy_location(ast.Name(self.names[node], ast.Load()), node)
        return self.generic_visit(node)
