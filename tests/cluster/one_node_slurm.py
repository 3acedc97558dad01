"""A real Slurm of one node, on loopback, with daemons, ports, key and folder of its own.

    python tests/cluster/one_node_slurm.py bash     a shell in which sbatch and srun reach it; it ends with the shell

Nothing of a Slurm or munge that the machine already has is read or disturbed. The programs are Debian's packages
slurm-wlm and munge (22.05 or later). It runs as whoever starts it: root, or anybody who then is its only user.
"""

import getpass
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "srun", "scancel", "scontrol", "squeue")
SBIN = "/usr/local/sbin:/usr/sbin:/sbin"  # where Debian keeps the daemons; not on everybody's PATH

# cred_expire is also how long a requeued job waits before it may start again: 120 s unless one says so. It must be
# longer than a job's launch takes. The rest is there to have jobs looked at every second rather than every minute, and
# to need no cgroups, no accounting and no rights beyond the user's own. The node's name is one that can be looked up,
# because jax.distributed looks for process 0 by it.
CONFIG = """\
ClusterName=tests
SlurmctldHost={host}(127.0.0.1)
SlurmUser={user}
SlurmdUser={user}
SlurmctldPort={slurmctld_port}
SlurmdPort={slurmd_port}
AuthType=auth/munge
CredType=cred/munge
CommunicationParameters=NoInAddrAny,NoCtldInAddrAny
AuthInfo=socket={folder}/munge.socket,cred_expire=5
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
SwitchType=switch/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SlurmdParameters=config_overrides
SchedulerType=sched/backfill
SchedulerParameters=batch_sched_delay=0,sched_interval=1,sched_min_interval=0,bf_interval=1
JobRequeue=1
KillWait=15
OverTimeLimit=0
MinJobAge=300
InactiveLimit=0
ReturnToService=2
NodeName=localhost NodeHostname={host} NodeAddr=127.0.0.1 CPUs={cpus} RealMemory=16000 State=UNKNOWN
PartitionName=main Nodes=localhost Default=YES DefaultTime=10 MaxTime=60 State=UP
"""


class SlurmUnavailableError(Exception):
    """This machine can't run the tests' Slurm; the message says why in one line."""


def why_not() -> str:
    """What this machine lacks, or "" where nothing is missing."""
    path = f"{os.environ.get('PATH', '')}:{SBIN}"
    missing = [name for name in PROGRAMS if not shutil.which(name, path=path)]
    return f"{', '.join(missing)} not found; apt-get install slurm-wlm munge" if missing else ""


@contextmanager
def running(cpus: int = 8) -> Iterator[dict[str, str]]:
    """Slurm of one node with `cpus` CPUs, counted or not; yields the environment in which its commands reach it.

    Raises:
        SlurmUnavailableError: something is not installed, or a daemon does not start.
    """
    if reason := why_not():
        raise SlurmUnavailableError(reason)
    # Not below pytest's folder: munge wants one that others may enter, and a socket's path is at most 107 bytes long.
    folder = Path(tempfile.mkdtemp(prefix="slurm-"))
    folder.chmod(0o755)
    # What a job inherits of a Slurm around this one, and of the tests' own settings, would change what is tested.
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("SLURM", "SBATCH"))}
    environment = inherited | {"SLURM_CONF": str(folder / "slurm.conf"), "PATH": f"{os.environ['PATH']}:{SBIN}"}
    daemons: list[subprocess.Popen] = []
    # As Ctrl-C does, SIGTERM comes past `finally`: the daemons would stay otherwise.
    outside = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        _write_files(folder, cpus)
        _start(daemons, folder, environment, "munged", *_munge_options(folder))
        _wait_for(folder / "munge.socket", daemons, folder)
        _start(daemons, folder, environment, "slurmctld", "-D", "-c")
        _start(daemons, folder, environment, "slurmd", "-D", "-N", "localhost")
        _wait_for_node(daemons, folder, environment)
        yield environment
    finally:
        _end(daemons, environment)
        shutil.rmtree(folder, ignore_errors=True)
        signal.signal(signal.SIGTERM, outside)


