"""Whether Hugging Face can be reached, asked once with a time limit, and `datasets` without its repeated attempts."""

import importlib
from collections.abc import Iterator
from contextlib import contextmanager
from queue import Empty, Queue
from threading import Thread
from typing import Any

SECONDS = 5.0


def unreachable(datasets: Any) -> str | None:
    """Return why the server of the package `datasets` does not answer; None if it does, or is not to be asked."""
    config = getattr(datasets, "config", None)
    endpoint = getattr(config, "HF_ENDPOINT", None)
    if endpoint is None or getattr(config, "HF_HUB_OFFLINE", True):
        return None
    answer: Queue[str | None] = Queue()
    Thread(target=lambda: answer.put(_ask(endpoint)), daemon=True).start()
    try:  # in a thread, because the time limit of a request does not bound the look-up of its address
        reason = answer.get(timeout=SECONDS)
    except Empty:
        reason = f"no answer within {SECONDS:g} s"
    return None if reason is None else f"{endpoint} cannot be reached: {reason}"


@contextmanager
def cache_only(datasets: Any) -> Iterator[None]:
    """Let `datasets` read its cache and connect to nothing: it would try again and again, and report each attempt."""
    constants: Any = importlib.import_module("huggingface_hub.constants")
    before = datasets.config.HF_HUB_OFFLINE, constants.HF_HUB_OFFLINE
    datasets.config.HF_HUB_OFFLINE = constants.HF_HUB_OFFLINE = True
    try:
        yield
    finally:
        datasets.config.HF_HUB_OFFLINE, constants.HF_HUB_OFFLINE = before


def _ask(endpoint: str) -> str | None:
    """Return why a request fails, with the proxies and certificates of huggingface_hub; None for any response."""
    try:
        importlib.import_module("huggingface_hub.utils").get_session().head(endpoint, timeout=SECONDS)
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return None
