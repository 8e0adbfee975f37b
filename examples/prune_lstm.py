"""Prune the LSTM of your own network to 5 % of its weights before training, then train it; about 10 s on one core.

Run it from a clone of the repository: `python examples/prune_lstm.py`. It needs srnn-masks and srnn-pruning.
"""

from pathlib import Path
from tempfile import TemporaryDirectory

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from srnn_pruning import JacobianSpectrum, Pruned, one_shot


class Classifier(nn.Module):
    """A network as anyone would write it: nothing in it refers to pruning."""

    def __init__(self, inputs: int, hidden: int, classes: int) -> None:
        super().__init__()
        self.lstm = nn.LSTM(inputs, hidden, batch_first=True)
        self.head = nn.Linear(hidden, classes)

    def forward(self, x: Tensor) -> Tensor:
        """Classify sequences (B, T, I): logits (B, classes)."""
        h, _ = self.lstm(x)  # (B, T, N)
        return self.head(h[:, -1])  # (B, classes)


def draw(size: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Return noisy oscillations (size, 40, 8) and the class of each: which of four frequencies it has."""
    classes = torch.randint(4, (size,), generator=generator)
    phases = 2 * torch.pi * torch.rand(size, 1, 8, generator=generator)
    turns = torch.linspace(0, 1, 40)[None, :, None] * (classes[:, None, None] + 1)
    noise = torch.randn(size, 40, 8, generator=generator)
    return (2 * torch.pi * turns + phases).sin() + 0.5 * noise, classes


def main() -> None:
    """Prune, train, test, and load the masks into a new model."""
    torch.manual_seed(0)
    data = torch.Generator().manual_seed(1)
    model = Classifier(inputs=8, hidden=128, classes=4)

    x, _ = draw(64, data)
    pruned = one_shot(model, JacobianSpectrum(), density=0.05, batch=x)  # the one line
    print(pruned, end="\n\n")

    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    for step in range(1, 301):
        x, y = draw(64, data)
        loss = cross_entropy(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if step % 100 == 0:
            print(f"step {step}: loss {loss.item():.3f}")

    x, y = draw(1000, data)
    with torch.no_grad():
        accuracy = (model(x).argmax(1) == y).float().mean().item()
    print(f"accuracy {accuracy:.1%}, by chance 25 %")
    present = sum(int(model.get_parameter(name).count_nonzero()) for name in pruned.masks)
    print(f"{present:,} weights of the LSTM are not zero")

    fresh = Classifier(inputs=8, hidden=128, classes=4)
    with TemporaryDirectory() as folder:  # keep the file in your own project: it is all that a new model needs
        pruned.save(Path(folder) / "masks.safetensors")
        Pruned.load(Path(folder) / "masks.safetensors").apply(fresh)
    print(f"{int(fresh.lstm.weight_hh_l0.count_nonzero()):,} recurrent weights in a new model with the same masks")


if __name__ == "__main__":
    main()
