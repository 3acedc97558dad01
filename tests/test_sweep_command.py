"""`launch.py sweep` without any training: what it lists, what it makes, what Slurm is given. `sbatch` is a script."""

import json
import pickle
import subprocess
import sys
from pathlib import Path

import pytest

import launch
from colorjax.config.serialization import from_plain
from colorjax.errors import UserError
from colorjax.runs.provenance import CODE
from colorjax.runs.run_state import RunState, read_state, write_state
from colorjax.sweeps.cluster import load_cluster
from colorjax.sweeps.slurm import script

ROOT = Path(__file__).parents[1]
SWEEP = """
from experiments import colorize_unet

def get_config(variant=""):
    return colorize_unet.get_config("smoke")

def sweep(add):
    for seed in (0, 1, 2):
        add(seed=seed)
"""


@pytest.fixture
def file(tmp_path):
    (tmp_path / "seeds.py").write_text(SWEEP)
    return str(tmp_path / "seeds.py")


@pytest.fixture
def slurm(tmp_path, monkeypatch):
    """Stand-ins for Slurm's programs; the folder returned has `submitted`, the last script, and `queue`."""
    folder = tmp_path / "slurm"
    folder.mkdir()
    (folder / "queue").touch()
    programs = {
        "sbatch": f'[ -e "{folder}/refuse" ] && {{ echo "sbatch: error: invalid partition" >&2; exit 1; }}\n'
        f'cp "$1" "{folder}/submitted"\necho Submitted batch job 42',
        "srun": "exit 1",
        "squeue": f'cat "{folder}/queue"',
    }
    for name, text in programs.items():
        (folder / name).write_text(f"#!/bin/sh\n{text}\n")
        (folder / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(folder), prepend=":")
    return folder


def sweep(file, workdir, *words):
    return launch.main(["sweep", f"--config={file}", f"--workdir={workdir}", *words])


def test_sweep_dry_run_lists_and_makes_nothing(file, tmp_path, capsys):
    assert sweep(file, tmp_path / "out", "--cluster.partition=gpu", "--executor=slurm", "--dry-run") == 0
    printed = capsys.readouterr().out
    assert f"{tmp_path}/out: 3 runs, 3 to run\nrun     seed\nseed=0  0     to run\n" in printed
    assert "#SBATCH --partition=gpu\n" in printed
    assert "#SBATCH --array=0-2%3\n" in printed
    assert f"launch.py train --config={tmp_path}/out/runs/seed=0/config.json" in printed
    assert not (tmp_path / "out").exists()


def test_slurm_gets_one_array_of_the_runs_from_a_snapshot(file, tmp_path, slurm, capsys):
    assert sweep(file, tmp_path / "out", "--executor=slurm") == 0
    out = tmp_path / "out"
    assert "submitted jobs 42_0 to 42_2" in capsys.readouterr().out
    (code,) = (out / "code").iterdir()
    assert all((code / name).exists() for name in CODE)
    for seed in range(3):
        directory = out / "runs" / f"seed={seed}"
        assert from_plain(json.loads((directory / "config.json").read_text())).seed == seed
        assert read_state(directory).state == "waiting"
        # What submitit will do: a function of the operating system, and words; nothing of the checkout.
        job = pickle.loads((out / "logs" / f"42_{seed}_submitted.pkl").read_bytes())
        assert job.function.__name__ == "execvp"
        program, words = job.args
        assert program == words[0] == sys.executable
        assert words[1:] == [
            str(code / "launch.py"),
            "train",
            f"--config={directory / 'config.json'}",
            f"--workdir={directory}",
            "--attempts=3",
        ]
    (start,) = json.loads((out / "sweep.json").read_text())
    assert start["jobs"] == {"seed=0": "42_0", "seed=1": "42_1", "seed=2": "42_2"}
    assert start["code"] == code.name


@pytest.mark.process
def test_snapshot_is_what_runs(file, tmp_path, slurm):
    sweep(file, tmp_path / "out", "--executor=slurm")
    (code,) = (tmp_path / "out" / "code").iterdir()
    (code / "colorjax" / "commands" / "prepare.py").write_text("def main(**_):\n    print('of the snapshot')\n")
    words = [sys.executable, str(code / "launch.py"), "prepare", f"--config={ROOT}/experiments/colorize_unet.py"]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "of the snapshot\n"


