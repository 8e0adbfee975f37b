import subprocess
import sys

import pytest
from pydantic import TypeAdapter

from srnn_tasks import Adding, AnyTask, TaskError, entries, find, kinds

GOOD = """
from typing import Literal
from srnn_tasks import Task

class Good(Task):
    kind: Literal["good"] = "good"
    def open(self, *, device, generator):
        raise NotImplementedError

class Abstract(Task):
    kind: Literal["abstract"] = "abstract"
"""

BROKEN = [
    pytest.param(
        "no_such_module_at_all:Task", "ModuleNotFoundError: No module named 'no_such_module_at_all'", id="no module"
    ),
    pytest.param("plugin_good:Missing", "AttributeError", id="no class"),
    pytest.param("plugin_raises:Task", "RuntimeError: no engine", id="raises"),
    pytest.param("plugin_exits:Task", "SystemExit: 3", id="exits"),
    pytest.param("plugin_syntax:Task", "SyntaxError", id="syntax"),
    pytest.param(
        "json:JSONDecoder", "TypeError: expected a subclass of srnn_tasks.Task; got <class 'json.", id="not a task"
    ),
    pytest.param("json:dumps", "expected a subclass of srnn_tasks.Task; got <function dumps", id="a function"),
    pytest.param("plugin_good:Abstract", "TypeError: Abstract does not define open", id="abstract"),
    pytest.param("plugin_good:Good", "TypeError: Good.kind: expected the default 'other'", id="other kind"),
    pytest.param("srnn_tasks:Task", "TypeError: Task does not define open", id="the base"),
]

MODULES = {
    "plugin_good": GOOD,
    "plugin_raises": "raise RuntimeError('no\\nengine')",
    "plugin_exits": "import sys; sys.exit(3)",
    "plugin_syntax": "def",
}


def test_own_tasks_are_found() -> None:
    assert {"adding", "path_integration", "sequential_mnist"} <= set(kinds())
    assert find("adding") is Adding
    assert all(entry.error is None for entry in entries() if entry.distribution.startswith("srnn-tasks "))


def test_a_plugin_is_imported_only_when_its_kind_is_requested(install) -> None:
    install("friend", {"good": "plugin_good:Good"}, MODULES)
    install("foe", {"other": "plugin_raises:Task"})
    assert "good" in kinds()
    assert "plugin_good" not in sys.modules
    assert find("good").__name__ == "Good"
    assert "plugin_good" in sys.modules
    assert "plugin_raises" not in sys.modules


def test_importing_the_package_loads_no_plugin_no_extra_and_no_sibling(install, tmp_path) -> None:
    install("foe", {"other": "plugin_exits:Task"}, MODULES)
    code = (
        f"import sys; sys.path.insert(0, {str(tmp_path)!r}); import srnn_tasks, srnn_tasks.testing\n"
        "loaded = {name.split('.')[0] for name in sys.modules}\n"
        "print('other' in srnn_tasks.kinds())\n"
        "extras = ('datasets', 'gymnasium', 'neurogym', 'scipy')\n"
        "print(sorted(name for name in loaded if name in extras or name.startswith(('srnn_', 'plugin_'))))"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.split("\n") == ["True", "['srnn_tasks']", ""]


@pytest.mark.parametrize(("target", "message"), BROKEN)
def test_a_broken_plugin_is_listed_and_affects_no_other(install, target: str, message: str) -> None:
    install("foe", {"other": target}, MODULES)
    found = {entry.kind: entry for entry in entries()}
    assert message in found["other"].error
    assert "\n" not in found["other"].error
    assert (found["other"].distribution, found["other"].target) == ("foe 1.0", target)
    assert found["adding"].error is None
    with pytest.raises(TaskError, match=r"kind: task 'other' of foe 1\.0 \(.*\) is broken: ") as caught:
        find("other")
    assert message in str(caught.value)
    assert caught.value.__cause__ is not None
    assert find("adding") is Adding


def test_a_kind_may_be_module_and_class(install) -> None:
    install("friend", {}, {"plugin_own": GOOD.replace('"good"', '"plugin_own:Good"')})
    assert find("plugin_own:Good").__name__ == "Good"
    task = TypeAdapter(AnyTask).validate_python({"kind": "plugin_own:Good"})
    assert TypeAdapter(AnyTask).validate_json(task.model_dump_json()) == task
    assert "plugin_own:Good" not in kinds()
    with pytest.raises(TaskError, match=r"^kind: task 'json:dumps' is broken: TypeError: expected a subclass of"):
        find("json:dumps")


def test_two_distributions_with_one_kind_are_both_named(install) -> None:
    install("one", {"good": "plugin_good:Good"}, MODULES)
    install("two", {"good": "plugin_good:Good", "abstract": "plugin_good:Abstract"})
    message = r"'good' is declared 2 times, by one 1\.0 \(plugin_good:Good\) and two 1\.0 \(plugin_good:Good\)"
    with pytest.raises(TaskError, match=message):
        find("good")
    listed = [entry for entry in entries() if entry.kind == "good"]
    assert [entry.distribution for entry in listed] == ["one 1.0", "two 1.0"]
    assert all("one 1.0" in entry.error and "two 1.0" in entry.error for entry in listed)
    assert kinds().count("good") == 1
    assert find("adding") is Adding


def test_a_plugin_cannot_silently_replace_a_task_of_this_package(install) -> None:
    install("foe", {"adding": "plugin_good:Good"}, MODULES)
    with pytest.raises(TaskError, match=r"'adding' is declared 2 times, by foe 1\.0 .* and srnn-tasks "):
        find("adding")


def test_an_unknown_kind_gets_near_names_or_else_the_known_ones() -> None:
    with pytest.raises(TaskError, match="Did you mean 'path_integration'") as caught:
        find("path_integraton")
    assert "Known" not in str(caught.value)
    with pytest.raises(TaskError, match=r"no task 'zzz' is installed\. Known: ") as caught:
        find("zzz")
    assert ", ".join(kinds()) in str(caught.value)
