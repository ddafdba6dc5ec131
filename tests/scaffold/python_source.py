"""Small edits of Python source: arguments of a call, attributes of a class."""

from __future__ import annotations

import ast
from collections.abc import Callable, Collection, Iterator, Mapping


def with_arguments(source: str, function: str, values: Mapping[str, str | None]) -> str:
    """Return the source with other keyword arguments in the one call of a function.

    :param source: of a module; the call must stand in it.
    :param function: its name.
    :param values: source of each value by keyword; ``None`` takes the argument away.
    """
    calls = (node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call))
    [call] = [each for each in calls if isinstance(each.func, ast.Name) and each.func.id == function]
    arguments: dict[str, str | None] = {
        keyword.arg or "**": ast.get_source_segment(source, keyword.value) for keyword in call.keywords
    }
    arguments.update(values)
    inner = "".join(f"    {name}={value},\n" for name, value in arguments.items() if value is not None)
    segment = ast.get_source_segment(source, call) or ""
    return source.replace(segment, f"{function}(\n{inner})")


def without_attributes(source: str, names: Collection[str]) -> str:
    """Return the source without some assignments in its classes.

    :param source: of a module.
    :param names: the attributes.
    """
    tree = ast.parse(source)
    classes = (node for node in tree.body if isinstance(node, ast.ClassDef))
    return _without(source, (each for one in classes for each in one.body if _assigns(each, names.__contains__)))


def without_unused_names(source: str) -> str:
    """Return the source without the private constants and the imports of the module that nothing reads any more."""
    tree = ast.parse(source)
    read = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)}
    constants = [each for each in tree.body if _assigns(each, lambda name: name.startswith("_") and name not in read)]
    followers = dict(zip(tree.body, tree.body[1:], strict=False))
    texts = [after for each in constants if (after := followers.get(each)) and _is_text(after)]
    imports = [each for each in tree.body if _imports_none_of(each, read)]
    return _without(source, [*constants, *texts, *imports])


def _assigns(node: ast.stmt, wanted: Callable[[str], bool]) -> bool:
    targets = node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
    return any(isinstance(target, ast.Name) and wanted(target.id) for target in targets)


def _imports_none_of(node: ast.stmt, names: Collection[str]) -> bool:
    if not isinstance(node, ast.ImportFrom) or node.module == "__future__":
        return False
    return not any((alias.asname or alias.name) in names for alias in node.names)


def _is_text(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _without(source: str, nodes: Iterator[ast.stmt] | list[ast.stmt]) -> str:
    gone = {number for node in nodes for number in range(node.lineno, (node.end_lineno or node.lineno) + 1)}
    return "".join(line for number, line in enumerate(source.splitlines(keepends=True), 1) if number not in gone)
