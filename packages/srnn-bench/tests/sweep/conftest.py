"""A plug-in task that records which processes open it, and that can be slow or kill its process."""

import tempfile
from pathlib import Path

import pytest

from srnn_bench import Stage, Training

SHORT = (Stage(name="only", training=Training(epochs=5, batches=2, batch_size=8, learning_rate=1e-2)),)

# A task as a plug-in package brings it. A file in `folder` names each process that opens the task, and its parent.
TRIAL = """
import os
import time
import uuid
from pathlib import Path
from typing import Literal
from srnn_tasks import Adding

class Trial(Adding):
    kind: Literal["trial"] = "trial"
    folder: str
    slow: float = 0.0  # seconds per batch
    deadly: Literal["never", "once", "always"] = "never"  # whether a draw kills the process
    deadly_stream: int | None = None  # opening the task with a generator of this seed kills the process

    def open(self, *, device, generator):
        if generator.initial_seed() == self.deadly_stream:
            os._exit(1)
        source = super().open(device=device, generator=generator)
        before = os.listdir(self.folder)
        Path(self.folder, f"{os.getpid()} {os.getppid()} {uuid.uuid4().hex}").touch()
        draw, drawn = source.draw, []

        def draw_slowly(size, *, generator):
            drawn.append(time.sleep(self.slow))
            if self.deadly == "always" or (self.deadly == "once" and not before and len(drawn) == 8):
                os._exit(1)
            return draw(size, generator=generator)

        source.draw = draw_slowly
        return source
"""


@pytest.fixture(scope="module")
def plugins():
    """Return a folder with a plug-in package, for the path of this process and of workers."""
    with tempfile.TemporaryDirectory(prefix="srnn-") as name:
        folder = Path(name)
        (folder / "trial_task.py").write_text(TRIAL)
        info = folder / "trial-0.1.dist-info"
        info.mkdir()
        (info / "METADATA").write_text("Metadata-Version: 2.1\nName: trial\nVersion: 0.1\n")
        (info / "entry_points.txt").write_text("[srnn.tasks]\ntrial = trial_task:Trial\n")
        yield folder


@pytest.fixture
def trial(plugins, tiny, tmp_path, monkeypatch):
    """Return a function that makes an experiment of the plug-in's task, which writes to `tmp_path / name`."""
    monkeypatch.syspath_prepend(str(plugins))

    def experiment(name="opened", *, stages=SHORT, **how):
        folder = tmp_path / name
        folder.mkdir(exist_ok=True)
        from trial_task import Trial

        return tiny(task=Trial(steps=5, held_out=50, folder=str(folder), **how), stages=stages)

    return experiment
