"""What each recurrent cell reads during a run, for every way of calling torch's layers."""

import itertools
from types import SimpleNamespace

import pytest
import torch
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pack_sequence

from srnn_pruning import Pruning, PruningError, PruningWarning, prune, recurrences, sequences

LAYERS = {
    "rnn": (nn.RNN, {}),
    "gru": (nn.GRU, {}),
    "lstm": (nn.LSTM, {}),
    "projected": (nn.LSTM, {"proj_size": 2}),
}
KINDS = [nn.RNNCell, nn.GRUCell, nn.LSTMCell]
LENGTHS = {"full": None, "sorted": [6, 5, 5, 2, 1], "unsorted": [3, 6, 1, 6, 2], "equal": [6] * 5}


def build(kind, *args, **kwargs):
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


def read_by(module, run):
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
        module = build(kind, 3, 4, num_layers=number, bidirectional=both, batch_first=batch_first, **options)
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
        cells = recurrences(module)
        read = sequences(module, cells, lambda call=(module, args, kwargs): call[0](*call[1], **call[2]))
        assert list(read) == list(cells)
        expected = joined(module(*args, **kwargs)[1])
        for key, end in zip(cells, expected, strict=True):
            assert (read[key].lengths is None) == (lengths in ("full", "equal"))
            close(replayed(cells[key], read[key]), end)


def test_sequences_of_different_lengths_are_aligned_at_their_ends():
    one, two = torch.tensor([[1.0], [2], [3]]).double(), torch.tensor([[4.0]]).double()
    module = build(nn.GRU, 1, 2, bidirectional=True)
    read = read_by(module, lambda: module(pack_sequence([two, one], enforce_sorted=False)))
    assert read["l0"].lengths.tolist() == read["l0_reverse"].lengths.tolist() == [1, 3]
    assert read["l0"].inputs[-1:, 0].tolist() == [[4]] and read["l0"].inputs[:, 1].tolist() == [[1], [2], [3]]
    assert read["l0_reverse"].inputs[-1:, 0].tolist() == [[4]]
    assert read["l0_reverse"].inputs[:, 1].tolist() == [[3], [2], [1]]


def test_layers_above_the_first_read_both_directions_below_without_dropout():
    module = build(nn.LSTM, 3, 4, num_layers=2, bidirectional=True, dropout=0.9)
    below = build(nn.LSTM, 3, 4, bidirectional=True)
    below.load_state_dict({name: module.get_parameter(name) for name, _ in below.named_parameters()})
    with torch.random.fork_rng():
        read = read_by(module, lambda: module(normal(6, 5, 3)))
    expected, _ = below(normal(6, 5, 3))
    close(read["l1"].inputs, expected.detach())
    close(read["l1_reverse"].inputs, expected.detach().flip(0))


@pytest.mark.parametrize("batch_first", [False, True])
def test_unbatched_input_is_a_batch_of_one(batch_first):
    module = build(nn.LSTM, 3, 4, num_layers=2, batch_first=batch_first)
    state = (normal(2, 4), normal(2, 4, seed=2))
    cells = recurrences(module)
    read = sequences(module, cells, lambda: module(normal(6, 3), state))
    assert torch.equal(read["l0"].inputs, normal(6, 1, 3)[:, :1]) and read["l0"].state.shape == (1, 8)
    expected = joined(module(normal(6, 3), state)[1])
    for cell, sequence, end in zip(cells.values(), read.values(), expected, strict=True):
        close(replayed(cell, sequence)[0], end)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("given", [False, True])
