"""Which text of a page Streamlit would read as Markdown, though it may be anybody's."""

import ast
from collections.abc import Iterator
from pathlib import Path

# What Streamlit draws as Markdown of a call: its first arguments, and `help`.
DRAWN = {
    **dict.fromkeys(
        ("markdown", "caption", "error", "warning", "info", "success", "toast", "badge", "title"), 1
    ),
    **dict.fromkeys(("header", "subheader", "button", "checkbox", "toggle", "selectbox"), 1),
    **dict.fromkeys(("multiselect", "segmented_control", "pills", "radio", "text_input"), 1),
    **dict.fromkeys(("text_area", "number_input", "slider", "select_slider", "expander"), 1),
    **dict.fromkeys(("popover", "spinner", "link_button", "download_button", "dialog"), 1),
    **dict.fromkeys(("file_uploader", "status", "metric", "feedback", "page_link"), 1),
    "progress": 0,
    # Ours, which pass text on.
    **dict.fromkeys(("page_header", "ask_path", "ask_datasets", "ask_place"), 2),
}
NAMED = {"help", "label", "text", "body", "caption", "captions"}
# Whose options are Markdown as well.
OPTIONS = {"segmented_control", "pills", "radio"}
# They draw what their callers give, which is looked at there.
PASS_ON = {"page_header", "ask_path", "ask_datasets", "ask_place"}
# What these return is Markdown of ours, or no text at all.
SAFE = {
    *("plain", "plain_option", "escape", "percent", "pluralise", "format_p", "signed"),
    *("len", "round", "int", "sum", "format_bytes"),
    # Titles in the package's registries.
    *("stored_title", "get_method", "get_spec"),
    # Plain where it has to be.
    *("describe_error", "failure", "words_of", "lesson_text", "say_network"),
    # Sentences without a word of a file's.
    *("describe_augmentation", "size_and_depth", "scale_note", "duration", "known_truth"),
    # HTML of ours, by a template that escapes.
    "probability_bars",
}
CONTAINERS = {"zip", "enumerate", "sorted", "reversed", "list", "tuple", "dict", "max", "min"}
KEPT = {"upper", "lower", "strip", "capitalize", "items", "values", "keys", "get", "removesuffix"}


