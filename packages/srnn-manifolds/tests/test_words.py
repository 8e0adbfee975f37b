"""README and docstring examples run and print what they show."""

import srnn_manifolds


def test_readme_and_docstring_examples(check_words):
    check_words(srnn_manifolds)
