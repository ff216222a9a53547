"""Worker processes: whatever ends one, every other file is checked, and none outlives the command."""

import contextlib
import os
import select
import signal
import socket
import subprocess
import sys
import time
import uuid
from pathlib import Path

import pytest

from nnshape.checking import check_run, starting, workers

ROOT = Path(__file__).parents[2]
RESNET = (ROOT / "configs" / "resnet.yaml").read_text("utf-8")
MARK = "NNSHAPE_TEST_RUN"
#: How long a process may take to end; it takes milliseconds on an idle machine.
PATIENCE = 20.0

pytestmark = pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="reads processes from Linux's /proc")


@pytest.fixture
def mark(monkeypatch):
    """A variable by which the processes that a test starts are known, however they are related."""
    text = uuid.uuid4().hex
    monkeypatch.setenv(MARK, text)
    return text


def marked(mark):
    """The processes with a mark that run: the parent of each by process id."""
    found = {}
    for folder in Path("/proc").iterdir():
        try:
            if folder.name.isdigit() and f"{MARK}={mark}".encode() in (folder / "environ").read_bytes():
                found[int(folder.name)] = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
        except OSError:  # it has ended meanwhile
            continue
    return found


def workers_of(command, mark):
    """The workers of a command: the children of its server."""
    found = marked(mark)
    return [pid for pid, parent in found.items() if found.get(parent) == command]


def wait_for(condition):
    end = time.monotonic() + PATIENCE
    while not (result := condition()) and time.monotonic() < end:
        time.sleep(0.02)
    return result


@pytest.fixture
def many(project, monkeypatch, mark):
    monkeypatch.setattr(check_run, "_MIN_WITHOUT", 1)
    files = {f"f{i:02}_yaml": f"input: 8\nlayers:\n  a: Linear({7 + i % 2}, 4)\n" for i in range(9)}
    project(**files, lib_yaml="blocks:\n  B():\n    fc: Linear(7, 3)\n")
    project(m_yaml="input: 8\ninclude: {lib: lib.yaml}\nlayers:\n  a: lib.B()\n")
    return mark


def texts(report):
    return [(each.name, each.crash, [finding.with_note() for finding in each.findings]) for each in report.outcomes]


@pytest.mark.parametrize("starter", [starting.ForkServer, starting.Spawner])
def test_processes_give_the_same_report(many, checked, monkeypatch, starter):
    monkeypatch.setattr(workers, "starter", starter)
    steps = []
    report = checked(jobs=3, progress=lambda done, total: steps.append((done, total)))
    assert texts(report) == texts(checked(jobs=1))
    assert report.errors == 6
    assert steps == [(done, 10) for done in range(11)]
    assert not marked(many)


@pytest.mark.parametrize("starter", [starting.ForkServer, starting.Spawner])
@pytest.mark.parametrize("signal_number", [signal.SIGKILL, signal.SIGTERM, signal.SIGSEGV])
def test_a_worker_that_is_killed_loses_nothing(many, checked, monkeypatch, starter, signal_number):
    monkeypatch.setattr(workers, "starter", starter)
    killed = []

    def kill(done, total):
        if done in (1, 4):
            victim = next(iter(workers_of(os.getpid(), many) or marked(many)))
            os.kill(victim, signal_number)
            killed.append(victim)

    assert texts(checked(jobs=2, progress=kill)) == texts(checked(jobs=1))
    assert len(killed) == 2
    assert not marked(many)


def test_a_worker_is_killed_where_nobody_waits_for_children(many, checked, capfd):
    def kill(done, total):
        if done == 1:
            os.kill(workers_of(os.getpid(), many)[0], signal.SIGKILL)

    before = signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # some programs that start others leave it so
    try:
        report = checked(jobs=2, progress=kill)
    finally:
        signal.signal(signal.SIGCHLD, before)
    assert not report.crashes
    assert capfd.readouterr().err == ""


def test_a_server_that_is_killed_is_replaced(many, checked):
    killed = []

    def kill(done, total):
        if done in (1, 4):
            (server,) = [pid for pid, parent in marked(many).items() if parent == os.getpid()]
            os.kill(server, signal.SIGKILL)
            killed.append(server)

    assert texts(checked(jobs=2, progress=kill)) == texts(checked(jobs=1))
    assert len(set(killed)) == 2
    assert not marked(many)


@pytest.mark.parametrize("starter", [starting.ForkServer, starting.Spawner])
def test_processes_that_cannot_start_end_the_check(many, checked, monkeypatch, starter):
    monkeypatch.setattr(workers, "starter", starter)
    monkeypatch.setattr(starting, "_CODE", "import os; os._exit(3) # {} {}")
    with pytest.raises(ChildProcessError, match="exit as soon as they start"):
        checked(jobs=2)


