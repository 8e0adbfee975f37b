"""What the results of a benchmark depend on, in one line."""

from __future__ import annotations

import platform
from datetime import date
from pathlib import Path

import torch


def described(device: torch.device | str = "cpu", *details: str) -> str:
    """Return a line with the device, details, processor, versions, load and date."""
    device = torch.device(device)
    processor, load = platform.processor() or platform.machine(), "unknown"
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
        processor = f"{names[0]}, {len(names)} cores" if names else processor
        load = Path("/proc/loadavg").read_text().split()[0]
    except OSError:  # not Linux
        pass
    place, driver = "cpu", ""
    if device.type == "cuda":
        place, driver = torch.cuda.get_device_name(device), f" (CUDA {torch.version.cuda})"
    parts = (
        f"Device {place}",
        *details,
        f"processor {processor}",
        f"torch {torch.__version__}{driver}",
        f"Python {platform.python_version()}",
        f"load {load}",
        f"{date.today()}.",
    )
    return "; ".join(parts)
