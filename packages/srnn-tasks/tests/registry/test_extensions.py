import sys
from collections.abc import Callable

import pytest

from srnn_tasks import Extensions

MODULES = {"plugin_tools": "def make():\n    return 3\n\nclass Box:\n    make = make\n\nnumber = 5\n"}


class ToolError(ValueError):
    pass


def check(name: str, loaded: object) -> Callable[[], object]:
    if not callable(loaded):
        raise TypeError(f"expected a function; got {loaded!r}")
    return loaded


def tools(**builtins: str) -> Extensions[Callable[[], object]]:
    return Extensions("example.tools", noun="tool", field="use", check=check, error=ToolError, builtins=builtins)


def test_builtin_and_declared_extensions_are_found_by_name(install) -> None:
    install("friend", {"maker": "plugin_tools:make"}, MODULES, group="example.tools")
    install("stranger", {"other": "plugin_tools:make"}, group="example.others")
    own = tools(dumps="json:dumps")
    assert own.names() == ("dumps", "maker")
    assert "plugin_tools" not in sys.modules
    assert own.load("maker")() == 3
    listed = [(each.name, each.distribution, each.target, each.error) for each in own.entries()]
    assert listed == [("dumps", "built-in", "json:dumps", None), ("maker", "friend 1.0", "plugin_tools:make", None)]


@pytest.mark.parametrize("target", ["plugin_tools:make", "plugin_tools:Box.make"])
def test_module_and_attribute_name_an_extension(install, target: str) -> None:
    install("friend", {}, MODULES)
    assert tools().load(target)() == 3


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("plugin_tools:makee", "AttributeError: .* has no attribute 'makee'. Did you mean 'make'?"),
        ("plugin_tools:zzz", "AttributeError: .* has no attribute 'zzz'$"),
        ("plugin_tools:number", "TypeError: expected a function; got 5"),
        ("no_such_module:make", "ModuleNotFoundError: No module named 'no_such_module'"),
    ],
)
def test_a_broken_module_and_attribute_is_an_error_with_its_cause(install, target: str, message: str) -> None:
    install("friend", {}, MODULES)
    with pytest.raises(ToolError, match=f"^use: tool '{target}' is broken: {message}"):
        tools().load(target)


def test_an_unknown_name_gets_near_names_and_the_known_ones() -> None:
    with pytest.raises(ToolError, match=r"^use: no tool 'dump' is installed\. Did you mean 'dumps'\?$"):
        tools(dumps="json:dumps").load("dump")
    with pytest.raises(ToolError, match=r"^use: no tool 'dump' is installed\. Known: none$"):
        tools().load("dump")


def test_a_declared_extension_cannot_replace_a_builtin_one(install) -> None:
    install("foe", {"dumps": "plugin_tools:make"}, MODULES, group="example.tools")
    own = tools(dumps="json:dumps")
    message = r"'dumps' is declared 2 times, by built-in \(json:dumps\) and foe 1\.0 \(plugin_tools:make\)"
    with pytest.raises(ToolError, match=message):
        own.load("dumps")
    assert [("declared 2 times" in (each.error or "")) for each in own.entries()] == [True, True]
    assert "plugin_tools" not in sys.modules


def test_a_broken_extension_is_listed_with_its_error() -> None:
    own = tools(lost="json:no_such_name", number="math:pi", good="json:dumps")
    errors = {each.name: each.error for each in own.entries()}
    assert errors["good"] is None
    assert errors["lost"].startswith("AttributeError: module 'json' has no attribute")
    assert errors["number"].startswith("TypeError: expected a function; got 3.14")
