"""Strategies that damage JSON texts, shared by the tests of stores, checkpoints and experiment files."""

import json

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st


def many(factor: int) -> settings:
    """Return settings with `factor` times the examples of the profile.

    The fixtures hold what all examples share; each example restores what it changes.
    """
    shared = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
    return settings(max_examples=factor * settings().max_examples, suppress_health_check=shared, deadline=None)


def paths(data, path=()):
    """Yield the path of every value in JSON data, itself included."""
    yield path
    if isinstance(data, dict | list):
        for name, part in data.items() if isinstance(data, dict) else enumerate(data):
            yield from paths(part, (*path, name))


def changed(data, path, change):
    """Return JSON data with the value at a path changed."""
    if not path:
        return change(data)
    copy = dict(data) if isinstance(data, dict) else list(data)
    copy[path[0]] = changed(copy[path[0]], path[1:], change)
    return copy


LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-10, 10),
    st.sampled_from([2**63, -(2**64), 10**30, 1e308, -0.0, 0.5, "", "adding", "continue", "\ud800", "\x00"]),
    st.floats(),
    st.text(max_size=5),
)
JSON = st.recursive(
    LEAVES,
    lambda part: st.lists(part, max_size=3) | st.dictionaries(st.text(max_size=5), part, max_size=3),
    max_leaves=5,
)


def edited(draw, text: str) -> str:
    """Return a text with a character or a part of it inserted, deleted, replaced or doubled."""
    first = draw(st.integers(0, len(text)))
    last = min(len(text), first + draw(st.sampled_from([0, 1, 1, 2, 10, 10_000])))
    new = draw(
        st.one_of(
            st.just(""),
            st.sampled_from(
                [*'0123456789-+.eE"[]{},:\\', "null", "true", "NaN", "Infinity", "1e999", "\x00", "[" * 300]
            ),
            st.text(max_size=3),
            st.just(text[first:last] * 2),
        )
    )
    return text[:first] + new + text[last:]


def altered(draw, text: str) -> str:
    """Return JSON text with a value at some path changed, so that it is still JSON."""
    data = json.loads(text)
    path = draw(st.sampled_from(list(paths(data))))
    number = draw(st.sampled_from([1, -1, 0.5, 1e-9]))

    def change(value):
        if isinstance(value, int | float) and not isinstance(value, bool) and draw(st.booleans()):
            return value + number
        if isinstance(value, list) and value and draw(st.booleans()):
            return draw(st.sampled_from([value[:-1], value[::-1], value * 2]))
        if isinstance(value, dict) and value and draw(st.booleans()):
            name = draw(st.sampled_from(sorted(value)))
            return {key: part for key, part in value.items() if key != name}
        return draw(JSON)

    return json.dumps(changed(data, path, change))