@pytest.mark.parametrize("batch", [(), (5,)], ids=["unbatched", "batch"])
def test_a_cell_in_a_loop_reads_one_sequence(kind, given, batch):
    module = build(kind, 3, 4)
    parts = (normal(*batch, 4, seed=2), normal(*batch, 4, seed=3))
    state = (parts if kind is nn.LSTMCell else parts[0]) if given else None
    ends = []

    def run():
        current = state
        for x in normal(6, *batch, 3):
            current = module(x, hx=current)
        ends.append(joined(current))

    cells = recurrences(module)
    read = sequences(module, cells, run)[""]
    assert torch.equal(read.inputs, normal(6, *batch, 3).reshape(6, -1, 3)) and read.lengths is None
    assert torch.equal(read.state, joined(state).reshape(-1, read.state.shape[1]) if given else 0 * read.state)
    close(replayed(cells[""], read), ends[0].reshape(-1, read.state.shape[1]))


def test_a_layer_that_is_run_piece_by_piece_reads_one_sequence():
    module = build(nn.GRU, 3, 4, num_layers=2)

    def run():
        _, state = module(normal(6, 5, 3)[:2])
        module(normal(6, 5, 3)[2:], state)

    whole, pieces = read_by(module, lambda: module(normal(6, 5, 3))), read_by(module, run)
    for key in ("l0", "l1"):
        assert torch.equal(whole[key].state, pieces[key].state)
        close(whole[key].inputs, pieces[key].inputs)


def test_calls_from_other_states_join_the_batch():
    module = build(nn.RNN, 3, 4)
    first, second = normal(6, 5, 3), normal(2, 1, 3, seed=2)
    cells = recurrences(module)
    with pytest.warns(PruningWarning, match="^RNN is called 2 times, 1 of them from a state"):
        read = sequences(module, cells, lambda: (module(first), module(second, normal(1, 1, 4))))["l0"]
    assert read.inputs.shape == (6, 6, 3) and read.lengths.tolist() == [6] * 5 + [2]
    assert torch.equal(read.inputs[:, :5], first) and torch.equal(read.inputs[4:, 5:], second)
    expected = torch.cat([module(first)[1][0], module(second, normal(1, 1, 4))[1][0]])
    close(replayed(cells["l0"], read), expected)
    same = sequences(module, cells, lambda: (module(first), module(first)))["l0"]
    assert same.inputs.shape == (6, 10, 3) and same.lengths is None


def test_a_state_that_is_changed_between_steps_starts_sequences_of_one_step():
    module = build(nn.GRUCell, 3, 4)

    def run():
        state = None
        for x in normal(3, 5, 3):
            state = module(x, state) / 2

    with pytest.warns(
        PruningWarning, match="^GRUCell is called 3 times, 2 of them from a state .* between calls"
    ) as caught:
        read = read_by(module, run)[""]
    assert read.inputs.shape == (1, 15, 3) and read.lengths is None
    close(read.state[5:10], module(normal(3, 5, 3)[0]).detach() / 2)
    assert [each.filename for each in caught] == [__file__]


def changed_layer(module):
    """A layer that is called once per step, with a LayerNorm in between."""
    state = None
    for x in normal(4, 1, 5, 3):
        state = nn.functional.layer_norm(module(x, state)[1], (4,))


def changed_every_second_step(module):
    state = None
    for step, x in enumerate(normal(4, 5, 3)):
        state = module(x, state)
        state = nn.functional.layer_norm(state, (4,)) if step % 2 else state


def changed_in_one_of_two_loops(module):
    for change in (False, True):
        state = None
        for x in normal(4, 5, 3):
            state = module(x, state)
            state = nn.functional.layer_norm(state, (4,)) if change else state


def changed_in_one_row(module):
    state, scale = None, torch.tensor([1.0, 1, 0.5, 1, 1])[:, None]
    for x in normal(4, 5, 3):
        state = scale * module(x, state)


def interleaved(module):
    one = two = None
    for x in normal(4, 5, 3):
        one, two = module(x, one), module(-x, two)