def test_sweep_again_starts_only_what_is_not_done_nor_under_way(file, tmp_path, slurm, capsys):
    runs = tmp_path / "out" / "runs"
    sweep(file, tmp_path / "out", "--executor=slurm")
    (slurm / "queue").write_text("42_0\n")
    write_state(runs / "seed=1", RunState("done"))
    write_state(runs / "seed=2", RunState("failed", "loss is nan"))
    capsys.readouterr()
    assert sweep(file, tmp_path / "out", "--executor=slurm", "--dry-run") == 0
    printed = capsys.readouterr().out
    assert "3 runs, 1 to run" in printed
    assert "seed=0  0     in the queue, job 42_0\nseed=1  1     done\nseed=2  2     to run\n" in printed
    (slurm / "queue").write_text("")  # somebody has cancelled it
    sweep(file, tmp_path / "out", "--executor=slurm", "--dry-run")
    assert "seed=0  0     to run\n" in capsys.readouterr().out


def test_slurm_refusal_is_one_line(file, tmp_path, slurm, capsys):
    (slurm / "refuse").touch()
    assert sweep(file, tmp_path / "out", "--executor=slurm") == 1
    assert capsys.readouterr().err.endswith(
        "launch.py sweep: sbatch refused the jobs: sbatch: error: invalid partition\n"
    )


def test_slurm_missing_is_one_line(file, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert sweep(file, tmp_path / "out", "--executor=slurm") == 2
    assert "there is no sbatch here" in capsys.readouterr().err


def test_sweep_finds_a_mistake_in_any_run_before_the_first(tmp_path, capsys):
    text = SWEEP.replace("add(seed=seed)", "add(**{'seed': seed, 'training.keep': 2 - seed})")
    (tmp_path / "wrong.py").write_text(text)
    assert sweep(str(tmp_path / "wrong.py"), tmp_path / "out") == 2
    assert not (tmp_path / "out").exists()
    line = "launch.py sweep: run 'seed=2,keep=0': config.training.keep=0: must be 1 or more\n"
    assert capsys.readouterr().err.endswith(line)


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["--cluster.partitoin=gpu"], "--cluster.partitoin: no such key; did you mean 'partition'?"),
        (["--cluster.nodes=0"], "--cluster.nodes=0: must be 1 or more"),
        (["--cluster.time=1"], "signal_seconds=120: a run of --cluster.time=1 minutes would be told to stop"),
        (["--cluster.setup=(1,)"], "--cluster.setup=(1,): needs texts"),
        (["--cluster.setup=module load x"], "--cluster.setup=module load x: needs a tuple such as ('one',)"),
        (["--clutser.nodes=2"], "unknown argument '--clutser.nodes=2'; settings are given as --config.KEY=VALUE or"),
    ],
)
def test_mistakes_in_the_cluster_are_one_line(file, tmp_path, capsys, words, line):
    assert sweep(file, tmp_path / "out", *words, "--dry-run") == 2
    assert line in capsys.readouterr().err


def test_cluster_file_gives_what_overrides_change(tmp_path):
    path = tmp_path / "ours.py"
    path.write_text(
        "from colorjax.sweeps.cluster import cluster_config\n"
        "def get_config(variant=''):\n    c = cluster_config()\n    c.partition = variant or 'gpu'\n"
        "    c.account = 'us'\n    return c\n"
    )
    cluster = load_cluster(f"{path}:long", ["--cluster.account=them"])
    assert (cluster.partition, cluster.account) == ("long", "them")


@pytest.mark.parametrize(
    ("body", "line"),
    [
        ("ConfigDict({'partition': 'gpu'})", "lacks the key 'account'; start from cluster_config()"),
        ("cluster_config().update({'time': 90})", "must return a ConfigDict, not NoneType"),
        ("ConfigDict({**cluster_config(), 'time': '60'})", "time='60': needs a whole number"),
        ("ConfigDict({**cluster_config(), 'tme': 60})", "'tme' is no key of a cluster config"),
    ],
)
def test_cluster_file_that_can_not_be_is_one_line(tmp_path, body, line):
    (tmp_path / "ours.py").write_text(
        "from ml_collections import ConfigDict\nfrom colorjax.sweeps.cluster import cluster_config\n"
        f"def get_config(variant=''):\n    return {body}\n"
    )
    with pytest.raises(UserError, match=r"--cluster=.*ours\.py") as caught:
        load_cluster(str(tmp_path / "ours.py"), [])
    assert line in str(caught.value)


def test_sweep_with_a_damaged_list_of_jobs_is_one_line(file, tmp_path, slurm, capsys):
    assert sweep(file, tmp_path / "out", "--executor=slurm") == 0
    (tmp_path / "out" / "sweep.json").write_text('[{"time": ')
    capsys.readouterr()
    assert sweep(file, tmp_path / "out", "--executor=slurm") == 2
    assert "out/sweep.json is damaged; put a copy of it back, or remove it\n" in capsys.readouterr().err


