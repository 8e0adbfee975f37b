"""The bits of a run do not depend on what the calling process or its environment has set."""

import contextlib
import json
import os
import random
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import numpy as np
import pytest
import torch

from srnn_bench import Conditions, Result, run


def measured(result: Result) -> list[object]:
    return [(stage.name, stage.metrics, stage.densities, stage.history) for stage in result.stages] + [result.status]


@contextlib.contextmanager
def changed(change: Callable[[], object], restore: Callable[[], object]) -> Iterator[None]:
    change()
    try:
        yield
    finally:
        restore()


def default_dtype(dtype: torch.dtype) -> AbstractContextManager[None]:
    return changed(lambda: torch.set_default_dtype(dtype), lambda: torch.set_default_dtype(torch.float32))


@contextlib.contextmanager
def global_seeds() -> Iterator[None]:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        random.seed(1)
        np.random.seed(1)  # noqa: NPY002  # the global generator is meant
        yield


def matmul(precision: str) -> None:
    torch.set_float32_matmul_precision(precision)


SURROUNDINGS: dict[str, Callable[[], AbstractContextManager[object]]] = {
    "default dtype float64": lambda: default_dtype(torch.float64),
    "default dtype bfloat16": lambda: default_dtype(torch.bfloat16),
    "default device meta": lambda: changed(
        lambda: torch.set_default_device("meta"), lambda: torch.set_default_device(None)
    ),
    "device meta as a context": lambda: torch.device("meta"),
    "no_grad": torch.no_grad,
    "inference_mode": torch.inference_mode,
    "autocast": lambda: torch.autocast("cpu", dtype=torch.bfloat16),
    "denormals flushed": lambda: changed(
        lambda: torch.set_flush_denormal(True), lambda: torch.set_flush_denormal(False)
    ),
    "matmul precision medium": lambda: changed(lambda: matmul("medium"), lambda: matmul("highest")),
    "threads": lambda: changed(lambda: torch.set_num_threads(2), lambda: torch.set_num_threads(1)),
    "seeds of global generators": global_seeds,
}


@pytest.mark.parametrize("name", SURROUNDINGS)
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_what_the_calling_process_has_set_does_not_reach_a_run(tiny, name, precision):
    conditions = Conditions("cpu", precision=precision)
    expected = measured(run(tiny(), seed=0, conditions=conditions))
    with SURROUNDINGS[name]():
        found = run(tiny(), seed=0, conditions=conditions)
    assert measured(found) == expected


def test_what_the_calling_process_has_set_is_restored(tiny):
    torch.set_default_dtype(torch.float64)
    torch.set_flush_denormal(True)
    try:
        with torch.no_grad(), torch.device("meta"):
            run(tiny(), seed=0, conditions=Conditions("cpu"))
            assert not torch.is_grad_enabled()
            assert torch.get_default_device().type == "meta"
        assert torch.get_default_dtype() == torch.float64
        assert (torch.full((1,), 1e-40, dtype=torch.float32) * 1.0).item() == 0.0  # still flushed
    finally:
        torch.set_default_dtype(torch.float32)
        torch.set_flush_denormal(False)


RUN = """
import json, sys
from srnn_bench import Conditions, Experiment, run
result = run(Experiment.model_validate_json(sys.argv[1]), seed=0, conditions=Conditions("cpu"))
print(json.dumps([result.key, [(stage.metrics, stage.densities) for stage in result.stages]]))
"""


def test_environment_variables_and_the_current_folder_do_not_reach_a_run(tiny, tmp_path: Path):
    other = {"PYTHONHASHSEED": "7", "LC_ALL": "tr_TR.UTF-8", "TZ": "Asia/Kolkata", "OMP_NUM_THREADS": "2"}
    found = [
        subprocess.run(
            [sys.executable, "-c", RUN, tiny().model_dump_json()],
            env=os.environ | variables,
            cwd=folder,
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for variables, folder in (({"PYTHONHASHSEED": "0"}, Path.cwd()), (other, tmp_path))
    ]
    assert json.loads(found[0]) == json.loads(found[1])


def test_the_processor_is_recorded(tiny):
    processor = run(tiny(), seed=0, conditions=Conditions("cpu")).environment.processor
    assert processor.startswith(torch.backends.cpu.get_cpu_capability())