@pytest.mark.parametrize(
    ("kind", "loop", "times", "changed"),
    [
        (nn.GRU, changed_layer, 4, 3),
        (nn.GRUCell, changed_every_second_step, 4, 1),
        (nn.GRUCell, changed_in_one_of_two_loops, 8, 3),
        (nn.GRUCell, changed_in_one_row, 4, 3),
        (nn.GRUCell, interleaved, 8, 6),
    ],
)
def test_every_call_from_a_state_that_nothing_explains_is_counted(kind, loop, times, changed):
    module = build(kind, 3, 4)
    with pytest.warns(PruningWarning, match=f"is called {times} times, {changed} of them .* several loops"):
        read_by(module, lambda: loop(module))


def twins(kind):
    """Return a cell and a layer of torch with the same weights."""
    cell = build(kind, 3, 4)
    layer = build(getattr(nn, kind.__name__.removesuffix("Cell")), 3, 4)
    layer.load_state_dict({f"{name}_l0": value for name, value in cell.state_dict().items()})
    return cell, layer


def zeros_for(kind, rows):
    state = torch.zeros(rows, 4, dtype=torch.float64)
    return (state, state) if kind is nn.LSTMCell else state


def by_where(keep, new, old):
    return torch.where(keep[:, None], new, old)


def by_factor(keep, new, old):
    keep = keep[:, None].double()
    return keep * new + (1 - keep) * old


def in_place(keep, new, old):
    new[~keep] = old[~keep]
    return new


def padded_loop(cell, x, lengths, select):
    """Return the last state of a cell in a loop that keeps the state of sequences that have ended."""
    state = zeros_for(type(cell), x.shape[1])
    for step, each in enumerate(x):
        keep, new = step < lengths, cell(each, state)
        if isinstance(cell, nn.LSTMCell):
            state = tuple(select(keep, *parts) for parts in zip(new, state, strict=True))
        else:
            state = select(keep, new, state)
    return state


