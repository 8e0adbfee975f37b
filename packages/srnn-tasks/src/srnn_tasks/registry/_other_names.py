"""What may be meant by the name of a class, a single cognitive task or an environment where a kind is expected."""

import difflib
import importlib
import re
from collections.abc import Sequence


def other_name(kind: object, kinds: Sequence[str]) -> str:
    """Return a sentence that says what to write, or "" if the name says nothing.

    >>> other_name("PathIntegration", ["adding", "path_integration"])
    "Did you mean 'path_integration'?"
    >>> other_name("yang19.dm1-v0", ["cognitive"])
    'It is one of the cognitive tasks: {"kind": "cognitive", "tasks": ["dm1"]}'
    >>> other_name("GoNogo", ["neurogym"])
    'It is an environment of neurogym: {"kind": "neurogym", "environment": "GoNogo-v0"}'
    """
    if not isinstance(kind, str) or ":" in kind:
        return ""
    by_letters = {_letters(each): each for each in kinds}
    if _letters(kind) in by_letters:
        return f"Did you mean {by_letters[_letters(kind)]!r}?"
    if difflib.get_close_matches(kind, kinds):
        return ""  # the usual message names these
    cognitive = importlib.import_module("srnn_tasks.cognitive")  # when needed: it builds 126 tasks
    names: Sequence[str] = cognitive.BATTERIES["all126"]
    try:
        return _one_of("It is one of the cognitive tasks", cognitive.Rule.parse(kind).name)
    except ValueError:
        pass
    environment = cognitive.environment(kind)
    if environment is not None:
        return f'It is an environment of neurogym: {{"kind": "neurogym", "environment": "{environment}-v0"}}'
    near = difflib.get_close_matches(kind.lower(), names, n=1, cutoff=0.75)
    return _one_of("Did you mean a cognitive task?", near[0]).replace("?:", "?") if near else ""


def _one_of(sentence: str, name: str) -> str:
    return f'{sentence}: {{"kind": "cognitive", "tasks": ["{name}"]}}'


def _letters(name: str) -> str:
    return re.sub("[^a-z0-9]", "", name.lower())
