"""The example of the top README runs as printed."""

from pathlib import Path


def test_the_example_prints_what_the_readme_says(run_readme):
    run_readme(Path(__file__).parents[1] / "README.md")