PADDED = {
    "one step less": [6, 5, 5, 6, 5],
    "unsorted": [3, 6, 1, 5, 4],
    "all shorter": [3, 4, 1, 2, 4],
    "one step": [1, 1, 1, 1, 1],
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("select", [by_where, by_factor, in_place])
@pytest.mark.parametrize("lengths", PADDED)
def test_a_loop_over_padded_sequences_reads_as_the_packed_layer(kind, select, lengths):
    if select is in_place and kind is nn.RNNCell:
        pytest.skip("torch cannot differentiate a tanh that was written to")
    cell, layer = twins(kind)
    x, lengths = normal(6, 5, 3), torch.tensor(PADDED[lengths])
    read = read_by(cell, lambda: padded_loop(cell, x, lengths, select))[""]
    packed = pack_padded_sequence(x, lengths, enforce_sorted=False)
    expected = read_by(layer, lambda: layer(packed))["l0"]
    check_same(read, expected)


def check_same(read, expected):
    """Check that two sequences are equal, apart from inputs before the first step of a row."""
    (steps, rows, _), lengths = expected.inputs.shape, expected.lengths
    assert torch.equal(read.state, expected.state)
    assert (read.lengths is None) == (lengths is None) and (lengths is None or torch.equal(read.lengths, lengths))
    assert read.inputs.shape == expected.inputs.shape
    for row in range(rows):
        first = 0 if lengths is None else steps - int(lengths[row])
        assert torch.equal(read.inputs[first:, row], expected.inputs[first:, row])


def test_a_loop_over_padded_sequences_without_a_graph_skips_as_in_the_step_before():
    """Only a row that is one step shorter than the longest cannot be told from those."""
    cell, _ = twins(nn.GRUCell)
    x, lengths = normal(6, 5, 3), torch.tensor([3, 6, 1, 5, 4])

    def run():
        with torch.no_grad():
            padded_loop(cell, x, lengths, by_where)

    assert read_by(cell, run)[""].lengths.tolist() == [3, 6, 1, 6, 4]
    assert read_by(cell, lambda: padded_loop(cell, x, lengths, by_where).sum().backward())[""].lengths.tolist() == [
        3, 6, 1, 6, 4
    ]  # fmt: skip


def test_padding_in_front_and_rows_without_steps():
    cell, _ = twins(nn.GRUCell)
    x, lengths = normal(6, 5, 3), torch.tensor([3, 6, 1, 0, 4])

    def run():
        state = zeros_for(nn.GRUCell, 5)
        for step, each in enumerate(x):
            state = by_where(step >= 6 - lengths, cell(each, state), state)
        return state

    read = read_by(cell, run)[""]
    assert read.lengths.tolist() == [3, 6, 1, 4]
    for row, (place, length) in enumerate([(0, 3), (1, 6), (2, 1), (4, 4)]):
        assert torch.equal(read.inputs[6 - length :, row], x[6 - length :, place])


def test_steps_that_are_skipped_in_the_middle():
    cell, _ = twins(nn.RNNCell)
    x, keep = normal(6, 3, 3), torch.tensor([[1, 1, 1], [1, 0, 1], [1, 0, 0], [1, 1, 0], [1, 0, 1], [1, 1, 0]]).bool()

    def run():
        state = zeros_for(nn.RNNCell, 3)
        for kept, each in zip(keep, x, strict=True):
            state = by_where(kept, cell(each, state), state)
        return {"outputs": [state]}

    read = read_by(cell, run)[""]
    assert read.lengths.tolist() == [6, 3, 3]
    for row in range(3):
        assert torch.equal(read.inputs[6 - int(keep[:, row].sum()) :, row], x[keep[:, row], row])


def test_a_batch_that_shrinks_and_rows_that_start_again():
    cell, layer = twins(nn.GRUCell)
    x, lengths = normal(6, 3, 3), torch.tensor([6, 4, 2])

    def shrinking():
        state = zeros_for(nn.GRUCell, 3)
        for step, each in enumerate(x):
            rows = int((step < lengths).sum())
            state = cell(each[:rows], state[:rows])
        return state

    packed = read_by(layer, lambda: layer(pack_padded_sequence(x, lengths)))["l0"]
    check_same(read_by(cell, shrinking)[""], packed)

    def episodes():
        state = zeros_for(nn.GRUCell, 3)
        for step, each in enumerate(x):
            state = cell(each, torch.where((step == lengths)[:, None], 0, state))
        return state

    read = read_by(cell, episodes)[""]
    assert read.lengths.tolist() == [6, 4, 2, 4, 2] and not read.state.any()
    assert torch.equal(read.inputs[2:, 3], x[2:, 2]) and torch.equal(read.inputs[4:, 4], x[4:, 1])


def test_two_passes_from_the_same_first_state_are_two_batches():
    cell, first = build(nn.GRUCell, 3, 4), normal(5, 4)
    layer = build(nn.GRU, 3, 4)

    def passes(steps):
        for x in (normal(steps, 5, 3), normal(steps, 5, 3, seed=2)):
            state = first
            for each in x:
                state = cell(each, state)

    for steps in (1, 6):
        read = read_by(cell, lambda steps=steps: passes(steps))[""]
        assert read.inputs.shape == (steps, 10, 3) and torch.equal(read.state, torch.cat([first, first]))
    read = read_by(layer, lambda: [layer(normal(6, 5, 3), first[None]) for _ in range(2)])["l0"]
    assert read.inputs.shape == (6, 10, 3) and read.lengths is None


def test_two_loops_over_padded_sequences_end_where_their_sequences_end():
    cell, layer = twins(nn.LSTMCell)
    x, lengths = normal(6, 5, 3), torch.tensor([3, 6, 1, 5, 4])
    packed = pack_padded_sequence(x, lengths, enforce_sorted=False)
    expected = read_by(layer, lambda: (layer(packed), layer(packed)))["l0"]
    read = read_by(cell, lambda: [padded_loop(cell, x, lengths, by_where) for _ in range(2)])[""]
    check_same(read, expected)


def test_a_pass_from_0_after_one_from_another_state():
    cell, first = build(nn.GRUCell, 3, 4), normal(5, 4)
    read = read_by(cell, lambda: [cell(normal(5, 3), cell(normal(5, 3), state)) for state in (first, 0 * first)])[""]
    assert read.inputs.shape == (2, 10, 3) and torch.equal(read.state, torch.cat([first, 0 * first]))


def test_a_last_call_that_no_row_keeps_is_read():
    """A loop that reads its outputs before each call calls the cell once more than it needs."""
    cell, x = build(nn.GRUCell, 3, 4), normal(6, 5, 3)

    def run():
        outputs, state = [], zeros_for(nn.GRUCell, 5)
        for each in x:
            outputs.append(state)
            state = cell(each, state)
        return outputs

    read = read_by(cell, run)[""]
    assert torch.equal(read.inputs, x) and read.lengths is None


def test_states_that_are_nan_continue():
    cell, x = build(nn.GRUCell, 3, 4), normal(6, 5, 3)
    cell.weight_hh.data[0, 0] = torch.nan
    read = read_by(cell, lambda: padded_loop(cell, x, torch.tensor([6] * 5), by_where))[""]
    assert torch.equal(read.inputs, x) and read.lengths is None


def test_packed_calls_are_joined_in_time_row_by_row():
    module = build(nn.LSTM, 3, 4, num_layers=2, bidirectional=True)
    packed = pack_padded_sequence(normal(6, 2, 3), torch.tensor([2, 6]), enforce_sorted=False)
    ends = []

    def run():
        _, state = module(packed)
        ends.append(module(packed, state)[1])

    cells = recurrences(module)
    read = sequences(module, cells, run)
    for key, end in zip(cells, joined(ends[0]), strict=True):
        assert read[key].lengths.tolist() == [4, 12]
        close(replayed(cells[key], read[key]), end)


def test_each_of_several_modules_reads_its_own_input():
    encoder, decoder = build(nn.LSTM, 3, 4, batch_first=True), build(nn.GRUCell, 2, 4)
    net = nn.ModuleDict({"encoder": encoder, "decoder": decoder})

    def run():
        _, (h, _) = net["encoder"](normal(5, 6, 3))
        net["decoder"](normal(5, 2), h[0])

    read = read_by(net, run)
    assert torch.equal(read["encoder.l0"].inputs, normal(5, 6, 3).transpose(0, 1))
    assert torch.equal(read["decoder"].inputs, normal(1, 5, 2))
    close(read["decoder"].state, encoder(normal(5, 6, 3))[1][0][0].detach())


def test_only_the_given_cells_are_returned_and_must_be_called():
    net = nn.ModuleDict({"used": build(nn.GRU, 3, 4, bidirectional=True), "unused": build(nn.LSTM, 3, 4)})
    cells = recurrences(net)
    with pytest.raises(PruningError, match=r"^unused: expected run\(\) to call this module, got no call"):
        sequences(net, cells, lambda: net["used"](normal(6, 5, 3)))
    some = {"used.l0_reverse": cells["used.l0_reverse"]}
    assert list(sequences(net, some, lambda: net["used"](normal(6, 5, 3)))) == ["used.l0_reverse"]
    with pytest.raises(PruningError, match=r"^cells: .* \['used\.l0', .*\], got 'lstm\.l0'"):
        sequences(net, {"lstm.l0": cells["unused.l0"]}, lambda: None)
    with pytest.raises(PruningError, match=r"^GRU: expected run"):
        read_by(net["used"], lambda: None)


@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode])
def test_sequences_are_copies_that_can_be_differentiated(mode):
    module, inputs = build(nn.GRU, 3, 4), normal(6, 5, 3)

    def run():
        with mode():
            module(inputs)
            inputs.zero_()

    cells = recurrences(module)
    read = sequences(module, cells, run)["l0"]
    assert torch.equal(read.inputs, normal(6, 5, 3)) and not read.inputs.requires_grad
    replayed(cells["l0"], read).sum().backward()
    expected = build(nn.GRU, 3, 4)
    expected(normal(6, 5, 3))[1].sum().backward()
    close(module.weight_hh_l0.grad, expected.weight_hh_l0.grad)


