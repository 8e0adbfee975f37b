"""Runs on a real Ray cluster: three nodes on this machine, which are ended by their own process ids."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path

import pytest

from srnn_bench import Conditions, DiskError, Job, Masked, RayExecutor, Stage, Store, Training, Watcher, sweep
from srnn_bench.sweep import slots
from srnn_masks import Bernoulli

MARKS = (
    pytest.mark.slow,
    pytest.mark.skipif(find_spec("ray") is None, reason="ray is not installed: pip install 'srnn-bench[ray]'"),
    pytest.mark.skipif(sys.platform != "linux", reason="the nodes are found in /proc"),
    # ray leaves files and sockets to the garbage collector, and tells of its own plans
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning:ray"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning:ray"),
)


def on_ray(test):
    """Mark a test that needs Ray."""
    for mark in MARKS:
        test = mark(test)
    return test


CPU = Conditions(device="cpu")
SHORT = (Stage(name="only", training=Training(epochs=5, batches=2, batch_size=8, learning_rate=1e-2)),)
ENDLESS = (Stage(name="only", training=Training(epochs=10**6, batches=1, batch_size=8, learning_rate=1e-9)),)


class Log(Watcher):
    """A watcher that writes down what it is told."""

    def __init__(self):
        self.epochs, self.notes, self.ends = [], [], {}

    def epoch(self, job, end):
        self.epochs.append((job.label, end.stage, end.number))

    def note(self, text):
        self.notes.append(text)

    def ended(self, job, result):
        assert job.label not in self.ends, "each run is made once"
        self.ends[job.label] = (result.status, result.reason)


def jobs(experiment, seeds, name="seed"):
    return [Job(experiment, seed, f"{name} {seed}") for seed in seeds]


def outcomes(store):
    """What a run measured, by its seed and its stages."""
    return {
        (result.seed, *(stage.name for stage in result.stages)): [
            (stage.metrics, stage.densities, stage.history) for stage in result.stages
        ]
        for result in store
    }


def opened(folder):
    """The processes that opened the task, each with its parent, which is the raylet of its node."""
    return [tuple(map(int, path.name.split()[:2])) for path in folder.iterdir()]


class Cluster:
    """Ray nodes of this machine, each in a session of its own, by which its processes are found and ended."""

    def __init__(self, plugins):
        self.folder = tempfile.mkdtemp(prefix="r-")  # short: paths of sockets have an end
        self.port, self.client_port = free_port(), free_port()
        self.address = f"127.0.0.1:{self.port}"
        path = os.pathsep.join(filter(None, [str(plugins), os.environ.get("PYTHONPATH")]))
        self.environment = {**os.environ, "PYTHONPATH": path, "RAY_AUTH_MODE": "disabled", "OMP_NUM_THREADS": "1"}
        self.environment.pop("RAY_ADDRESS", None)
        self.nodes = []

    def complete(self):
        """Start what is missing of three nodes."""
        if not self.nodes:
            ports = (f"--port={self.port}", f"--ray-client-server-port={self.client_port}")
            self.start("--head", *ports, "--include-dashboard=false", "--disable-usage-stats")
        while sum(self.raylet(node) is not None for node in self.nodes) < 3:
            self.start(f"--address={self.address}")

    def start(self, *options):
        number = len(self.nodes)
        said = Path(self.folder) / f"start-{number}"
        line = [sys.executable, "-m", "ray.scripts.scripts", "start", *options, f"--temp-dir={self.folder}/{number}"]
        line += ["--node-ip-address=127.0.0.1", "--num-cpus=1", "--object-store-memory=80000000"]
        line += ["--min-worker-port=0", "--max-worker-port=0"]  # nodes of one machine, each with its own
        how = {"env": self.environment, "start_new_session": True, "stderr": subprocess.STDOUT}
        with said.open("wb") as output, subprocess.Popen(line, stdout=output, **how) as process:
            self.nodes.append(process.pid)
            try:
                process.wait(timeout=120)
            finally:
                process.kill()  # where it has not ended
        assert process.returncode == 0, said.read_text()

    def raylet(self, node):
        """The process id of a node's raylet, None where it is dead."""
        return next((pid for pid in processes([node]) if command_of(pid)[0].endswith("/raylet")), None)

    def end(self):
        deadline = time.monotonic() + 20
        while (left := processes(self.nodes)) and time.monotonic() < deadline:
            for pid in left:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            time.sleep(0.1)
        shutil.rmtree(self.folder, ignore_errors=True)
        assert not left, [command_of(pid) for pid in left]


