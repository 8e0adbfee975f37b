"""What the package says of itself is true."""

import srnn_pruning


def test_readme_and_docstring_examples(check_words):
    check_words(srnn_pruning)
