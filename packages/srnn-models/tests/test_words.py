"""What the package says of itself is true."""

import srnn_models


def test_readme_and_docstring_examples(check_words):
    check_words(srnn_models)
