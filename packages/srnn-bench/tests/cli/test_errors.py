"""What the command line prints, and its exit codes, after mistakes of the user, failed runs, bugs and interrupts."""

import json
import sys

import pytest

from srnn_bench import Store

EXECUTOR = """
from srnn_bench import BenchError
from srnn_bench.sweep import InProcess
from srnn_manifolds import ManifoldError
from srnn_masks import MaskError
from srnn_models import ModelError
from srnn_pruning import PruningError
from srnn_tasks import TaskError


class Raises(InProcess):
    error = {error}

    def __init__(self, workers):
        super().__init__()

    def device(self, name):
        raise self.error("the message")
"""

BROKEN = """
from typing import Literal

from srnn_tasks import Adding


def draw(size, *, generator):
    raise RuntimeError("no trials")


class Broken(Adding):
    kind: Literal["broken_task_of_test:Broken"] = "broken_task_of_test:Broken"

    def open(self, *, device, generator):
        source = super().open(device=device, generator=generator)
        source.draw = draw
        return source
"""

INTERRUPTED = """
from srnn_bench import Watcher


class Interrupts(Watcher):
    def epoch(self, job, end):
        if end.stage == "lottery":
            raise KeyboardInterrupt
"""


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("run", "moduli/tabel1"), "did you mean 'moduli/table1' or"),
        (("run", "moduli/table1", "--scale", "huge"), "scale: expected one of smoke, quick, paper"),
        (("run", "moduli/table1", "--seeds", "a-b"), "seeds: expected numbers and ranges"),
        (("run", "moduli/table1", "--device", "tpu"), "device: expected auto, cpu or cuda"),
        (
            ("run", "moduli/table1", "--precision", "fp8"),
            "precision: expected one of float32, tf32, bfloat16, got 'fp8'",
        ),
        (("run", "nowhere.json"), "nowhere.json: expected the JSON file of an experiment, got: No such file"),
        (("run", "folder.json"), "folder.json: expected the JSON file of an experiment, got: Is a directory"),
        (("run", "binary.json"), "binary.json: expected text in UTF-8"),
        (("run", "moduli/table1", "--results", "binary.json"), "results: expected a folder that can be"),
        (("report",), "results: no results; produce some first"),
        (("claims",), "results: no results; produce some first"),
        (("export", "flat.csv"), "results: no results; produce some first"),
        (("run", "moduli/table1", "--gpus-per-run", "0.5"), "require --executor ray"),
        (("run", "moduli/table1", "--executor", "proceses"), "did you mean 'processes'"),
        (("run", "moduli/table1", "--executor", "builtins:dict", "--jobs", "1"), "builtins:dict(1) failed: TypeError"),
        (("run", "moduli/table1", "--executor", "builtins:list", "--jobs", "1"), "builtins:list(1) failed: TypeError"),
        (("run", "moduli/table1", "--executor", "builtins:str"), "expected an executor, got str, which lacks device"),
        (("run", "moduli"), "expected a table of the paper 'moduli', one of moduli/table1"),
        (("run", "moduli/table1", "--track", "tensorbord"), "did you mean 'tensorboard'"),
        (("run", "moduli/table1", "--set", "model.recurrence.hidden"), "model.recurrence.hidden"),
        (("schema", "srnn-mask"), "package: no package 'srnn-mask'; did you mean 'srnn-masks'"),
        (("schema", "lost"), "package: expected one of srnn-manifolds"),
        (("run", "no_such_file.json", "--scale", "quik"), "scale: expected one of smoke, quick, paper, got 'quik'"),
        (("demo", "--scale", "quik"), "scale: expected one of smoke, quick, paper, got 'quik'"),
        (("report", "--scale", "quik"), "scale: expected one of smoke, quick, paper, got 'quik'"),
        (("lsit",), "no command 'lsit'; did you mean 'list'?"),
        (("run",), "expected targets: tables such as moduli/table1"),
        (("run", "moduli/table1", "--scael", "smoke"), "no option '--scael'; did you mean '--scale'"),
        (("run", "moduli/table1", "--jobs", "0"), "'--jobs': expected a number greater than or equal to 1"),
        (("run", "moduli/table1", "--stack", "all"), "'all' is not one of 'auto', 'always', 'never'"),
        (("run", "wide.json"), "wide.json: expected text in UTF-8, got UTF-16"),
        (("run", "unmarked.json"), "unmarked.json: expected text in UTF-8, got UTF-16"),
        (("run", "wide.jsn"), "wide.jsn: expected a table such as moduli/table1, or an experiment in a file"),
        (("run", "wide.jsom"), "wide.jsom: expected a table or an experiment file; did you mean 'wide.json'"),
        (("run", "wde.json"), "did you mean 'wide.json'"),
    ],
    ids=" ".join,
)
def test_a_mistake_is_one_line_without_traceback(srnn, tmp_path, arguments, message):
    (tmp_path / "binary.json").write_bytes(b"\xff\xfe")
    (tmp_path / "folder.json").mkdir()
    (tmp_path / "wide.json").write_text("{}", encoding="utf-16")
    (tmp_path / "unmarked.json").write_text("{}", encoding="utf-16-le")
    (tmp_path / "wide.jsn").write_text("{}")
    code, _, err = srnn(*arguments)
    assert code == 2
    assert err.startswith("srnn: ") and err.count("\n") == 1 and message.lower() in err.lower()


