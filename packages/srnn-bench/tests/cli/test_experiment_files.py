"""Damaged experiment files: an experiment, or an error that names the file."""

import json
from pathlib import Path

import pytest
from damage import JSON, altered, edited, many
from hypothesis import given
from hypothesis import strategies as st

from srnn_bench import BenchError, Experiment, papers
from srnn_bench.cli import read_experiment


@pytest.fixture
def texts(tiny) -> list[str]:
    """Return the JSON of experiments: the tiny one, and one of each table of the papers."""
    of_tables = [papers.table(name, "smoke").cells[-1].experiment for name in papers.table_names()]
    return [experiment.model_dump_json() for experiment in (tiny(), *of_tables)]


def check(path: Path, text: str | bytes) -> Experiment | None:
    """Return the experiment of a file with this text, None if it is refused with an error that names the file."""
    path.write_bytes(text if isinstance(text, bytes) else text.encode(errors="surrogatepass"))
    try:
        experiment = read_experiment(path)
    except BenchError as error:
        assert str(path) in str(error)
        return None
    again = Experiment.model_validate_json(experiment.model_dump_json())
    assert again == experiment
    assert again.key(5) == experiment.key(5)
    return experiment


@many(8)
@given(data=st.data())
def test_an_edited_experiment_file_is_an_experiment_or_an_error_that_names_it(texts, tmp_path, data):
    text = data.draw(st.sampled_from(texts))
    for _ in range(data.draw(st.integers(1, 3))):
        text = edited(data.draw, text)
    check(tmp_path / "experiment.json", text)


@many(8)
@given(data=st.data())
def test_an_altered_experiment_file_is_an_experiment_or_an_error_that_names_it(texts, tmp_path, data):
    text = altered(data.draw, data.draw(st.sampled_from(texts)))
    check(tmp_path / "experiment.json", text)


@many(2)
@given(data=st.binary(max_size=50) | JSON.map(json.dumps))
def test_anything_else_is_no_experiment(tmp_path, data):
    assert check(tmp_path / "experiment.json", data) is None


@pytest.mark.parametrize(
    "change",
    [
        ('"hidden":6', '"hidden":' + "9" * 5000),
        ('"hidden":6', '"hidden":"' + "9" * 5000 + '"'),
        ('"hidden":6', '"hidden":6e0e0'),
        ('"hidden":6', '"hidden":6.5'),
        ('"strength":0.1', '"strength":NaN'),
        ('"strength":0.1', '"strength":-Infinity'),
        ('"strength":0.1', '"strength":1e999'),
        ('"held_out":50', '"held_out":' + "[" * 100_000),
        ('"held_out":50', '"held_out":' + "[" * 100_000 + "]" * 100_000),
        ('"held_out":50', '"held_out":' + '{"a":' * 100_000 + "1" + "}" * 100_000),
        ('"kind":"adding"', '"kind":"' + "a" * 1_000_000 + '"'),
        ('"kind":"adding"', '"kind":{"kind":"adding"}'),
        ('"kind":"adding"', '"kind":"../adding"'),
        ('"name":"sparse"', '"name":"../../sparse"'),
        ('"name":"sparse"', '"name":"lottery"'),
        ('"name":"sparse"', '"name":"sparse\\n"'),
        ('"hidden":6', '"hidden":6,"hidden":7'),
        ('"hidden":6', '"hidden":6,"hidden":6'),
        ('"held_out":50', '"held_out":50,"held_out":50'),
        ('"task":', '"task":{"kind":"adding","steps":5,"held_out":50},"task":'),
    ],
    ids=lambda change: change[1][:30],
)
def test_what_is_no_experiment_is_refused(tiny, tmp_path, change):
    text = tiny().model_dump_json()
    assert change[0] in text
    assert check(tmp_path / "experiment.json", text) == tiny()
    assert check(tmp_path / "experiment.json", text.replace(*change, 1)) is None


def test_a_repeated_field_is_named(tiny, tmp_path):
    path = tmp_path / "experiment.json"
    path.write_text(tiny().model_dump_json().replace('"hidden":6', '"hidden":6,"hidden":7'))
    with pytest.raises(BenchError, match=r"experiment.json: expected each field once .*, got hidden more than once"):
        read_experiment(path)
