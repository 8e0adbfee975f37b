"""Run the blocks of a README in order, as a reader would: `python integration_tests/run_readme.py README.md`.

- A `python` block runs; the `text` block after it shows exactly what it prints.
- A block after a line that ends in "`parity.py`:" is saved under that name in the current folder, and runs too.
- A `console` block runs line by line, at scale smoke and in this environment: a test has no time for more.

The packages and tools that the README installs must be there: lines that install packages of the clone do not run.
"""

from __future__ import annotations

import contextlib
import io
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

BLOCK = re.compile(
    r"^(?:[^\n]*`(?P<file>[\w-]+\.(?:py|json|toml))`:\n\n)?```(?P<language>\w+)\n(?P<body>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)

INSTALL = "pip install -c constraints.txt "

ROOT = Path(__file__).parents[1]


def run(readme: Path, command: Callable[[str], None] | None = None) -> None:
    """Run the blocks of a README in the current folder; `command` runs a line of a console block, if given.

    Raises:
        AssertionError: If a python block prints something else than the README shows.
    """
    namespace: dict[str, object] = {"__name__": "readme"}
    printed = ""
    compared = False
    for block in BLOCK.finditer(readme.read_text(encoding="utf-8")):
        language, body = block["language"], block["body"]
        if block["file"]:
            Path(block["file"]).write_text(body, encoding="utf-8")
        if language == "text":
            assert not compared or body == printed, f"the README shows:\n{body}\nprinted:\n{printed}"
            printed, compared = "", False
        else:
            assert not printed, f"printed, but the README does not show it: {printed}"
            if language == "python":
                with contextlib.redirect_stdout(io.StringIO()) as out:
                    exec(compile(body, str(readme), "exec"), namespace)
                printed, compared = out.getvalue(), True
            elif language == "console":
                for line in lines_of(body) if command is not None else ():
                    command(line)
                compared = False
    assert not printed, f"printed, but the README does not show it: {printed}"


def lines_of(body: str) -> list[str]:
    """Return the commands of a console block, without prompts and comments."""
    lines = [line.removeprefix("$ ").partition("  #")[0].strip() for line in body.replace("\\\n", " ").splitlines()]
    return [part.strip() for line in lines if line for part in line.split("&&")]


def install_lines(readme: Path) -> list[str]:
    """Return the lines of a README that install packages of the clone."""
    consoles = (block for block in BLOCK.finditer(readme.read_text(encoding="utf-8")) if block["language"] == "console")
    return [line for block in consoles for line in lines_of(block["body"]) if line.startswith(INSTALL)]


def at_smoke(line: str) -> list[str] | None:
    """Return the command of a line at scale smoke, None for one that is not run."""
    words = shlex.split(line)
    if line.startswith((INSTALL, "pip install .")) or words == ["nox"] or words[:3] == ["nox", "-s", "tests"]:
        return None  # the environment has the packages already; the tests are what runs this
    if words[0] == "nox":  # in this environment
        session, arguments = words[2], words[4:] or (["moduli/strength"] if words[2] == "bench" else [])
        words = ["nox", "--no-venv", "--no-install", "-s", session, "--", *arguments]
    if "--scale" in words:
        words[words.index("--scale") + 1] = "smoke"
    elif words[0] == "nox" or words[:2] in (["srnn", "demo"], ["srnn", "run"], ["srnn", "figure"]):
        words += ["--scale", "smoke"]
    return words


def execute(line: str) -> None:
    """Run a line of a console block."""
    words = at_smoke(line)
    if words is not None:
        shutil.copy(ROOT / "noxfile.py", "noxfile.py")  # nox works in the folder of its file
        print("$", *words, flush=True)
        subprocess.run(words, check=True, stdin=subprocess.DEVNULL)


if __name__ == "__main__":
    run(Path(sys.argv[1]), execute)