def test_an_interrupt_leaves_no_process(many, checked):
    def interrupted(done, total):
        if done:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        checked(jobs=2, progress=interrupted)
    assert not marked(many)


# ---- the command as a process ----

KILLER = """
import os, pathlib, signal, torch

class Killer(torch.nn.Identity):
    def __init__(self, last):
        super().__init__()
        tries = pathlib.Path("tries")
        tries.write_text((tries.read_text() if tries.exists() else "") + f"{os.getpid()}\\n")
        if len(tries.read_text().split()) <= last:
            os.kill(os.getpid(), signal.SIGKILL)
"""


def command(*arguments):
    return [sys.executable, "-m", "nnshape", "check", "--no-cache", "--device", "none", "--jobs", "2", *arguments]


@pytest.fixture
def start(mark, tmp_path, monkeypatch):
    """Start commands in the folder of the test."""
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.delenv("NNSHAPE_TRACEBACK", raising=False)
    started = []

    def start(arguments):
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        process = subprocess.Popen(arguments, cwd=tmp_path, text=True, start_new_session=True, **pipes)
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()
    assert wait_for(lambda: not marked(mark))


def killing(folder, tries):
    """A folder of 64 specs, of which one ends the worker that checks it in so many of its tries."""
    for number in range(64):
        (folder / f"f{number:02}.yaml").write_text("input: 8\nlayers:\n  a: Linear(8, 4)\n")
    (folder / "killers.py").write_text(KILLER)
    text = f'input: 8\nimport: {{Killer: "killers:Killer"}}\nlayers:\n  a: Killer({tries})\n'
    (folder / "f30.yaml").write_text(text)
    return command("--allow-import", "killers:Killer")


def test_a_file_that_ends_its_process_is_named(start, tmp_path, mark):
    process = start(killing(tmp_path, 9))
    out, err = process.communicate(timeout=60)
    assert process.returncode == 2
    assert out == "63 specs checked; 1 file could not be checked\n"
    first, *_ = err.splitlines()
    assert first == (
        "nnshape: internal error in f30.yaml: the process checking it was killed by SIGKILL "
        "(the system may be out of memory), twice"
    )
    tries = (tmp_path / "tries").read_text().split()
    assert len(set(tries)) == 2
    assert not marked(mark)


def test_a_file_that_ends_its_process_once_is_checked(start, tmp_path):
    process = start(killing(tmp_path, 1))
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out, err) == (0, "64 specs checked; no problems\n", "")
    assert len((tmp_path / "tries").read_text().split()) >= 2


@pytest.fixture
def long(tmp_path):
    """A folder whose check takes seconds."""
    for number in range(200):
        (tmp_path / f"f{number:03}.yaml").write_text(RESNET)


@pytest.mark.parametrize(
    ("number", "code"),
    [
        (signal.SIGINT, 130),
        (signal.SIGTERM, 143),
        (signal.SIGHUP, 129),
        (signal.SIGKILL, -9),
    ],
)
def test_a_signal_ends_all_processes(start, long, mark, number, code):
    process = start(command())
    assert wait_for(lambda: len(workers_of(process.pid, mark)) == 2)
    process.send_signal(number)
    out, err = process.communicate(timeout=PATIENCE)  # as long as one process holds a pipe, this waits
    assert (process.returncode, out, err.strip()) == (code, "", "")
    assert wait_for(lambda: not marked(mark))


def test_ctrl_c_goes_to_the_command_alone(start, long, mark):
    process = start(command())
    assert wait_for(lambda: len(workers_of(process.pid, mark)) == 2)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does, to all processes of the job
    _, err = process.communicate(timeout=PATIENCE)
    assert (process.returncode, err.strip()) == (130, "")


def test_a_pipeline_ends_with_the_command(start, long, mark):
    line = " ".join(command())
    process = start(["bash", "-c", f"timeout -s KILL 2 {line} | cat"])
    process.communicate(timeout=PATIENCE)
    assert wait_for(lambda: not marked(mark))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_signal_while_the_server_imports_torch(start, tmp_path, mark, number):
    for index in range(8):
        (tmp_path / f"f{index}.yaml").write_text("input: 8\nlayers:\n  a: Linear(8, 4)\n")
    process = start([*command(), "--device", "meta"])
    assert wait_for(lambda: [pid for pid in marked(mark) if pid != process.pid and maps(pid, "libtorch")])
    process.send_signal(number)
    _, err = process.communicate(timeout=PATIENCE)
    assert err.strip() == ""
    assert wait_for(lambda: not marked(mark))


def maps(pid, library):
    try:
        return library in Path(f"/proc/{pid}/maps").read_text()
    except OSError:
        return False


