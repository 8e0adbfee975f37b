"""Write the gallery of the cognitive tasks: `python docs/gallery/draw.py [NAME ...]` (needs `srnn-tasks[plot]`).

One trial of each of the 126 tasks is drawn by `srnn_tasks.plot` into `trials/<name>.svg`, and `README.md` shows them.
The pictures follow the light or dark setting of the viewer.
"""

import io
import re
import sys
import zlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import matplotlib
import torch

from srnn_tasks import Cognitive, TaskSpec, plot
from srnn_tasks.cognitive import BATTERIES, Rule

FOLDER = Path(__file__).parent
INK, PAPER, BRIGHT_INK, DARK_PAPER = "#1f2328", "#ffffff", "#e6edf3", "#0d1117"
SVG = "http://www.w3.org/2000/svg"
XLINK = "http://www.w3.org/1999/xlink"
CSS = (
    f"svg{{color:{INK}}}.paper{{fill:{PAPER}}}"
    f"@media (prefers-color-scheme:dark){{svg{{color:{BRIGHT_INK}}}.paper{{fill:{DARK_PAPER}}}}}"
)

BASES = {
    "go": "Answer in the direction of the stimulus once the fixation cue is off.",
    "rtgo": "React: the stimulus appears when the fixation cue goes off; answer in its direction at once.",
    "dlygo": "Remember the direction of the stimulus during a delay, then answer in this direction.",
    "anti": "Answer opposite to the stimulus once the fixation cue is off.",
    "rtanti": "React: the stimulus appears when the fixation cue goes off; answer in the opposite direction at once.",
    "dlyanti": "Remember the direction of the stimulus during a delay, then answer in the opposite direction.",
    "dm1": "Two stimuli on ring 1 at the same time: answer in the direction of the stronger one.",
    "dm2": "Two stimuli on ring 2 at the same time: answer in the direction of the stronger one.",
    "ctxdm1": "Two stimuli on both rings: answer in the direction that is stronger on ring 1, and ignore ring 2.",
    "ctxdm2": "Two stimuli on both rings: answer in the direction that is stronger on ring 2, and ignore ring 1.",
    "multidm": "Two stimuli on both rings: answer in the direction that is stronger on both rings together.",
    "dlydm1": "Two stimuli on ring 1, one after the other: answer in the direction of the stronger one.",
    "dlydm2": "Two stimuli on ring 2, one after the other: answer in the direction of the stronger one.",
    "ctxdlydm1": "Two stimuli on both rings, one after the other: the stronger one on ring 1 counts.",
    "ctxdlydm2": "Two stimuli on both rings, one after the other: the stronger one on ring 2 counts.",
    "multidlydm": "Two stimuli on both rings, one after the other: the stronger one on both rings together counts.",
    "dms": "Match to sample: answer in the direction of the second stimulus if it is that of the first.",
    "dnms": "Non-match to sample: answer in the direction of the second stimulus if it is not that of the first.",
    "dmc": "Match of categories: answer if both stimuli are in the same half of the ring.",
    "dnmc": "Non-match of categories: answer if the stimuli are in different halves of the ring.",
}
PARTS = {
    "intr": "The length of the delay turns the answer to the right, by one direction per 100 ms.",
    "intl": "The length of the delay turns the answer to the left, by one direction per 100 ms.",
    "seqr": "The answer is a sequence that moves to the right, by one direction per 100 ms.",
    "seql": "The answer is a sequence that moves to the left, by one direction per 100 ms.",
}
HEAD = """# Gallery of cognitive tasks

<!-- Written by draw.py. Change that script, and run it again. -->

One trial of each of the 126 cognitive tasks (Yang et al. 2019; Mod-Cog, arXiv 2207.03523), as a network sees it, with
the default timing and noise. Time goes to the right, one step is 100 ms. From top to bottom: the fixation cue, two
rings of 16 units, and the target, which is to fixate or to answer with one of 16 directions. Blue is positive; orange
is negative, which only noise is. Rule inputs, which name the task to a network that learns several, are left out.

A name is one of 20 base tasks and, optionally, an interval and a sequence:

| part | meaning |
|---|---|
{parts}

To draw your own:

```python
import torch
from srnn_tasks import Cognitive, plot

generator = torch.Generator().manual_seed(0)
source = Cognitive(tasks=("dlygo-intr-seql",)).open(device="cpu", generator=generator)
figure = plot(source.draw(8, generator=generator), source.spec)
figure.savefig("trial.png")
```

The base tasks: {links}
"""


