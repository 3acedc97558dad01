"""One of several processes that run `tiny_training` together, for tests.

`python tiny_process.py WORKDIR PORT PROCESSES PROCESS [EVENT AT [WHICH]]`; at the batch of step AT the process WHICH
meets with EVENT, one of `EVENTS`.
"""

import os
import signal
import sys
import time
from pathlib import Path

import tiny_training as tiny

from colorjax import processes
from colorjax.errors import ColorjaxError, UserError
from colorjax.processes import watch
from colorjax.training import loop

watch.SILENT_SECONDS = 6  # tests don't have 30

STEPS = 12


def fail():
    raise ValueError("an accident")


def mistake():
    raise UserError("a mistake")


EVENTS = {
    "sleep": lambda: time.sleep(40),
    "SIGTERM": lambda: os.kill(os.getpid(), signal.SIGTERM),
    "SIGKILL": lambda: os.kill(os.getpid(), signal.SIGKILL),
    "SIGSTOP": lambda: os.kill(os.getpid(), signal.SIGSTOP),
    "fail": fail,
    "mistake": mistake,
}


def config():
    """The run that all of them train, half as long as the one of `tiny_training`."""
    return tiny.config(training__epochs=STEPS * tiny.BATCH // 32)


def main(workdir, port, count, index, event="", at=-1, which=0):
    """Train as process `index` of `count`; return the exit status."""

    def before(step):
        with (workdir / f"read-{index}").open("a") as file:
            file.write(f"{step}\n")
        if step == at and index == which:
            EVENTS[event]()

    workdir.mkdir(exist_ok=True)
    loop.build_model = tiny.build_model
    several = {"coordinator": f"localhost:{port}", "processes": count, "process": index} if count > 1 else {}
    try:
        with processes.together("tiny", **several):
            loop.train(config(), workdir, tiny.data(before), tiny.validate)
    except ColorjaxError as error:
        print(f"tiny: {error}", file=sys.stderr)
        return error.exit_status
    return 0


if __name__ == "__main__":
    workdir, *words = sys.argv[1:]
    with tiny.kept_compilations(os.environ["KEPT"]):
        sys.exit(main(Path(workdir), *(word if word.isalpha() else int(word) for word in words)))
