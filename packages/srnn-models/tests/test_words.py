"""The examples of README and docstrings run, and the README names all that is public."""

import srnn_models


def test_readme_and_docstring_examples(check_words):
    check_words(srnn_models)
