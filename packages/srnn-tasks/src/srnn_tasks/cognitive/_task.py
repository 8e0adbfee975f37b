"""The task value: any mixture of cognitive tasks (Yang et al. 2019; Mod-Cog, arXiv 2207.03523)."""

from __future__ import annotations

from typing import Literal

import torch

from ._mixture import Mixture
from ._source import CognitiveSource


class Cognitive(Mixture):
    """A mixture of cognitive tasks: fixate, and answer with a direction when the fixation cue goes off.

    Inputs `(T, B, I)`: the fixation cue, R units of each of two rings, and the rule inputs. Targets `(T, B)`: 0 to
    fixate, 1 + direction to answer. The weight is 0 in padding.

    `info` describes each step. Its tensors are `(T, B)` unless another shape is given: `task`, the index of the task in
    `names`; `trial`, the number of the trial in its row; `period`: fixation 0, stimulus 1, delay 2, second stimulus 3,
    decision 4, padding 5; `elapsed`, steps since the start of the period; `left`, remaining steps of the trial,
    negative in padding; `ring`: 0 or 1, in families that choose one; `directions` `(T, B, 2)` of the two bumps and
    their `strengths` `(T, B, 2, 2)`, by bump and ring; `delay` in steps; `respond`, whether the trial has an answer;
    `answer`, the direction of the answer at this step or, before the decision, at its first step. (Where
    `Conventions.go_interval` is "stimulus", the first bump is displaced from its direction.)

    tasks: the name of a battery, or names of tasks; a name that occurs twice has two slots with different rule inputs.
    rules: `one_hot`, one input per task, or `parts`, one for each of the 20 base tasks and for IntR, IntL, SeqR and
    SeqL, several of which are on at once.
    untrained: tasks that are evaluated but not trained. proportions: of the tasks in the mixture; None means equal.
    layout: how trials fill the rows.
    dt: milliseconds per step. ring: R. sigma: the input noise has standard deviation sigma / sqrt(dt) per step.
    coherences: c of decision tasks, where strengths are (1 +- c) / 2. strengths: of delayed decision tasks.
    timing: durations of the periods. conventions: the published code's choices, or corrected ones.
    evaluation_trials: trials of each task in a held-out split; the numbers of any two tasks differ by at most one.

    >>> task = Cognitive(tasks=("dlygo", "dlygo-intr-seql"))
    >>> task.names
    ('dlygo', 'dlygo-intr-seql')
    >>> len(Cognitive(tasks="paper84").names)
    84
    """

    kind: Literal["cognitive"] = "cognitive"

    def open(self, *, device: torch.device | str, generator: torch.Generator) -> CognitiveSource:
        """Return the source. It draws from the generator only if delays are drawn once for all trials (`Legacy`)."""
        return CognitiveSource(self, device=device, generator=generator)
