"""The example of the top README runs as printed."""

import contextlib
import io
import re
from pathlib import Path

README = Path(__file__).parents[1] / "README.md"


def test_the_example_prints_what_the_readme_says():
    blocks = re.findall(r"```(python|text)\n(.*?)```", README.read_text(), re.DOTALL)
    assert [language for language, _ in blocks] == ["python", "text"]
    output = io.StringIO()
    with contextlib.redirect_stdout(output):
        exec(blocks[0][1], {})
    assert output.getvalue() == blocks[1][1]