def page() -> str:
    """Return the Markdown of the page."""
    parts = "\n".join(f"| `-{name}` | {text} |" for name, text in PARTS.items())
    links = ", ".join(f"[{base}](#{base})" for base in BASES)
    sections = [HEAD.format(parts=parts, links=links)]
    for base, text in BASES.items():
        names = [name for name in BATTERIES["all126"] if Rule.parse(name).base == base]
        pictures = "\n".join(
            f'<img src="trials/{name}.svg" width="316" alt="{name}: {description(name)}">' for name in names
        )
        sections.append(f"## {base}\n\n{text}\n\n{pictures}\n")
    return "\n".join(sections)


def description(name: str) -> str:
    """Return what a task asks for, in one sentence per part of its name."""
    base, *parts = Rule.parse(name).parts
    return " ".join([BASES[base], *(PARTS[part] for part in parts)])


def picture(name: str) -> str:
    """Return one trial of a task as the text of an SVG file; the name of the task determines which trial."""
    generator = torch.Generator().manual_seed(zlib.crc32(name.encode()))
    source = Cognitive(tasks=(name,)).open(device="cpu", generator=generator)
    batch = source.draw(64, generator=generator)
    delay = batch.info["delay"][0]  # (B,) steps
    telling = batch.info["respond"][0] & ((delay >= 3) & (delay <= 7) | (not Rule.parse(name).interval))  # (B,)
    row = int(telling.int().argmax())
    sensed = sum(channels.size for channels in source.spec.input_channels[:-1])
    spec = TaskSpec.model_validate(
        source.spec.model_dump() | {"inputs": sensed, "input_channels": source.spec.input_channels[:-1]}
    )
    steps = int(batch.weight[:, row].sum())
    trial = replace(
        batch,
        inputs=batch.inputs[:steps, :, :sensed],
        targets=batch.targets[:steps],
        weight=None,
        info={"period": batch.info["period"][:steps]},
    )
    file = io.StringIO()
    with matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": name}):  # text stays text
        plot(trial, spec, row=row, title=name, width=3.3).savefig(file, format="svg", metadata={"Date": None})
    return small(file.getvalue(), f"{name}: {description(name)}")


def small(svg: str, title: str) -> str:
    """Return an SVG of matplotlib without what no viewer needs, in the colours of the viewer's setting."""
    ElementTree.register_namespace("", SVG)
    ElementTree.register_namespace("xlink", XLINK)
    root = ElementTree.fromstring(svg)
    for child in list(root):
        if child.tag.endswith("metadata"):
            root.remove(child)
    used = set(re.findall(r"""(?:href="|url\()#([^")]+)""", svg))
    for element in root.iter():
        if element.get("id") not in used:
            element.attrib.pop("id", None)
        for attribute in {"d", "x", "y", "width", "height", "points"} & element.attrib.keys():
            element.set(attribute, re.sub(r"(\.\d)\d+", r"\1", element.attrib[attribute]))
            element.set(attribute, re.sub(r"\s+", " ", element.attrib[attribute]).strip())
        style = element.attrib.pop("style", "")
        if f"fill: {PAPER}" in style:
            element.set("class", "paper")
            style = style.replace(f"fill: {PAPER}", "")
        style = style.replace("'DejaVu Sans'", "sans-serif")
        if element.get("transform", "").startswith("rotate(-0 "):
            del element.attrib["transform"]
        style = re.sub(r"\s*([:;])\s*", r"\1", style.replace(INK, "currentColor")).strip("; ")
        if style:
            element.set("style", style)
    for name in ("width", "height", "version"):
        root.attrib.pop(name, None)
    style = ElementTree.Element(f"{{{SVG}}}style")
    style.text = CSS
    heading = ElementTree.Element(f"{{{SVG}}}title")
    heading.text = title
    root[:0] = [heading, style]
    text = ElementTree.tostring(root, encoding="unicode")
    return re.sub(r">\s+<", "><", text) + "\n"


def main(names: Sequence[str]) -> None:
    """Write the page and the pictures of these tasks."""
    folder = FOLDER / "trials"
    folder.mkdir(exist_ok=True)
    for name in names:
        (folder / f"{name}.svg").write_text(picture(name), encoding="utf-8")
    (FOLDER / "README.md").write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:] or BATTERIES["all126"])