@pytest.mark.parametrize("library", ["libtorch_cpu", "libtorch_python", "_multiarray_umath"])
def test_a_signal_while_the_command_imports_torch(start, tmp_path, library):
    (tmp_path / "f.yaml").write_text("input: 8\nlayers:\n  a: Linear(8, 4)\n")
    process = start([*command(), "--device", "meta"])
    assert wait_for(lambda: maps(process.pid, library))
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=PATIENCE)
    assert (process.returncode, out, err.strip()) == (130, "", "")


@pytest.mark.parametrize("moment", ["server", "torch", "workers", "judging"])
def test_a_parent_that_is_killed_leaves_no_traceback(start, long, mark, moment):
    process = start([*command(), "--device", "meta"] if moment == "torch" else command())
    moments = {
        "server": lambda: len(marked(mark)) > 1,
        "torch": lambda: [pid for pid in marked(mark) if pid != process.pid and maps(pid, "libtorch")],
        "workers": lambda: workers_of(process.pid, mark),
        "judging": lambda: len(workers_of(process.pid, mark)) == 2,
    }
    assert wait_for(moments[moment])
    process.kill()
    _, err = process.communicate(timeout=PATIENCE)
    assert err == ""
    assert wait_for(lambda: not marked(mark))


def test_a_server_whose_parent_resets_the_socket_ends_in_silence(mark):
    ours, theirs = socket.socketpair()
    code = starting._CODE.format("serve_forks", False)
    with theirs:
        server = subprocess.Popen([sys.executable, "-c", code, *sys.path], stdin=theirs, stderr=subprocess.PIPE)
    # An answer that nobody has read resets the socket when it closes. The kernel would end a child of this process
    # only with this process, so the server reads the reset itself.
    assert wait_for(lambda: select.select([ours], [], [], 0)[0])
    ours.close()
    _, err = server.communicate(timeout=PATIENCE)
    assert (server.returncode, err) == (0, b"")


def test_all_processes_killed_many_times(many, checked):
    """The run goes on as long as files are judged between the kills; files hit twice are named."""
    killed = []

    def kill(done, total):
        if done in (1, 2, 3, 4, 5):
            victims = [pid for pid in marked(many) if pid != os.getpid()]
            for victim in victims:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(victim, signal.SIGKILL)
            killed.extend(victims)

    assert texts(checked(jobs=2, progress=kill)) == texts(checked(jobs=1))
    assert len(killed) >= 5
    assert not marked(many)


@pytest.mark.parametrize("starter", [starting.ForkServer, starting.Spawner])
def test_files_that_no_process_can_check_are_named(many, checked, monkeypatch, starter):
    monkeypatch.setattr(workers, "starter", starter)

    def stop_starting(done, total):
        if done == 1:
            monkeypatch.setattr(starting, "_CODE", "import os; os._exit(3) # {} {}")
            for victim in [pid for pid in marked(many) if pid != os.getpid()]:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(victim, signal.SIGKILL)

    report = checked(jobs=2, progress=stop_starting)
    assert len(report.outcomes) == 10
    assert 1 <= len(report.crashes) <= 9
    assert {each.crash for each in report.crashes} == {"the worker processes exit as soon as they start"}
    assert not marked(many)


def test_a_class_that_exits_is_named(start, tmp_path):
    text = "import sys, torch\n\nclass Exit(torch.nn.Identity):\n    def __init__(self):\n        sys.exit(0)\n"
    (tmp_path / "exits.py").write_text(text)
    (tmp_path / "e.yaml").write_text('input: 8\nimport: {Exit: "exits:Exit"}\nlayers:\n  a: Exit()\n')
    (tmp_path / "f.yaml").write_text("input: 8\nlayers:\n  a: Linear(8, 4)\n")
    process = start(command("--allow-import", "exits:Exit"))
    out, err = process.communicate(timeout=PATIENCE)
    assert process.returncode != 0
    assert "e.yaml" in out + err
    assert "SystemExit" in out + err


@pytest.mark.parametrize("limit", [500_000, 600_000])
def test_too_little_memory_for_torch_ends_the_command(start, tmp_path, limit):
    for number in range(140):
        (tmp_path / f"f{number:03}.yaml").write_text(f"input: 8\nlayers:\n  a: Linear(8, {number + 1})\n")
    line = " ".join([*command(), "--device", "meta"])
    process = start(["bash", "-c", f"ulimit -v {limit}; exec {line}"])
    out, err = process.communicate(timeout=60)
    assert process.returncode == 2
    assert "torch cannot be imported" in err or "could not be checked" in out or "as soon as they start" in err
    assert "Traceback" not in err
