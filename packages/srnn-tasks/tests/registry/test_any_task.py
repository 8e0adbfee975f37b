import pytest
from pydantic import BaseModel, TypeAdapter, ValidationError

from srnn_tasks import Adding, AnyTask, find

PLUGIN = """
from typing import Annotated, Literal
from pydantic import Field
from srnn_tasks import AnyTask, Task

class Mixture(Task):
    kind: Literal["mixture"] = "mixture"
    parts: Annotated[tuple[AnyTask, ...], Field(strict=True)]
    shares: tuple[float, ...]

    def open(self, *, device, generator):
        raise NotImplementedError
"""


class Outer(BaseModel):
    task: AnyTask


def test_a_task_is_found_by_its_kind() -> None:
    assert Outer.model_validate({"task": {"kind": "adding", "steps": 7}}).task == Adding(steps=7)
    assert Outer(task=Adding()).task == Adding()


def test_a_plugin_with_nested_plugins_goes_to_json_and_back(install) -> None:
    install("mixtures", {"mixture": "mixture_plugin:Mixture"}, {"mixture_plugin": PLUGIN})
    mixture = find("mixture")
    inner = mixture(parts=(Adding(steps=3),), shares=(1.0,))
    outer = Outer(task=mixture(parts=(inner, Adding(steps=4)), shares=(0.1, 0.9)))
    assert Outer.model_validate_json(outer.model_dump_json()) == outer
    with pytest.raises(ValidationError, match=r"(?m)^task\.parts\.1\.steps$"):
        Outer.model_validate(
            {"task": {"kind": "mixture", "parts": (inner, {"kind": "adding", "steps": 0}), "shares": ()}}
        )


@pytest.mark.parametrize(
    ("task", "place", "message"),
    [
        ({"steps": 3}, "task.kind", "expected the kind of a task, one of: .*adding"),
        ({"kind": "ading"}, "task.kind", "no task 'ading' is installed. Did you mean 'adding'"),
        ({"kind": 5}, "task.kind", "no task 5 is installed"),
        ({"kind": ["adding"]}, "task.kind", "no task"),
        ({"kind": "adding", "steps": "many"}, "task.steps", "expected a number, got 'many'"),
        ({"kind": "adding", "stepz": 3}, "task.stepz", "not permitted"),
        ("adding", "task", "dictionary or instance of Task"),
        (3, "task", "dictionary or instance of Task"),
    ],
)
def test_a_refusal_names_the_place(task: object, place: str, message: str) -> None:
    with pytest.raises(ValidationError, match=message) as caught:
        Outer.model_validate({"task": task})
    assert [".".join(map(str, error["loc"])) for error in caught.value.errors()] == [place]


def test_a_broken_plugin_is_refused_with_its_error(install) -> None:
    install("ruin", {"ruined": "ruin_plugin:Ruin"}, {"ruin_plugin": "raise RuntimeError('no engine')"})
    with pytest.raises(ValidationError, match=r"task 'ruined' of ruin 1\.0 .* is broken: RuntimeError: no engine"):
        Outer.model_validate({"task": {"kind": "ruined"}})


@pytest.mark.parametrize("mode", ["validation", "serialization"])
def test_the_schema_requires_a_kind(mode) -> None:
    schema = TypeAdapter(Outer).json_schema(mode=mode)["properties"]["task"]
    assert schema["required"] == ["kind"]
    assert schema["properties"]["kind"]["type"] == "string"
    assert schema["additionalProperties"] is True