def processes(sessions):
    """The processes of these sessions that are no zombies."""
    found = []
    for path in Path("/proc").iterdir():
        if path.name.isdigit():
            with contextlib.suppress(OSError):
                state, _, _, session = (path / "stat").read_text().rpartition(")")[2].split()[:4]
                if int(session) in sessions and state != "Z":
                    found.append(int(path.name))
    return found


def command_of(pid):
    try:
        return Path(f"/proc/{pid}/cmdline").read_text().split("\0")
    except OSError:
        return [""]


def raylet_of_this_process():
    """The process id of the raylet that this process is connected to."""
    import ray

    here = ray.get_runtime_context().get_node_id()
    (name,) = [node["RayletSocketName"] for node in ray.nodes() if node["NodeID"] == here]
    return next(
        int(pid.name) for pid in Path("/proc").iterdir() if f"--raylet_socket_name={name}" in command_of(pid.name)
    )


def free_port():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


@pytest.fixture(scope="module")
def cluster_of_module(plugins):
    cluster = Cluster(plugins)
    try:
        yield cluster
    finally:
        cluster.end()


@pytest.fixture
def cluster(cluster_of_module, monkeypatch):
    """A cluster of three nodes with one CPU each."""
    monkeypatch.setenv("RAY_AUTH_MODE", "disabled")
    cluster_of_module.complete()
    return cluster_of_module


def make(todo, folder, cluster, log, *, checkpoints=None, conditions=CPU, **how):
    """Sweep over the cluster."""
    executor = RayExecutor(cluster.address, checkpoints=checkpoints)
    try:
        sweep(todo, Store(folder), conditions=conditions, executor=executor, watcher=log, **how)
    finally:
        executor.close()  # the sweep did so, but for an error before its first run


@on_ray
@pytest.mark.parametrize("stack", ["never", "always"])
def test_a_cluster_gives_the_same_bits(tiny, tmp_path, cluster, stack):
    todo = [*jobs(tiny(), range(4)), *jobs(tiny(stages=SHORT), range(3), "short")]
    here, there = Log(), Log()
    sweep(todo, Store(tmp_path / "here"), conditions=CPU, stack=stack, watcher=here)
    make(todo, tmp_path / "there", cluster, there, stack=stack)
    assert outcomes(Store(tmp_path / "here")) == outcomes(Store(tmp_path / "there"))
    assert there.ends == here.ends == {job.label: ("done", None) for job in todo}
    assert sorted(there.epochs) == sorted(here.epochs)
    assert there.notes == []
    stacked = {result.environment.stacked for result in Store(tmp_path / "there")}
    assert stacked == ({1} if stack == "never" else {3, 4})


@on_ray
def test_a_cluster_runs_by_the_engine_that_was_asked_for(tiny, tmp_path, cluster):
    masked = tiny(masks=(Masked(parameter="*weight_hh*", pattern=Bernoulli(density=0.3)),), stages=SHORT)
    conditions = Conditions("cpu", engine="sparse")
    make(jobs(masked, (0, 1)), tmp_path, cluster, Log(), conditions=conditions, stack="auto")
    found = [
        (result.environment.engine, result.environment.stacked, result.stages[0].engines) for result in Store(tmp_path)
    ]
    assert found == [("sparse", 1, ("sparse",))] * 2


