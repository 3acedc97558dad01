"""One of several processes that run `tiny_training` together, for tests.

`python -m support.tiny_process FOLDER PORT PROCESSES PROCESS JOB...` does one job after the other, each in FOLDER/NAME:
`NAME:train[:EVENT:AT:WHICH]`, where at the batch of step AT the process WHICH meets with EVENT, one of `EVENTS`, or
`NAME:evaluate`.
"""

import os
import signal
import sys
from pathlib import Path

import numpy as np

import colorjax.evaluation.measure
from colorjax import processes
from colorjax.errors import ColorjaxError, UserError
from colorjax.evaluation.evaluate import evaluate
from colorjax.evaluation.protocol import build_protocol
from colorjax.evaluation.results_cache import save_evaluation
from colorjax.methods import Identity
from colorjax.metrics.registry import METRICS
from colorjax.models import MODELS
from colorjax.pictures.images import Photograph
from colorjax.processes import watch
from colorjax.tasks import Denoise
from colorjax.training import loop
from support import compilations
from support import tiny_training as tiny

watch.SILENT_SECONDS = int(os.environ.get("SILENT_SECONDS", "6"))  # tests don't have 50

STEPS = 12


def fail():
    raise ValueError("an accident")


def mistake():
    raise UserError("a mistake")


EVENTS = {
    "SIGTERM": lambda: os.kill(os.getpid(), signal.SIGTERM),
    "SIGSTOP": lambda: os.kill(os.getpid(), signal.SIGSTOP),
    "SIGKILL": lambda: os.kill(os.getpid(), signal.SIGKILL),
    "fail": fail,
    "mistake": mistake,
}


def config():
    """The run that all of them train, half as long as the one of `tiny_training`."""
    return tiny.config(training__epochs=STEPS * tiny.BATCH // 32)


def measure(workdir, index):
    """Measure noisy pictures, of which one is too small for SSIM, and write what this process gets to know."""
    pictures = [np.random.default_rng(size).integers(0, 256, (size, 20, 3), np.uint8) for size in (24, 31, 8, 40, 27)]
    photographs = [Photograph(f"picture {number}", picture) for number, picture in enumerate(pictures)]
    protocol = build_protocol({"noise_kind": "gaussian", "noise_level": 0.1}, "made up", "denoise", photographs)
    colorjax.evaluation.measure.METRICS = {name: METRICS[name] for name in ("psnr", "ssim")}  # that soon compile

    def noted(numbers):
        for number in numbers:
            with (workdir / f"measured-{index}").open("a") as file:
                file.write(f"{number}\n")
            yield number

    evaluation = evaluate(Identity(), Denoise("l1"), protocol, photographs, samples=3, progress=noted)
    save_evaluation(workdir / str(index), evaluation, "of this test")


def train(workdir, index, event="", at=-1, which=-1):
    """Train, and note each batch that this process reads."""

    def before(step):
        with (workdir / f"read-{index}").open("a") as file:
            file.write(f"{step}\n")
        if step == int(at) and index == int(which):
            EVENTS[event]()

    loop.train(config(), workdir, tiny.data(before), tiny.validate)


def main(folder, port, count, index, jobs):
    """Do the jobs as process `index` of `count`; return the exit status."""
    MODELS["tiny"] = tiny.TinyNetwork
    several = {"coordinator": f"localhost:{port}", "processes": count, "process": index} if count > 1 else {}
    try:
        with processes.process_group("tiny", **several):
            for name, kind, *event in (job.split(":") for job in jobs):
                print(f"\n== {name}", file=sys.stderr, flush=True)
                (folder / name).mkdir(parents=True, exist_ok=True)
                {"train": train, "evaluate": measure}[kind](folder / name, index, *event)
    except ColorjaxError as error:
        print(f"tiny: {error}", file=sys.stderr)
        return error.exit_status
    return 0


if __name__ == "__main__":
    folder, port, count, index, *jobs = sys.argv[1:]
    compilations.keep()
    sys.exit(main(Path(folder), int(port), int(count), int(index), jobs))