def test_the_graph_of_the_caller_is_not_kept():
    module, inputs = build(nn.GRU, 3, 4), normal(6, 5, 3).requires_grad_()
    read = read_by(module, lambda: module(inputs * 2, normal(1, 5, 4).requires_grad_()))["l0"]
    assert not read.inputs.requires_grad and not read.state.requires_grad


def test_sequences_have_the_dtype_of_the_weights():
    module = build(nn.GRUCell, 3, 4).float()
    with torch.autocast("cpu", torch.bfloat16):
        read = read_by(module, lambda: module(normal(5, 3).bfloat16(), normal(5, 4).bfloat16()))[""]
    assert read.inputs.dtype == read.state.dtype == torch.float32


def test_hooks_are_removed_also_when_the_run_raises():
    module = build(nn.LSTM, 3, 4)
    with pytest.raises(ZeroDivisionError):
        read_by(module, lambda: (module(normal(6, 5, 3)), 1 / 0))
    read_by(module, lambda: module(normal(6, 5, 3)))
    assert not module._forward_hooks and not module._forward_pre_hooks


def test_inputs_are_those_after_the_hooks_of_the_module():
    module = build(nn.GRU, 3, 4)
    module.register_forward_pre_hook(lambda module, args: (args[0] * 2, *args[1:]))
    assert torch.equal(read_by(module, lambda: module(normal(6, 5, 3)))["l0"].inputs, 2 * normal(6, 5, 3))


