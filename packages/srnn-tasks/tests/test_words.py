"""The README and the examples in docstrings are correct."""

import srnn_tasks


def test_readme_and_docstring_examples(check_words):
    check_words(srnn_tasks)
