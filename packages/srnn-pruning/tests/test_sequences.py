"""What each recurrent cell reads during a run, for every way of calling torch's layers."""

import itertools

import pytest
import torch
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pack_sequence

from srnn_pruning import PruningError, recurrences, sequences

LAYERS = {
    "rnn": (nn.RNN, {}),
    "gru": (nn.GRU, {}),
    "lstm": (nn.LSTM, {}),
    "projected": (nn.LSTM, {"proj_size": 2}),
}
CELLS = [nn.RNNCell, nn.GRUCell, nn.LSTMCell]
LENGTHS = {"full": None, "sorted": [6, 5, 5, 2, 1], "unsorted": [3, 6, 1, 6, 2], "equal": [6] * 5}


def made(kind, *args, **kwargs):
    """Return a module in float64."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return kind(*args, **kwargs).double()


def normal(*shape, seed=1):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def close(actual, expected):
    torch.testing.assert_close(actual, expected, rtol=1e-12, atol=1e-12)


def joined(state):
    return torch.cat(state, dim=-1) if isinstance(state, tuple) else state


def seen_by(module, run):
    return sequences(module, recurrences(module), run)


def replayed(cell, sequence):
    """Return the last states (B, S), computed sequence by sequence."""
    steps, ends = len(sequence.inputs), []
    for index, state in enumerate(sequence.state):
        length = steps if sequence.lengths is None else int(sequence.lengths[index])
        for x in sequence.inputs[steps - length :, index]:
            state = cell.step(x[None], state[None])[0]
        ends.append(state)
    return torch.stack(ends)


@pytest.mark.parametrize("layer", LAYERS)
@pytest.mark.parametrize("lengths", LENGTHS)
@pytest.mark.parametrize("given", ["nothing", "positional", "keyword"])
def test_replayed_steps_end_in_the_states_of_the_layer(layer, lengths, given):
    kind, options = LAYERS[layer]
    for number, both, batch_first in itertools.product((1, 2), (False, True), (False, True)):
        module = made(kind, 3, 4, num_layers=number, bidirectional=both, batch_first=batch_first, **options)
        inputs = normal(6, 5, 3)
        if batch_first:
            inputs = inputs.transpose(0, 1)
        if LENGTHS[lengths]:
            inputs = pack_padded_sequence(inputs, torch.tensor(LENGTHS[lengths]), batch_first, enforce_sorted=False)
        layers = number * (2 if both else 1)
        h, c = normal(layers, 5, options.get("proj_size", 4)), normal(layers, 5, 4, seed=2)
        state = (h, c) if kind is nn.LSTM else h
        args, kwargs = {
            "nothing": ((inputs,), {}),
            "positional": ((inputs, state), {}),
            "keyword": ((), {"hx": state, "input": inputs}),
        }[given]
        found = recurrences(module)
        seen = sequences(module, found, lambda call=(module, args, kwargs): call[0](*call[1], **call[2]))
        assert list(seen) == list(found)
        expected = joined(module(*args, **kwargs)[1])
        for key, end in zip(found, expected, strict=True):
            assert (seen[key].lengths is None) == (lengths in ("full", "equal"))
            close(replayed(found[key], seen[key]), end)


def test_sequences_of_different_lengths_are_aligned_at_their_ends():
    one, two = torch.tensor([[1.0], [2], [3]]).double(), torch.tensor([[4.0]]).double()
    module = made(nn.GRU, 1, 2, bidirectional=True)
    seen = seen_by(module, lambda: module(pack_sequence([two, one], enforce_sorted=False)))
    assert seen["l0"].lengths.tolist() == seen["l0_reverse"].lengths.tolist() == [1, 3]
    assert seen["l0"].inputs[-1:, 0].tolist() == [[4]] and seen["l0"].inputs[:, 1].tolist() == [[1], [2], [3]]
    assert seen["l0_reverse"].inputs[-1:, 0].tolist() == [[4]]
    assert seen["l0_reverse"].inputs[:, 1].tolist() == [[3], [2], [1]]


def test_layers_above_the_first_read_both_directions_below_without_dropout():
    module = made(nn.LSTM, 3, 4, num_layers=2, bidirectional=True, dropout=0.9)
    below = made(nn.LSTM, 3, 4, bidirectional=True)
    below.load_state_dict({name: module.get_parameter(name) for name, _ in below.named_parameters()})
    with torch.random.fork_rng():
        seen = seen_by(module, lambda: module(normal(6, 5, 3)))
    expected, _ = below(normal(6, 5, 3))
    close(seen["l1"].inputs, expected.detach())
    close(seen["l1_reverse"].inputs, expected.detach().flip(0))


@pytest.mark.parametrize("batch_first", [False, True])
def test_unbatched_input_is_a_batch_of_one(batch_first):
    module = made(nn.LSTM, 3, 4, num_layers=2, batch_first=batch_first)
    state = (normal(2, 4), normal(2, 4, seed=2))
    found = recurrences(module)
    seen = sequences(module, found, lambda: module(normal(6, 3), state))
    assert torch.equal(seen["l0"].inputs, normal(6, 1, 3)[:, :1]) and seen["l0"].state.shape == (1, 8)
    expected = joined(module(normal(6, 3), state)[1])
    for cell, sequence, end in zip(found.values(), seen.values(), expected, strict=True):
        close(replayed(cell, sequence)[0], end)


@pytest.mark.parametrize("kind", CELLS)
@pytest.mark.parametrize("given", [False, True])
@pytest.mark.parametrize("batch", [(), (5,)], ids=["unbatched", "batch"])
def test_a_cell_in_a_loop_reads_one_sequence(kind, given, batch):
    module = made(kind, 3, 4)
    parts = (normal(*batch, 4, seed=2), normal(*batch, 4, seed=3))
    state = (parts if kind is nn.LSTMCell else parts[0]) if given else None
    ends = []

    def run():
        current = state
        for x in normal(6, *batch, 3):
            current = module(x, hx=current)
        ends.append(joined(current))

    found = recurrences(module)
    seen = sequences(module, found, run)[""]
    assert torch.equal(seen.inputs, normal(6, *batch, 3).reshape(6, -1, 3)) and seen.lengths is None
    assert torch.equal(seen.state, joined(state).reshape(-1, seen.state.shape[1]) if given else 0 * seen.state)
    close(replayed(found[""], seen), ends[0].reshape(-1, seen.state.shape[1]))


def test_a_layer_that_is_run_piece_by_piece_reads_one_sequence():
    module = made(nn.GRU, 3, 4, num_layers=2)

    def run():
        _, state = module(normal(6, 5, 3)[:2])
        module(normal(6, 5, 3)[2:], state)

    whole, pieces = seen_by(module, lambda: module(normal(6, 5, 3))), seen_by(module, run)
    for key in ("l0", "l1"):
        assert torch.equal(whole[key].state, pieces[key].state)
        close(whole[key].inputs, pieces[key].inputs)


def test_calls_from_other_states_join_the_batch():
    module = made(nn.RNN, 3, 4)
    first, second = normal(6, 5, 3), normal(2, 1, 3, seed=2)
    found = recurrences(module)
    seen = sequences(module, found, lambda: (module(first), module(second, normal(1, 1, 4))))["l0"]
    assert seen.inputs.shape == (6, 6, 3) and seen.lengths.tolist() == [6] * 5 + [2]
    assert torch.equal(seen.inputs[:, :5], first) and torch.equal(seen.inputs[4:, 5:], second)
    expected = torch.cat([module(first)[1][0], module(second, normal(1, 1, 4))[1][0]])
    close(replayed(found["l0"], seen), expected)
    same = sequences(module, found, lambda: (module(first), module(first)))["l0"]
    assert same.inputs.shape == (6, 10, 3) and same.lengths is None


def test_a_state_that_is_changed_between_steps_starts_sequences_of_one_step():
    module = made(nn.GRUCell, 3, 4)

    def run():
        state = None
        for x in normal(3, 5, 3):
            state = module(x, state) / 2

    seen = seen_by(module, run)[""]
    assert seen.inputs.shape == (1, 15, 3) and seen.lengths is None
    close(seen.state[5:10], module(normal(3, 5, 3)[0]).detach() / 2)


def test_packed_calls_are_not_joined_in_time():
    module = made(nn.RNN, 3, 4)
    packed = pack_padded_sequence(normal(6, 2, 3), torch.tensor([6, 2]))
    ends = []

    def run():
        _, state = module(packed)
        ends.append(state)
        ends.append(module(packed, state)[1])

    found = recurrences(module)
    seen = sequences(module, found, run)["l0"]
    assert seen.lengths.tolist() == [6, 2, 6, 2]
    close(replayed(found["l0"], seen), torch.cat(ends, dim=1)[0])


def test_each_of_several_modules_reads_its_own_input():
    encoder, decoder = made(nn.LSTM, 3, 4, batch_first=True), made(nn.GRUCell, 2, 4)
    net = nn.ModuleDict({"encoder": encoder, "decoder": decoder})

    def run():
        _, (h, _) = net["encoder"](normal(5, 6, 3))
        net["decoder"](normal(5, 2), h[0])

    seen = seen_by(net, run)
    assert torch.equal(seen["encoder.l0"].inputs, normal(5, 6, 3).transpose(0, 1))
    assert torch.equal(seen["decoder"].inputs, normal(1, 5, 2))
    close(seen["decoder"].state, encoder(normal(5, 6, 3))[1][0][0].detach())


def test_only_the_given_cells_are_returned_and_must_be_called():
    net = nn.ModuleDict({"used": made(nn.GRU, 3, 4, bidirectional=True), "unused": made(nn.LSTM, 3, 4)})
    found = recurrences(net)
    with pytest.raises(PruningError, match=r"^unused: expected run\(\) to call this module, got no call"):
        sequences(net, found, lambda: net["used"](normal(6, 5, 3)))
    some = {"used.l0_reverse": found["used.l0_reverse"]}
    assert list(sequences(net, some, lambda: net["used"](normal(6, 5, 3)))) == ["used.l0_reverse"]
    with pytest.raises(PruningError, match=r"^GRU: expected run"):
        seen_by(net["used"], lambda: None)


@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode])
def test_sequences_are_copies_that_can_be_differentiated(mode):
    module, inputs = made(nn.GRU, 3, 4), normal(6, 5, 3)

    def run():
        with mode():
            module(inputs)
            inputs.zero_()

    found = recurrences(module)
    seen = sequences(module, found, run)["l0"]
    assert torch.equal(seen.inputs, normal(6, 5, 3)) and not seen.inputs.requires_grad
    replayed(found["l0"], seen).sum().backward()
    expected = made(nn.GRU, 3, 4)
    expected(normal(6, 5, 3))[1].sum().backward()
    close(module.weight_hh_l0.grad, expected.weight_hh_l0.grad)


def test_the_graph_of_the_caller_is_not_kept():
    module, inputs = made(nn.GRU, 3, 4), normal(6, 5, 3).requires_grad_()
    seen = seen_by(module, lambda: module(inputs * 2, normal(1, 5, 4).requires_grad_()))["l0"]
    assert not seen.inputs.requires_grad and not seen.state.requires_grad


def test_sequences_have_the_dtype_of_the_weights():
    module = made(nn.GRUCell, 3, 4).float()
    with torch.autocast("cpu", torch.bfloat16):
        seen = seen_by(module, lambda: module(normal(5, 3).bfloat16(), normal(5, 4).bfloat16()))[""]
    assert seen.inputs.dtype == seen.state.dtype == torch.float32


def test_hooks_are_removed_also_when_the_run_raises():
    module = made(nn.LSTM, 3, 4)
    with pytest.raises(ZeroDivisionError):
        seen_by(module, lambda: (module(normal(6, 5, 3)), 1 / 0))
    seen_by(module, lambda: module(normal(6, 5, 3)))
    assert not module._forward_hooks and not module._forward_pre_hooks


def test_inputs_are_those_after_the_hooks_of_the_module():
    module = made(nn.GRU, 3, 4)
    module.register_forward_pre_hook(lambda module, args: (args[0] * 2, *args[1:]))
    assert torch.equal(seen_by(module, lambda: module(normal(6, 5, 3)))["l0"].inputs, 2 * normal(6, 5, 3))