def test_cluster_keys_all_reach_the_script(tmp_path):
    given = {
        "partition": ("gpu", "#SBATCH --partition=gpu"),
        "account": ("us", "#SBATCH --account=us"),
        "qos": ("high", "#SBATCH --qos=high"),
        "constraint": ("a100", "#SBATCH --constraint=a100"),
        "time": (90, "#SBATCH --time=90"),
        "nodes": (4, "#SBATCH --nodes=4"),
        "processes_per_node": (2, "#SBATCH --ntasks-per-node=2"),
        "gpus_per_node": (8, "#SBATCH --gpus-per-node=8"),
        "cpus_per_process": (6, "--cpus-per-task=6"),
        "memory_gb": (1.5, "#SBATCH --mem=1536MB"),
        "parallel": (3, "#SBATCH --array=0-8%3"),
        "signal_seconds": (30, "#SBATCH --signal=USR2@30"),
        "setup": (("module load cuda",), "\nmodule load cuda\n"),
        "srun_arguments": (("--mpi=none",), "--mpi=none"),
        "sbatch_arguments": (("--exclude=node7", "exclusive"), "#SBATCH --exclude=node7\n#SBATCH --exclusive"),
    }
    # The other three, the container, its python and the attempts, are in the words of the job.
    assert set(load_cluster("", [])) == {*given, "container", "python", "attempts"}
    plain = script(load_cluster("", []), "name", tmp_path, 9)
    for key, (value, line) in given.items():
        with_it = script(load_cluster("", [f"--cluster.{key}={value}"]), "name", tmp_path, 9)
        assert line in with_it
        assert line not in plain
    several = script(load_cluster("", ["--cluster.nodes=2"]), "name", tmp_path, 9)
    assert "--kill-on-bad-exit=1" in several
    assert "--kill-on-bad-exit=1" not in plain


def test_container_goes_before_python_and_attempts_behind(file, tmp_path, slurm):
    words = [
        "--cluster.container=apptainer exec --nv 'my image.sif'",
        "--cluster.python=python3",
        "--cluster.attempts=7",
    ]
    assert sweep(file, tmp_path / "out", *words, "--executor=slurm") == 0
    job = pickle.loads((tmp_path / "out" / "logs" / "42_0_submitted.pkl").read_bytes())
    assert job.args[1][:5] == ["apptainer", "exec", "--nv", "my image.sif", "python3"]
    assert job.args[1][-1] == "--attempts=7"


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["--cluster.partition=gpu"], "--cluster is for --executor=slurm"),
        (["--executor=slurm", "--jobs=5"], "on Slurm it is --cluster.parallel=5"),
        (["--executor=slurm", "--cluster.gpus_per_node=3"], "does not go equally into the 3 devices"),
        (["--executor=slurm", "--cluster.container=x 'y"], "No closing quotation"),
    ],
)
def test_sweep_words_that_nothing_reads_or_no_job_can_do_are_one_line(file, tmp_path, slurm, capsys, words, line):
    assert sweep(file, tmp_path / "out", *words) == 2
    assert line in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_sweep_dry_run_finds_mistakes_too(tmp_path, capsys):
    (tmp_path / "wrong.py").write_text(SWEEP.replace("add(seed=seed)", "add(**{'seed': seed, 'training.keep': seed})"))
    assert sweep(str(tmp_path / "wrong.py"), tmp_path / "out", "--dry-run") == 2
    assert "run 'seed=0,keep=0': config.training.keep=0: must be 1 or more" in capsys.readouterr().err


@pytest.mark.parametrize(("name", "kind"), [("config.json", "run"), ("search.json", "search")])
def test_sweep_leaves_a_folder_of_something_else_alone(file, tmp_path, capsys, name, kind):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / name).write_text("{}")
    assert sweep(file, tmp_path / "out") == 2
    assert f"out is the folder of a {kind}; use another for this sweep" in capsys.readouterr().err


def test_sweep_setting_that_changes_no_result_reaches_the_runs_that_are_there(file, tmp_path, slurm):
    sweep(file, tmp_path / "out", "--executor=slurm")
    directories = list((tmp_path / "out" / "runs").iterdir())
    for directory in directories:
        write_state(directory, RunState("failed", "no new checkpoint"))
    assert sweep(file, tmp_path / "out", "--config.training.checkpoint_every=7", "--executor=slurm") == 0
    kept = [json.loads((directory / "config.json").read_text()) for directory in directories]
    assert [config["training"]["checkpoint_every"] for config in kept] == [7, 7, 7]