class Summed(nn.Module):
    """A recurrence of another package, h' = h + W x, whose arguments have other names than torch's."""

    inputs, hidden, state_size, gate_names = 3, 4, 4, ("h",)

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(normal(4, 3))

    def forward(self, xs, start=None):
        state = xs.new_zeros(xs.shape[1], 4) if start is None else start
        for x in xs:
            state = self.step(x, state)
        return state[None], state

    def step(self, input, state):
        return state + input @ self.weight.T

    def output(self, state):
        return state

    def matrices(self):
        return {"weight": SimpleNamespace(source="input", offset=0)}


def test_recurrences_of_other_packages_are_called_with_inputs_and_state():
    module, inputs, start = Summed(), normal(6, 5, 3), normal(5, 4, seed=2)
    for run, state in [
        (lambda: module(inputs), 0 * start),
        (lambda: module(inputs, start), start),
        (lambda: module(start=start, xs=inputs), start),
        (lambda: module(inputs[3:], module(inputs[:3], start=start)[1]), start),
    ]:
        read = read_by(module, run)[""]
        assert torch.equal(read.inputs, inputs) and torch.equal(read.state, state) and read.lengths is None


class Renamed(nn.LSTM):
    """A subclass with other names, and another order of what it returns."""

    def forward(self, x, start=None):
        outputs, state = super().forward(x, start)
        return {"outputs": outputs, "state": state}


class Outputs(nn.GRU):
    """A subclass that takes no state and returns the outputs alone."""

    def forward(self, x):
        return super().forward(x)[0]


class Anything(nn.GRU):
    """A subclass that passes all arguments on."""

    def forward(self, *args, **kwargs):
        return super().forward(*args, **kwargs)


class Masked(nn.GRU):
    """A subclass with an argument between input and state."""

    def forward(self, x, mask, hx=None):
        return super().forward(x * mask, hx)


class Timed(nn.GRUCell):
    """A cell whose parameters have other names."""

    def forward(self, now, before=None):
        return super().forward(now, before)