@pytest.mark.parametrize("package", ["Bench", "Manifold", "Mask", "Model", "Pruning", "Task"])
def test_an_error_of_any_package_is_one_line(srnn, tmp_path, monkeypatch, tiny, package):
    (tmp_path / "mine.json").write_text(tiny().model_dump_json())
    (tmp_path / f"executor_{package}.py").write_text(EXECUTOR.format(error=f"{package}Error"))
    monkeypatch.syspath_prepend(tmp_path)
    code, _, err = srnn("run", "mine.json", "--device", "cpu", "--executor", f"executor_{package}:Raises")
    assert (code, err) == (2, "srnn: the message\n")


@pytest.mark.parametrize("error", [ValueError, ImportError, RuntimeError])
def test_any_other_exception_keeps_its_traceback(srnn, tmp_path, monkeypatch, tiny, error):
    name = error.__name__
    (tmp_path / "mine.json").write_text(tiny().model_dump_json())
    (tmp_path / f"executor_{name}.py").write_text(EXECUTOR.format(error=name))
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(error, match="the message"):
        srnn("run", "mine.json", "--device", "cpu", "--executor", f"executor_{name}:Raises")


def test_a_mistake_in_an_experiment_file_names_field_expectation_and_value(srnn, tmp_path, tiny):
    data = json.loads(tiny().model_dump_json())
    data["stages"][0]["training"]["epochs"] = 0
    data["model"]["recurrence"]["hiden"] = 7
    (tmp_path / "mine.json").write_text(json.dumps(data))
    code, _, err = srnn("run", "mine.json")
    assert (code, err) == (
        2,
        "srnn: mine.json: model.recurrence.hiden: unknown field; did you mean 'hidden'?; "
        "stages.0.training.epochs: expected a number greater than 0, got 0\n",
    )


def test_the_exit_code_is_1_if_a_run_failed(srnn, tmp_path, tiny):
    (tmp_path / "broken_task_of_test.py").write_text(BROKEN)
    data = json.loads(tiny().model_dump_json())
    data["task"]["kind"] = "broken_task_of_test:Broken"
    (tmp_path / "mine.json").write_text(json.dumps(data))
    code, out, _ = srnn("run", "mine.json", "--device", "cpu", "--jobs", "1")
    sys.modules.pop("broken_task_of_test", None)
    assert code == 1 and "RuntimeError: no trials" in out and "1 failed" in out


def test_a_glob_without_parameters_is_found_before_anything_runs(srnn, tmp_path, tiny):
    data = json.loads(tiny().model_dump_json())
    data["penalties"][0]["parameter"] = "nix"
    (tmp_path / "mine.json").write_text(json.dumps(data))
    code, _, err = srnn("run", "mine.json", "--device", "cpu")
    assert code == 2 and err.startswith("srnn: mine: penalties.0.parameter: 'nix'") and "nothing was run" in err


def test_an_interrupted_command_resumes_when_it_is_run_again(srnn, tmp_path, monkeypatch, tiny):
    (tmp_path / "mine.json").write_text(tiny().model_dump_json())
    (tmp_path / "interrupts.py").write_text(INTERRUPTED)
    monkeypatch.syspath_prepend(tmp_path)
    command = ("run", "mine.json", "--device", "cpu", "--jobs", "1")
    code, out, err = srnn(*command, "--track", "interrupts:Interrupts")
    assert (code, err) == (130, "") and "Interrupted. Run the same command again to resume." in out
    assert Store(tmp_path / "results").statuses() == {"pending": 1}
    assert srnn(*command)[0] == 0
    assert Store(tmp_path / "results").statuses() == {"done": 1}


@pytest.mark.parametrize(("name", "prefix"), [("bom.json", b"\xef\xbb\xbf"), ("E.JSON", b"")])
def test_a_byte_order_mark_and_an_upper_case_ending_are_accepted(srnn, tmp_path, tiny, name, prefix):
    (tmp_path / name).write_bytes(prefix + tiny().model_dump_json().encode())
    assert srnn("run", name, "--device", "cpu", "--jobs", "1")[0] == 0
