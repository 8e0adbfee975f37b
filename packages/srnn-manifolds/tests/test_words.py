"""What the package says of itself is true."""

import srnn_manifolds


def test_readme_and_docstring_examples(check_words):
    check_words(srnn_manifolds)
