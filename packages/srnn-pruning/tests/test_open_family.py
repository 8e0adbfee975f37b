"""Schedules and criteria of other packages: classes named `module:Class`, in values, in JSON, and in a pruner."""

import importlib
import pickle
import sys

import pytest
import torch
from pydantic import TypeAdapter, ValidationError

from srnn_pruning import AnyCriterion, AnySchedule, Linear, OneShot, Pruner, Pruning, Shuffled, densities, prune

MODULE = """
from typing import Literal

from pydantic import PositiveInt

from srnn_pruning import Criterion, Linear, Schedule

class Smallest(Criterion):
    kind: Literal["srnn_schedules:Smallest"] = "srnn_schedules:Smallest"
    power: PositiveInt = 1

    def scores(self, parameters, *, generator=None, **evidence):
        return {name: -parameter.detach().abs() ** self.power for name, parameter in parameters.items()}

class Cubic(Schedule):
    kind: Literal["srnn_schedules:Cubic"] = "srnn_schedules:Cubic"
    power: PositiveInt = 3
    milestones: tuple[int, ...] = ()

    def fraction(self, epoch, epochs, sparsity):
        return sparsity * (1 - (1 - epoch / epochs) ** self.power)

class Nested:
    class Late(Schedule):
        kind: Literal["srnn_schedules:Nested.Late"] = "srnn_schedules:Nested.Late"

        def fraction(self, epoch, epochs, sparsity):
            return sparsity if epoch == epochs else 0.0

class Unnamed(Schedule):
    pass

class Renamed(Schedule):
    kind: Literal["srnn_schedules:Cubic"] = "srnn_schedules:Cubic"

class Derived(Linear):
    pass

NOT_A_SCHEDULE = 3
"""


@pytest.fixture
def module(tmp_path, monkeypatch):
    (tmp_path / "srnn_schedules.py").write_text(MODULE)
    monkeypatch.syspath_prepend(tmp_path)
    yield importlib.import_module("srnn_schedules")
    sys.modules.pop("srnn_schedules", None)


def test_a_schedule_of_another_package_is_a_value(module):
    for schedule in (module.Cubic(power=2, milestones=(1, 2)), module.Nested.Late()):
        pruning = Pruning(sparsity=0.5, schedule=schedule)
        assert pruning.schedule is schedule
        text = pruning.model_dump_json()
        assert f'"kind":"{schedule.kind}"' in text
        again = Pruning.model_validate_json(text)
        assert again == pruning and hash(again) == hash(pruning) and type(again.schedule) is type(schedule)
        assert Pruning.model_validate(pruning.model_dump()) == pruning
        assert pickle.loads(pickle.dumps(pruning)) == pruning
        assert TypeAdapter(AnySchedule).validate_json(schedule.model_dump_json()) == schedule


def test_its_module_is_imported_when_it_is_read(module, tmp_path):
    text = Pruning(sparsity=0.5, schedule=module.Cubic(power=2)).model_dump_json()
    sys.modules.pop("srnn_schedules")
    TypeAdapter(Pruning)
    assert "srnn_schedules" not in sys.modules
    assert Pruning.model_validate_json(text).schedule.power == 2
    assert "srnn_schedules" in sys.modules


def test_a_pruner_follows_it(module, make_net):
    net = make_net()
    pruner = Pruner(net, Pruning(sparsity=0.8, schedule=module.Cubic(), scope=("*hh*",)), epochs=4)
    for epoch in range(1, 5):
        pruner.step(epoch)
        expected = 36 - round(0.8 * (1 - (1 - epoch / 4) ** 3) * 36)
        assert densities(net, ["*hh*"]) == {"recurrence.weight_hh_l0": expected / 36}


def test_a_criterion_of_another_package_is_a_value_and_prunes(module, make_net):
    for criterion in (module.Smallest(power=2), Shuffled(base=module.Smallest())):
        pruning = Pruning(sparsity=0.5, criterion=criterion)
        text = pruning.model_dump_json()
        assert '"kind":"srnn_schedules:Smallest"' in text
        again = Pruning.model_validate_json(text)
        assert again == pruning and hash(again) == hash(pruning) and type(again.criterion) is type(criterion)
        assert TypeAdapter(AnyCriterion).validate_json(criterion.model_dump_json()) == criterion
        assert pickle.loads(pickle.dumps(pruning)) == pruning
    net = make_net()
    weights = net.recurrence.weight_hh_l0.detach().abs().clone()
    pruning = Pruning(sparsity=0.5, criterion=module.Smallest(), scope=("*hh*",))
    (mask,) = prune(net, pruning).values()
    assert weights[mask].max() < weights[~mask].min()
    with pytest.raises(ValidationError, match=r"criterion\.power"):
        Pruning(sparsity=0.5, criterion={"kind": "srnn_schedules:Smallest", "power": 0})
    with pytest.raises(ValidationError, match=r"expected a subclass of srnn_pruning\.Criterion, got .*Cubic"):
        Pruning(sparsity=0.5, criterion={"kind": "srnn_schedules:Cubic"})


def test_the_json_of_the_own_schedules_stays():
    assert Pruning(sparsity=0.5).model_dump()["schedule"] == {"kind": "linear"}
    assert OneShot(epoch=2).model_dump_json() == '{"kind":"one_shot","epoch":2}'
    assert Pruning(sparsity=0.5, schedule=Linear()) == Pruning(sparsity=0.5)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"kind": "srnn_schedules:Cubic", "power": 0}, "schedule.power"),
        ({"kind": "srnn_schedules:Cubic", "speed": 1}, "schedule.speed"),
        ({"kind": "srnn_schedules:Cubik"}, "kind 'srnn_schedules:Cubik': expected a schedule that can be imported"),
        ({"kind": "no_such_module:Cubic"}, "kind 'no_such_module:Cubic': expected a schedule .* No module named"),
        ({"kind": "srnn_schedules:NOT_A_SCHEDULE"}, "expected a subclass of srnn_pruning.Schedule, got 3"),
        ({"kind": "builtins:dict"}, "expected a subclass of srnn_pruning.Schedule, got <class 'dict'>"),
        ({"kind": "srnn_schedules:Renamed"}, "expected this name as the default of Renamed.kind, got '.*Cubic'"),
        ({"kind": "srnn_schedules:Unnamed"}, "expected this name as the default of Unnamed.kind, got None"),
        ({"kind": "srnn_pruning:Linear"}, "expected this name as the default of Linear.kind, got 'linear'"),
        ({}, "schedule\n.*discriminator 'kind'"),
        (3, "schedule\n.*(valid dictionary|an object)"),
    ],
)
@pytest.mark.parametrize("as_json", [True, False])
def test_what_is_no_schedule_is_refused(module, fields, message, as_json):
    pruning = {"sparsity": 0.5, "schedule": fields}
    with pytest.raises(ValidationError, match=message):
        Pruning.model_validate_json(TypeAdapter(dict).dump_json(pruning)) if as_json else Pruning.model_validate(
            pruning
        )


@pytest.mark.parametrize("name", ["Unnamed", "Renamed", "Derived"])
def test_a_class_that_is_not_found_by_its_kind_is_refused(module, name):
    with pytest.raises(ValidationError, match=f"{name}: expected the field kind: Literal.'srnn_schedules:{name}'"):
        Pruning(sparsity=0.5, schedule=getattr(module, name)())


def test_the_global_generator_is_not_used(module):
    before = torch.get_rng_state()
    Pruning(sparsity=0.5, schedule=module.Cubic())
    assert torch.equal(before, torch.get_rng_state())