@on_ray
def test_runs_of_a_killed_node_are_made_elsewhere(tiny, trial, tmp_path, cluster):
    todo = [Job(trial(f"of {seed}", slow=0.2), seed, f"seed {seed}") for seed in range(9)]  # 2 s a run
    killed = {}

    class KillsANode(Log):
        """Kills the node of a run in its midst, but not the driver's."""

        def epoch(self, job, end):
            super().epoch(job, end)
            (worker, raylet), *_ = opened(Path(job.experiment.task.folder))
            if not killed and end.number == 1 and raylet != raylet_of_this_process():
                os.kill(raylet, signal.SIGKILL)
                os.kill(worker, signal.SIGKILL)  # it would end by itself, but not at once, and its run might be made
                killed[job.label] = raylet

    log = KillsANode()
    make(todo, tmp_path / "there", cluster, log, stack="never")
    ((label, raylet),) = killed.items()
    alive = [cluster.raylet(node) for node in cluster.nodes]
    assert raylet not in alive and len(alive) - alive.count(None) == 2
    assert log.ends == {job.label: ("done", None) for job in todo}
    assert Store(tmp_path / "there").statuses() == {"done": 9}
    assert len({raylet for _, raylet in opened(tmp_path / f"of {label[-1]}")}) == 2, "on two nodes"
    assert any(note.startswith(f"{label}: its worker or node was lost; started once more on ") for note in log.notes)
    sweep(jobs(tiny(stages=SHORT), range(9)), Store(tmp_path / "here"), conditions=CPU, stack="never", watcher=Log())
    assert outcomes(Store(tmp_path / "there")) == outcomes(Store(tmp_path / "here"))


@on_ray
def test_a_run_that_fails_or_kills_its_worker_costs_no_other(tiny, trial, tmp_path, cluster):
    wrong = tiny(masks=(Masked(parameter="nix", pattern=Bernoulli(density=0.5)),))
    deadly, once = trial("always", deadly="always"), trial("once", deadly="once", slow=0.05)
    todo = [*jobs(wrong, (0,), "wrong"), *jobs(deadly, (0,), "deadly"), *jobs(once, (0,), "once")]
    log = Log()
    shared = tmp_path / "shared"
    make([*todo, *jobs(tiny(), range(3))], tmp_path / "store", cluster, log, checkpoints=shared, checkpoint_every=0.0)
    assert log.ends.pop("wrong 0") == ("failed", Store(tmp_path / "store").get(wrong.key(0)).reason)
    assert Store(tmp_path / "store").get(wrong.key(0)).reason.startswith("BenchError: masks.0.parameter: 'nix' matches")
    status, reason = log.ends.pop("deadly 0")
    assert status == "failed" and reason.startswith("RuntimeError: Ray gave up this run after WorkerCrashedError: ")
    assert len(opened(tmp_path / "always")) == 1 + 3, "Ray tries a lost run three times more"
    assert set(log.ends.values()) == {("done", None)} and len(log.ends) == 4
    # what lost its worker once went on from its checkpoint
    assert len(opened(tmp_path / "once")) == 2
    assert [number for label, _, number in log.epochs if label == "once 0"] == [1, 2, 3, 4, 5]
    assert list(shared.iterdir()) == [], "the checkpoints of ended runs are gone"


@on_ray
def test_checkpoints_that_cannot_be_written_end_the_sweep(tiny, tmp_path, cluster):
    (tmp_path / "file").touch()
    store = tmp_path / "store"
    with pytest.raises(DiskError, match=r"file.*cannot be written: "):
        make(jobs(tiny(), range(3)), store, cluster, Log(), checkpoints=tmp_path / "file", checkpoint_every=0.0)
    assert Store(store).statuses() == {"pending": 3}