def test_subclasses_of_torchs_layers_are_read_by_their_own_signature():
    inputs, h, c = normal(6, 5, 3), normal(1, 5, 4), normal(1, 5, 4, seed=2)
    lstm, outputs, anything, masked = (build(kind, 3, 4) for kind in (Renamed, Outputs, Anything, Masked))
    for module, run, state in [
        (lstm, lambda: lstm(inputs), torch.zeros(5, 8)),
        (lstm, lambda: lstm(inputs, start=(h, c)), joined((h, c))[0]),
        (lstm, lambda: lstm(start=(h, c), x=inputs), joined((h, c))[0]),
        (outputs, lambda: outputs(inputs), torch.zeros(5, 4)),
        (outputs, lambda: outputs(x=inputs), torch.zeros(5, 4)),
        (anything, lambda: anything(inputs, h), h[0]),
        (anything, lambda: anything(inputs, hx=h), h[0]),
        (anything, lambda: anything(hx=h, input=inputs), h[0]),
        (masked, lambda: masked(inputs, torch.ones(6, 5, 1), h), h[0]),
    ]:
        read = read_by(module, run)["l0"]
        assert torch.equal(read.inputs, inputs) and torch.equal(read.state, state.double())


def test_pieces_are_joined_where_the_last_state_can_be_read():
    inputs = normal(6, 5, 3)
    cell, layer, outputs = build(Timed, 3, 4), build(Anything, 3, 4), build(Outputs, 3, 4)

    def steps():
        state = None
        for x in inputs:
            state = cell(x, before=state)

    assert read_by(cell, steps)[""].inputs.shape == (6, 5, 3)
    assert read_by(layer, lambda: layer(inputs[2:], layer(inputs[:2])[1]))["l0"].inputs.shape == (6, 5, 3)
    assert read_by(outputs, lambda: (outputs(inputs[:3]), outputs(inputs[3:])))["l0"].inputs.shape == (3, 10, 3)


class Swapped(nn.GRU):
    """A subclass whose first argument is no input, and whose second is no state."""

    def forward(self, lengths, x):
        return super().forward(x)


def test_inputs_and_states_that_cannot_be_read_name_the_module():
    net = nn.ModuleDict({"rnn": build(Swapped, 3, 4), "cell": build(Timed, 3, 4)})
    inputs, cells = normal(6, 5, 3), recurrences(net)
    rnn, cell = net["rnn"], net["cell"]
    for key, run, message in [
        ("rnn.l0", lambda: rnn([6] * 5, inputs), "rnn: expected a tensor or a PackedSequence as its input, got list"),
        ("rnn.l0", lambda: rnn(torch.ones(5), inputs), r"rnn: .* last dimension is 3, got shape \(5,\)"),
        (
            "rnn.l0",
            lambda: rnn(inputs, inputs.long()),
            r"rnn: expected a state .* got a tensor of torch.int64 of shape",
        ),
        (
            "rnn.l0",
            lambda: rnn(inputs, inputs),
            r"rnn: .* a state with 4 entries per sample, got shapes \[\(6, 5, 3\)\]",
        ),
        ("cell", lambda: cell(inputs[0].tolist()), "cell: expected a tensor as its input, got list"),
    ]:
        with pytest.raises(PruningError, match=f"^{message}"):
            sequences(net, {key: cells[key]}, run)
        assert not rnn._forward_hooks and not cell._forward_hooks


def test_an_empty_batch_is_refused():
    net = nn.ModuleDict({"rnn": build(nn.GRU, 3, 4)})
    with pytest.raises(
        PruningError, match=r"^rnn.l0: expected inputs of at least one sequence of one step, got 0 of 6"
    ):
        read_by(net, lambda: net["rnn"](normal(6, 0, 3)))
    module = Summed()
    with pytest.raises(PruningError, match="got 5 of 0"):
        read_by(module, lambda: module(normal(0, 5, 3)))


def test_masked_layers_are_read_and_replayed_with_their_masks():
    module = build(nn.LSTM, 3, 4, num_layers=2, bidirectional=True)
    prune(module, Pruning(sparsity=0.5))
    cells = recurrences(module)
    read = sequences(module, cells, lambda: module(normal(6, 5, 3)))
    expected = joined(module(normal(6, 5, 3))[1])
    for key, end in zip(cells, expected, strict=True):
        close(replayed(cells[key], read[key]), end)