class Module:
    """A page's module: what its names stand for, function by function."""

    def __init__(self, file: Path):
        self.file, self.tree = file, ast.parse(file.read_text())
        self.functions = [n for n in ast.walk(self.tree) if isinstance(n, ast.FunctionDef)]
        top = [node for node in self.tree.body if not isinstance(node, ast.FunctionDef)]
        self.globals = _bindings(ast.Module(top, []))

    def scopes(self, node: ast.AST) -> list[ast.FunctionDef]:
        """The functions around a place, the innermost first."""
        around = [f for f in self.functions if f.lineno <= node.lineno <= (f.end_lineno or 0)]
        return sorted(around, key=lambda f: -f.lineno)

    def foreign(self) -> Iterator[tuple[int, str]]:
        """Line and source of every drawn text that nothing shows to be ours, or plain."""
        for call in ast.walk(self.tree):
            if not isinstance(call, ast.Call):
                continue
            name = _called(call)
            scopes = self.scopes(call)
            if name == "html":
                drawn = call.args[:1]
            elif name == "table":
                # Cells and heads are Markdown too: `show_plain_table` draws them plain.
                plainly = any(one.name == "show_plain_table" for one in scopes)
                drawn = [] if plainly else call.args[:1]
            elif (
                name in DRAWN and _is_drawn(call) and not any(one.name in PASS_ON for one in scopes)
            ):
                named = [k.value for k in call.keywords if k.arg in NAMED]
                drawn = [*call.args[: DRAWN[name]], *named]
                options = call.args[1:2] if name in OPTIONS else []
                if not all(self._ours(one, scopes, frozenset()) for one in options):
                    formats = [k.value for k in call.keywords if k.arg == "format_func"]
                    drawn += formats or options
            else:
                continue
            for text in drawn:
                if not self._ours(text, scopes, frozenset()):
                    yield call.lineno, f"{name}: {ast.unparse(text)}"

    def _ours(self, node: ast.AST, scopes: list, seen: frozenset) -> bool:
        def ours(one: ast.AST) -> bool:
            return self._ours(one, scopes, seen)

        match node:
            case ast.Constant():
                return True
            case ast.JoinedStr(values=parts) | ast.BoolOp(values=parts) | ast.Dict(values=parts):
                return all(map(ours, parts))
            case ast.FormattedValue():
                return _is_number(node) or ours(node.value)
            case ast.IfExp():
                return ours(node.body) and ours(node.orelse)
            case ast.BinOp():
                return ours(node.left) and ours(node.right)
            case ast.Tuple(elts=parts) | ast.List(elts=parts):
                return all(map(ours, parts))
            case ast.GeneratorExp() | ast.ListComp():
                return ours(node.elt)
            case ast.DictComp():
                return ours(node.value)
            case ast.Attribute(attr=name) if name in SAFE:
                return True
            case ast.Subscript() | ast.Attribute() | ast.Starred():
                return ours(node.value)
            case ast.Name():
                return self._name(node.id, scopes, seen)
            case ast.Lambda():
                return ours(node.body)
            case ast.Call():
                return self._call(node, scopes, seen)
        return False

    def _name(self, name: str, scopes: list, seen: frozenset) -> bool:
        if name.strip("_").isupper() or name in SAFE:
            return True
        for depth, scope in enumerate([*scopes, None]):
            bound = _bindings(scope).get(name) if scope else self.globals.get(name)
            if bound:
                inner, key = scopes[depth:], (name, id(scope))
                # A text that grows by itself is what it began with and what comes to it.
                return key in seen or all(self._ours(one, inner, seen | {key}) for one in bound)
        return False

    def _call(self, call: ast.Call, scopes: list, seen: frozenset) -> bool:
        name = _called(call)
        if name in SAFE:
            return True
        if name == "render":  # A template, which escapes: see the test of environments.
            return isinstance(call.func.value, ast.Name) and call.func.value.id.isupper()
        if name == "map":
            return isinstance(call.args[0], ast.Name) and call.args[0].id in SAFE
        if name in CONTAINERS or name == "join":
            return all(self._ours(one, scopes, seen) for one in call.args)
        if name in KEPT and isinstance(call.func, ast.Attribute):
            return self._ours(call.func.value, scopes, seen)
        if isinstance(call.func, ast.Name) and name not in seen:
            for function in self.functions:
                if function.name == name:
                    given = [n.value for n in ast.walk(function) if isinstance(n, ast.Return)]
                    return all(
                        one is None or self._ours(one, self.scopes(function.body[0]), seen | {name})
                        for one in given
                    )
        return False


def _called(call: ast.Call) -> str:
    match call.func:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
    return ""


def _is_number(value: ast.FormattedValue) -> bool:
    """Whether the format takes numbers or times only."""
    parts = value.format_spec.values if isinstance(value.format_spec, ast.JoinedStr) else []
    text = "".join(one.value for one in parts if isinstance(one, ast.Constant))
    return text[-1:] in tuple("dfge%,") and bool(text) or text.startswith("%")


def _bindings(scope: ast.AST) -> dict[str, list[ast.AST]]:
    """Name -> what it is bound to anywhere in a scope, loops included."""
    found: dict[str, list[ast.AST]] = {}

    def bind(target: ast.AST, value: ast.AST) -> None:
        if isinstance(target, ast.Name):
            found.setdefault(target.id, []).append(value)
        elif isinstance(target, ast.Tuple | ast.List):
            parts = value.elts if isinstance(value, ast.Tuple) else []
            if isinstance(value, ast.Call) and _called(value) == "zip":
                parts = value.args
            elif isinstance(value, ast.Call) and _called(value) == "enumerate":
                parts = [ast.Constant(0), value.args[0]]
            pairs = len(parts) == len(target.elts)
            for number, one in enumerate(target.elts):
                bind(one, parts[number] if pairs else value)

    for node in ast.walk(scope):
        match node:
            case ast.Assign(targets=[target], value=value):
                bind(target, value)
            case (
                ast.AugAssign(target=target, value=value)
                | ast.NamedExpr(target=target, value=value)
            ):
                bind(target, value)
            case ast.For(target=target, iter=value) | ast.comprehension(target=target, iter=value):
                bind(target, value)
    return found


def _is_drawn(call: ast.Call) -> bool:
    """Whether it is Streamlit's, or one of ours that passes text on."""
    return isinstance(call.func, ast.Attribute) or _called(call) in PASS_ON