DRIVER = """
import signal
import sys
from pathlib import Path
from srnn_bench import Conditions, Experiment, Job, Store, sweep
from srnn_bench import RayExecutor
from srnn_bench import Watcher

class Loud(Watcher):
    def epoch(self, *step):
        print("epoch", flush=True)

signal.signal(signal.SIGINT, signal.default_int_handler)  # shells start what runs in the background deaf to it
experiment = Experiment.model_validate_json(Path(sys.argv[1]).read_text())
jobs = [Job(experiment, seed, "x") for seed in range(3)]
ray = RayExecutor(sys.argv[3])
sweep(jobs, Store(sys.argv[2]), conditions=Conditions("cpu"), executor=ray, stack="never", watcher=Loud())
"""


@on_ray
@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGKILL])
def test_the_tasks_of_a_sweep_end_with_it(trial, plugins, tmp_path, cluster, ending):
    (tmp_path / "driver.py").write_text(DRIVER)
    (tmp_path / "experiment.json").write_text(trial(stages=ENDLESS, slow=0.01).model_dump_json())
    command = ["driver.py", "experiment.json", "store", cluster.address]
    with subprocess.Popen(
        [sys.executable, *command],
        cwd=tmp_path,
        env=cluster.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as driver:
        while len(opened(tmp_path / "opened")) < 3:
            assert driver.stdout.readline() == b"epoch\n", driver.stderr.read()
        driver.send_signal(ending)
        driver.communicate(timeout=30)
    assert driver.returncode != 0
    deadline = time.monotonic() + 20
    while working := [pid for pid, _ in opened(tmp_path / "opened") if pid in processes(cluster.nodes)]:
        assert time.monotonic() < deadline, working
        time.sleep(0.1)
    left = {signal.SIGINT: {"pending": 3}, signal.SIGKILL: {"running": 3}}
    assert Store(tmp_path / "store").statuses() == left[ending]


@on_ray
def test_an_address_where_nothing_answers_is_named():
    begin = time.monotonic()
    address = f"127.0.0.1:{free_port()}"
    with pytest.raises(ValueError, match=f"address: expected host:port .*'{address}', where nothing answers"):
        RayExecutor(address)
    assert time.monotonic() - begin < 30


@on_ray
@pytest.mark.parametrize("address", ["127.0.0.1", "127.0.0.1:x", "ray://127.0.0.1:10001", ":", "127.0.0.1:99999"])
def test_what_is_no_address_is_named(address):
    with pytest.raises(ValueError, match=f"address: expected host:port of the head of a Ray cluster, got '{address}'"):
        RayExecutor(address)


def test_without_ray_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(ValueError, match=r"ray: .*pip install 'srnn-bench\[ray\]'"):
        RayExecutor()


@pytest.mark.parametrize("share", [-0.1, 1.5, float("nan")])
def test_a_share_that_is_none_is_refused(share):
    with pytest.raises(ValueError, match=r"gpus_per_run: expected a share such as 0\.1 or a whole number, got "):
        RayExecutor(gpus_per_run=share)


@pytest.mark.parametrize(
    ("resources", "threads", "gpus_per_run", "runs"),
    [
        ({"CPU": 8.0}, 1, 0.0, 8),
        ({"CPU": 8.0}, 3, 0.0, 2),
        ({"CPU": 8.0, "GPU": 2.0}, 1, 0.0, 8),
        ({"CPU": 64.0, "GPU": 2.0}, 1, 0.1, 20),
        ({"CPU": 64.0, "GPU": 2.0}, 1, 0.4, 4),
        ({"CPU": 64.0, "GPU": 4.0}, 1, 1.0, 4),
        ({"CPU": 64.0, "GPU": 5.0}, 1, 2.0, 2),
        ({"CPU": 4.0, "GPU": 2.0}, 1, 0.1, 4),
        ({"CPU": 8.0}, 1, 0.1, 0),
        ({"memory": 1e9}, 1, 0.0, 0),
    ],
)
def test_how_many_runs_a_node_makes_at_once(resources, threads, gpus_per_run, runs):
    assert slots(resources, threads, gpus_per_run) == runs
