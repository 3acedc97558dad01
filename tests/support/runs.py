"""Folders of runs as training leaves them, without any training."""

import json
import time
from pathlib import Path

from colorjax.runs.run_state import RunState, write_state

EPOCHS, PATCHES, BATCH = 4, 100, 8
STEPS = 50


def settings(**changes):
    """A run's config, with `section__key=value` changed in it."""
    config = {
        "seed": 0,
        "data": {"name": "photos", "patches_per_epoch": PATCHES, "photographs": 0, "photographs_seed": 0},
        "model": {"name": "unet", "width": 16},
        "optimizer": {"learning_rate": 1e-3, "schedule": "constant"},
        "training": {
            "epochs": EPOCHS,
            "batch_size": BATCH,
            "validation_split": "validation",
            "validation_photographs": 16,
        },
    }
    for key, value in changes.items():
        *sections, last = key.split("__")
        section = config
        for name in sections:
            section = section[name]
        section[last] = value
    return config


def validation(step, psnr, **metrics):
    """A validation's line."""
    return {"step": step, "kind": "validation", "psnr": psnr, **metrics}


def train(step, rate=40.0):
    """A training step's line."""
    return {"step": step, "kind": "train", "loss": 0.1, "examples_per_second": rate}


def make_run(folder: Path, config=None, history=(), state="done", reason="", job="", age=0.0, checkpoint=0):
    """Write a run; `state` None leaves its state.json out, `age` is seconds since its last sign of life."""
    folder.mkdir(parents=True)
    (folder / "config.json").write_text(json.dumps(config or settings()))
    (folder / "history.jsonl").write_text("".join(json.dumps(line) + "\n" for line in history))
    if state:
        beat = time.time() - age
        write_state(folder, RunState(state, reason, "elsewhere", 1, job, beat, beat))
    if checkpoint:
        (folder / "checkpoints" / str(checkpoint)).mkdir(parents=True)
    return folder
