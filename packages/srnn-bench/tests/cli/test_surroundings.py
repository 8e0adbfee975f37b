"""Commands print whatever the encoding of stdout and the size of the terminal are."""

import io
import os
import subprocess
import sys

import pytest

from srnn_bench import Store

COMMANDS = {
    "list": ("list",),
    "figure": ("figure",),
    "claims": ("claims", "moduli/table1", "--scale", "quick"),
    "report": ("report", "moduli/table1", "--format", "md"),
    "schema": ("schema", "srnn-masks"),
    "help": ("run", "--help"),
    "run": ("run", "mine λ ±.json", "--device", "cpu", "--jobs", "1"),
}


@pytest.fixture
def printed(srnn, monkeypatch, tmp_path, tiny):
    """Return a function that runs a command with an encoding and returns exit code, stdout and stderr."""
    Store(tmp_path / "results")
    (tmp_path / "mine λ ±.json").write_text(tiny().model_dump_json(), encoding="utf-8")

    def call(encoding, *arguments):
        streams = [io.TextIOWrapper(io.BytesIO(), encoding=encoding) for _ in range(2)]
        with monkeypatch.context() as patched:
            patched.setattr(sys, "stdout", streams[0])
            patched.setattr(sys, "stderr", streams[1])
            code = srnn(*arguments)[0]
        for stream in streams:
            stream.flush()
        return code, *(stream.buffer.getvalue().decode(encoding) for stream in streams)

    return call


@pytest.mark.parametrize("encoding", ["ascii", "cp1252"])
@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_ends_whole_in_any_encoding(printed, command, encoding):
    code, out, err = printed(encoding, *COMMANDS[command])
    assert code == 0 and out and "Traceback" not in err


def test_characters_that_an_encoding_lacks_are_spelled_out(printed):
    _, out, _ = printed("ascii", *COMMANDS["claims"])
    assert "90% sparse: Torus - Shuffled" in out
    _, out, _ = printed("ascii", *COMMANDS["run"])
    assert "mine \\u03bb +-, seed 0: done" in out
    _, out, _ = printed("cp1252", *COMMANDS["run"])
    assert "mine \\u03bb ±.json: 1 run" in out
    code, _, err = printed("ascii", "run", "λ.json")
    assert code == 2 and err.startswith("srnn: \\u03bb.json: ")


def test_a_terminal_that_does_not_know_its_size_prints_as_if_none_was_given():
    code = "import sys, srnn_bench.cli as c; sys.argv = ['srnn', 'figure']; print(c.console.size); c.main()"
    outputs = []
    for sizes in (
        {},
        {"COLUMNS": "0", "LINES": "0"},
        {"COLUMNS": "3", "LINES": "x"},
        {"COLUMNS": "²", "LINES": "9" * 9},
    ):
        environment = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "LINES")} | sizes
        command = [sys.executable, "-X", "utf8", "-c", code]
        done = subprocess.run(
            command, env=environment, capture_output=True, encoding="utf-8", check=True, stdin=subprocess.DEVNULL
        )
        outputs.append(done.stdout)
    assert "moduli/figure2" in outputs[0] and len(set(outputs)) == 1


def test_a_backend_of_matplotlib_that_is_not_installed_does_not_stop_a_command(srnn, monkeypatch, tmp_path):
    monkeypatch.setenv("MPLBACKEND", "module://matplotlib_inline.backend_inline")
    Store(tmp_path / "results")
    assert srnn("report")[0] == 0
    assert os.environ["MPLBACKEND"] == "agg", "the workers of a sweep inherit it"