def _write_files(folder: Path, cpus: int) -> None:
    key = folder / "munge.key"
    key.touch(mode=0o600)
    key.write_bytes(secrets.token_bytes(128))
    for name in ("state", "spool"):
        (folder / name).mkdir()
    ports = _free_ports(2)
    text = CONFIG.format(
        host=socket.gethostname().split(".")[0],
        user=getpass.getuser(),
        folder=folder,
        slurmctld_port=ports[0],
        slurmd_port=ports[1],
        cpus=cpus,
    )
    (folder / "slurm.conf").write_text(text)


def _free_ports(count: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


def _munge_options(folder: Path) -> list[str]:
    files = {"key-file": "key", "socket": "socket", "pid-file": "pid", "log-file": "log", "seed-file": "seed"}
    return ["--foreground", *(f"--{option}={folder}/munge.{ending}" for option, ending in files.items())]


def _start(daemons: list, folder: Path, environment: dict, *words: str) -> None:
    with (folder / f"{words[0]}.log").open("w") as log:
        # In a session of its own, so that Ctrl-C in the terminal ends the tests first, and they end the daemons.
        daemon = subprocess.Popen(
            words, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
        )
    daemons.append(daemon)


def _wait_for(file: Path, daemons: list, folder: Path, seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not file.exists():
        _all_alive(daemons, folder)
        if time.monotonic() > deadline:
            raise SlurmUnavailableError(f"no {file.name} after {seconds:.0f} s: {_last_lines(folder)}")
        time.sleep(0.05)


def _wait_for_node(daemons: list, folder: Path, environment: dict, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    state = ""
    while "IDLE" not in state or "NOT_RESPONDING" in state:
        _all_alive(daemons, folder)
        if time.monotonic() > deadline:
            raise SlurmUnavailableError(f"the node is not ready after {seconds:.0f} s: {_last_lines(folder)}")
        time.sleep(0.2)
        answer = subprocess.run(
            ["scontrol", "--oneliner", "show", "node", "localhost"], env=environment, capture_output=True, text=True
        )
        state = answer.stdout.partition(" State=")[2].partition(" ")[0]


def _all_alive(daemons: list, folder: Path) -> None:
    for daemon in daemons:
        if daemon.poll() is not None:
            name = daemon.args[0]
            raise SlurmUnavailableError(f"{name} ended with status {daemon.returncode}: {_last_lines(folder)}")


def _last_lines(folder: Path) -> str:
    logs = sorted(folder.glob("*.log"))
    return "; ".join(f"{log.name}: {' | '.join(log.read_text().splitlines()[-3:])}" for log in logs)


def _end(daemons: list, environment: dict) -> None:
    """End jobs, daemons, and what neither took with it."""
    if len(daemons) == 3 and all(daemon.poll() is None for daemon in daemons):
        with suppress(subprocess.TimeoutExpired):
            subprocess.run(["scancel", "--signal=KILL", "--full", "--state=RUNNING"], env=environment, timeout=20)
            subprocess.run(["scancel", f"--user={getpass.getuser()}"], env=environment, timeout=20)
    for daemon in reversed(daemons):
        daemon.terminate()
        try:
            daemon.wait(10)
        except subprocess.TimeoutExpired:
            daemon.kill()
            daemon.wait()
    for process in _with_config(environment["SLURM_CONF"]):
        with suppress(ProcessLookupError):
            os.kill(process, signal.SIGKILL)


def _with_config(config: str) -> list[int]:
    """The processes of this Slurm: step daemons and jobs have left their parents, but not their environment."""
    wanted = f"SLURM_CONF={config}".encode()
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if int(entry.name) != os.getpid() and wanted in (entry / "environ").read_bytes().split(b"\0"):
                found.append(int(entry.name))
    return found


def main(words: list[str]) -> int:
    """Run the command `words` with a Slurm around it."""
    with running() as environment:
        return subprocess.run(words, env=environment).returncode


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:] or ["bash"]))
    except SlurmUnavailableError as error:
        sys.exit(f"no Slurm: {error}")
