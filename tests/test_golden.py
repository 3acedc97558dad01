"""Results of small fixed runs, kept in golden.json: a change of the code that changes nothing must keep them.

`python tests/test_golden.py` keeps new ones, for a change that is meant to change them. They were kept with jax 0.10.2
on a CPU; other versions and processors sum in another order, so numbers may differ by a thousandth of themselves. A
change of the initial weights, the noise, the data's order, a loss, an optimizer or a metric moves them by far more.
"""

import csv
import json
import tempfile
from pathlib import Path

import jax
import numpy as np
import pytest

import datasets
from colorjax.commands import table
from colorjax.config.defaults import run_config
from colorjax.config.files import load
from colorjax.metrics.registry import METRICS
from colorjax.models import build_model
from colorjax.objectives import Supervised
from colorjax.tasks import TASKS, build_task
from colorjax.training.optimizer import build_optimizer
from colorjax.training.state import create_state
from colorjax.training.step import make_step

pytestmark = pytest.mark.slow  # its networks compile for long

ROOT = Path(__file__).parents[1]
TABLES = {"table1": ("observed", "mean_color", "scribble"), "shipped_denoisers": ("observed",)}
KEPT = Path(__file__).with_name("golden.json")
# The guided task's examples have arguments that a U-Net does not take; tests/test_colorize_guided.py is about it.
CASES = [(task, "group") for task in TASKS if task != "colorize_guided"] + [("denoise", "batch"), ("denoise", "none")]
LOSSES = {"colorize_bins": "rarity_weighted_cross_entropy", "colorize_zhang": "rarity_weighted_gradient"}
STEPS = 4
TOLERANCE = 1e-3


def losses(task_name, norm):
    """Return the losses of the first steps of a small U-Net, two pictures of 16x16 a step."""
    config = run_config()
    config.task.name = task_name
    config.task.noise.kind, config.task.noise.level = "gaussian", (0.0, 0.2)
    config.task.loss = LOSSES.get(task_name, config.task.loss)
    task = build_task(config.task)
    model = build_model({"name": "unet", "width": 8, "depth": 1, "norm": norm}, task.output_channels)
    optimizer, schedule = build_optimizer(config.optimizer, STEPS)
    state = jax.jit(lambda: create_state(0, Supervised(model, task), optimizer, True))()
    step = jax.jit(make_step(Supervised(model, task), optimizer, schedule, lambda batch, _: batch["picture"], 0, 0.9))
    found = []
    for number in range(STEPS):
        index = np.arange(2 * number, 2 * number + 2, dtype=np.uint32)
        pictures = np.random.default_rng(number).uniform(size=(2, 16, 16, 3)).astype(np.float32)
        state, metrics = step(state, {"index": index, "picture": pictures}, None)
        found.append(float(metrics["loss"]))
    return found


def untrained_rows():
    """Return what the untrained rows of the smoke tables have on the bundled photographs, reduced to a side of 64."""
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        for name, rows in TABLES.items():
            config = load(f"{ROOT}/experiments/{name}.py:smoke").copy_and_resolve_references().unlock()
            for row in list(config.rows):
                if row not in rows:
                    del config.rows[row]
            config.protocol.size = 64
            table.main(config.lock(), Path(folder) / name, datasets)
            with (Path(folder) / name / "table.csv").open() as file:
                for line in csv.DictReader(file):
                    found[f"{name}, {line['row']}"] = {key: float(line[key]) for key in METRICS if line.get(key)}
    return found


def kept(what):
    return json.loads(KEPT.read_text())[what]


@pytest.mark.parametrize(("task", "norm"), CASES)
def test_losses_are_those_that_were_kept(task, norm):
    np.testing.assert_allclose(losses(task, norm), kept("losses")[f"{task}, {norm}"], rtol=TOLERANCE)


def test_untrained_rows_are_those_that_were_kept():
    rows, found = kept("untrained rows"), untrained_rows()
    assert found.keys() == rows.keys()
    for row, values in rows.items():
        assert found[row] == pytest.approx(values, rel=TOLERANCE, abs=1e-6), row


if __name__ == "__main__":
    results = {
        "losses": {f"{task}, {norm}": losses(task, norm) for task, norm in CASES},
        "untrained rows": untrained_rows(),
    }
    KEPT.write_text(json.dumps(results, indent=2) + "\n")
