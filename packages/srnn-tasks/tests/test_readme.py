"""The examples of the README run as printed."""

import contextlib
import io
import re
from pathlib import Path

README = Path(__file__).parent.parent / "README.md"
BLOCK = re.compile(r"^```(python|text)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def test_the_readme_is_true() -> None:
    namespace: dict[str, object] = {"__name__": "readme"}
    printed, ran = "", 0
    for language, text in BLOCK.findall(README.read_text(encoding="utf-8")):
        if language == "python":
            assert printed == "", f"the README does not show this output:\n{printed}"
            output = io.StringIO()
            with contextlib.redirect_stdout(output):
                exec(compile(text, str(README), "exec"), namespace)
            printed, ran = output.getvalue(), ran + 1
        else:
            assert text == printed
            printed = ""
    assert printed == ""
    assert ran >= 3
