"""Streams of random numbers: by seed and purpose alone."""

import itertools

import torch

from srnn_bench.training import stream


def test_a_stream_depends_on_seed_and_purpose_alone():
    draws = {
        purpose: torch.rand(100, generator=stream(*purpose))
        for purpose in [
            (0, "model"),
            (1, "model"),
            (0, "batches", "dense"),
            (0, "batches", "sparse"),
            (11, "x"),
            (1, "1/x"),
        ]
    }
    for (one, first), (other, second) in itertools.combinations(draws.items(), 2):
        assert not torch.equal(first, second), (one, other)
    for purpose, drawn in draws.items():
        assert torch.equal(torch.rand(100, generator=stream(*purpose)), drawn)


def test_streams_are_the_same_in_every_version():
    # results of users are repeatable only while this holds
    assert stream(0, "model").initial_seed() == 5_558_024_794_847_056_428
