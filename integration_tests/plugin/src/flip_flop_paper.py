"""A paper of a third party on the flip-flop task: one table with one claim."""

from flip_flop_task import FlipFlop

from srnn_bench import Cell, Claim, Experiment, Paper, Published, Scale, Stage, Table, Training, beats
from srnn_models import ElmanRNN, SequenceModel

SEEDS = {"smoke": (0, 1), "quick": (0, 1, 2), "paper": (0, 1, 2, 3, 4)}
BATCHES = {"smoke": 2, "quick": 40, "paper": 1000}


def memory(scale: Scale) -> Table:
    """Memory of networks with 1 and with 24 neurons, of two channels."""
    training = Training(epochs=3, batches=BATCHES[scale], batch_size=32, learning_rate=0.01)
    cells = []
    for hidden, published in ((1, None), (24, Published(0.99, 0.01, 5))):
        experiment = Experiment(
            task=FlipFlop(channels=2, steps=12),
            model=SequenceModel(recurrence=ElmanRNN(hidden=hidden)),
            stages=(Stage(name="trained", training=training),),
        )
        cells.append(Cell(f"N = {hidden}", "memory", experiment, "trained", "memory", published))
    claim = Claim(
        "more neurons remember more",
        "24 neurons remember more than 1.",
        "abstract",
        (beats(("N = 24", "memory"), over=("N = 1", "memory")),),
    )
    return Table(
        name="flip_flop/memory",
        scale=scale,
        title="Memory of flip-flops by number of neurons",
        source="An example without a paper",
        metric="Correct signs",
        unit="share",
        better="higher",
        seeds=SEEDS[scale],
        cells=tuple(cells),
        claims=(claim,),
    )


PAPER = Paper("flip_flop", "How many neurons remember a flip-flop", "0000.00000", {"memory": memory})
