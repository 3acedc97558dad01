"""A search: the space and its settings, and trials whose training is a formula of the test."""

import json
import threading
from pathlib import Path

import pytest
from optuna.trial import TrialState

import launch
from colorjax.config.defaults import run_config
from colorjax.config.tables import model_config
from colorjax.errors import Interrupted, UserError
from colorjax.runs.find import find_runs
from colorjax.runs.run_state import Heartbeat, RunState, read_state, write_state
from colorjax.sweeps.draws import choice, integers, log_uniform, uniform
from colorjax.sweeps.search import Search, load_search_config, open_study, read_search, save_search
from colorjax.sweeps.trials import work

SPACE = {"optimizer.learning_rate": log_uniform(1e-4, 1.0), "data.rotate": uniform(-3, 3)}


def search(directory, *words, space=None):
    config = run_config()
    config.model = model_config("unet")
    made = Search(config.lock(), space or SPACE, load_search_config([f"--search.{word}" for word in words]))
    save_search(made, directory)
    return read_search(directory)


def trained(directory, values, on_validation):
    """What a training leaves behind: validations of these values, at steps 10, 20, ..."""
    with Heartbeat(directory), (directory / "history.jsonl").open("a") as file:
        for step, value in enumerate(values, 1):
            line = {"psnr": value, "loss": -value}
            file.write(json.dumps({"step": 10 * step, "kind": "validation"} | line) + "\n")
            file.flush()
            on_validation(10 * step, line)


def bowl(config, directory, on_validation):
    """Best, 0, at a rotation of 2, whatever the learning rate is."""
    trained(directory, [-((config.data.rotate - 2.0) ** 2)], on_validation)


def trials_of(directory):
    return open_study(read_search(directory), directory).trials


@pytest.mark.parametrize("metric", ["psnr", "loss"])
def test_search_ends_near_the_best(tmp_path, metric):
    work(search(tmp_path, "trials=40", f"metric={metric}"), tmp_path, bowl, lambda line: None)
    study = open_study(read_search(tmp_path), tmp_path)
    assert len(study.trials) == 40
    assert abs(study.best_params["data.rotate"] - 2.0) < 0.15
    # The run has what the study says.
    (best,) = [run for run in find_runs(tmp_path) if run.name == f"trial-{study.best_trial.number}"]
    assert best.settings["data.rotate"] == study.best_params["data.rotate"]
    assert read_state(best.path).state == "done"


def test_workers_share_the_trials_and_none_is_taken_twice(tmp_path):
    search(tmp_path, "trials=12", "sampler=random", "pruner=none")
    taken, lock = [], threading.Lock()

    def train(config, directory, on_validation):
        with lock:
            taken.append(directory.name)
        bowl(config, directory, on_validation)

    def worker():
        work(read_search(tmp_path), tmp_path, train, lambda line: None)

    threads = [threading.Thread(target=worker) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(taken) == sorted(f"trial-{number}" for number in range(12))
    trials = trials_of(tmp_path)
    assert {trial.state for trial in trials} == {TrialState.COMPLETE}
    assert len({trial.params["data.rotate"] for trial in trials}) == 12


def test_search_seed_draws_the_same_again(tmp_path):
    drawn = []
    for name, seed in {"a": 20261122, "b": 20261122, "c": 5}.items():
        work(search(tmp_path / name, "trials=8", f"seed={seed}"), tmp_path / name, bowl, lambda line: None)
        drawn.append([trial.params for trial in trials_of(tmp_path / name)])
    assert drawn[0] == drawn[1] != drawn[2]


def test_trials_worse_than_the_median_are_pruned(tmp_path):
    quality = iter([20.0, 21.0, 22.0, 10.0, 25.0])

    def train(config, directory, on_validation):
        level = next(quality)
        trained(directory, [level, level + 1, level + 2], on_validation)

    said = []
    work(search(tmp_path, "trials=5", "startup_trials=3"), tmp_path, train, said.append)
    ends = [trial.state.name for trial in trials_of(tmp_path)]
    assert ends == ["COMPLETE", "COMPLETE", "COMPLETE", "PRUNED", "COMPLETE"]
    assert read_state(tmp_path / "runs" / "trial-3").state == "pruned"
    assert "pruned   trial-3: psnr 10 at step 10 is worse than the median of the other trials" in said


def test_pruner_none_prunes_nothing(tmp_path):
    quality = iter([20.0, 21.0, 22.0, 10.0])

    def train(config, directory, on_validation):
        trained(directory, [next(quality)] * 2, on_validation)

    work(search(tmp_path, "trials=4", "startup_trials=1", "pruner=none"), tmp_path, train, lambda line: None)
    assert {trial.state for trial in trials_of(tmp_path)} == {TrialState.COMPLETE}


def test_trial_that_failed_says_why_and_the_others_go_on(tmp_path):
    def train(config, directory, on_validation):
        if directory.name == "trial-1":
            with Heartbeat(directory):
                raise ValueError("out of memory")
        bowl(config, directory, on_validation)

    said = []
    work(search(tmp_path, "trials=3"), tmp_path, train, said.append)
    assert [trial.state.name for trial in trials_of(tmp_path)] == ["COMPLETE", "FAIL", "COMPLETE"]
    assert "failed   trial-1: ValueError: out of memory" in said


def test_trial_interrupted_is_gone_on_with_by_whoever_comes_next(tmp_path):
    search(tmp_path, "trials=3")
    seen = []

    def interrupted(config, directory, on_validation):
        seen.append((directory.name, config.data.rotate))
        with Heartbeat(directory):
            raise Interrupted("SIGTERM: stopped", "SIGTERM")

    def train(config, directory, on_validation):
        seen.append((directory.name, config.data.rotate))
        bowl(config, directory, on_validation)

    with pytest.raises(Interrupted):
        work(read_search(tmp_path), tmp_path, interrupted, lambda line: None)
    work(read_search(tmp_path), tmp_path, train, lambda line: None)
    assert seen[0] == seen[1]
    assert [name for name, _ in seen] == ["trial-0", "trial-0", "trial-1", "trial-2"]
    assert {trial.state for trial in trials_of(tmp_path)} == {TrialState.COMPLETE}


def test_trial_of_a_killed_worker_is_reported_by_the_next(tmp_path):
    made = search(tmp_path, "trials=1")

    def killed(config, directory, on_validation):
        (directory / "history.jsonl").write_text('{"step": 10, "kind": "validation", "psnr": 5.0, "loss": 1.0}\n')
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        work(made, tmp_path, killed, lambda line: None)
    write_state(tmp_path / "runs" / "trial-0", RunState("running", host="gone", pid=1, beat=0.0))  # and long silent
    work(made, tmp_path, lambda config, directory, on_validation: None, lambda line: None)
    (trial,) = trials_of(tmp_path)
    assert trial.intermediate_values == {10: 5.0}
    assert trial.value == 5.0


def test_trial_that_ended_before_its_worker_was_killed_is_told_by_the_next(tmp_path):
    made = search(tmp_path, "trials=1")

    def killed(config, directory, on_validation):
        bowl(config, directory, on_validation)
        state = json.loads((directory / "state.json").read_text())
        (directory / "state.json").write_text(json.dumps(state | {"host": "gone", "beat": 0.0}))
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        work(made, tmp_path, killed, lambda line: None)
    (trial,) = trials_of(tmp_path)
    assert trial.state == TrialState.RUNNING
    work(made, tmp_path, lambda config, directory, on_validation: None, lambda line: None)
    (trial,) = trials_of(tmp_path)
    assert trial.state == TrialState.COMPLETE


def test_trial_running_is_left_to_its_worker(tmp_path):
    made = search(tmp_path, "trials=2")

    def meanwhile(config, directory, on_validation):
        if directory.name == "trial-0":
            work(made, tmp_path, meanwhile, lambda line: None)
        bowl(config, directory, on_validation)

    work(made, tmp_path, meanwhile, lambda line: None)
    assert [trial.state.name for trial in trials_of(tmp_path)] == ["COMPLETE", "COMPLETE"]


def test_search_takes_more_trials_but_no_other_space_or_metric(tmp_path):
    work(search(tmp_path, "trials=2"), tmp_path, bowl, lambda line: None)
    work(search(tmp_path, "trials=5"), tmp_path, bowl, lambda line: None)
    assert len(trials_of(tmp_path)) == 5
    with pytest.raises(UserError, match="holds a search with another space"):
        search(tmp_path, space={"data.rotate": uniform(0, 1)})
    with pytest.raises(UserError, match="holds a search with another metric"):
        search(tmp_path, "metric=ssim")


def test_search_is_read_as_it_was_written(tmp_path):
    space = {"model.width": integers(4, 64), "data.zoom": choice((1.0, 1.0), (0.5, 2.0)), **SPACE}
    assert search(tmp_path, space=space).space == space
    with pytest.raises(UserError, match="no search in it"):
        read_search(tmp_path / "nowhere")


FILE = """
from experiments import colorize_unet
from colorjax.sweeps.draws import *

def get_config(variant=""):
    return colorize_unet.get_config("smoke")

def search_space():
    return {space}
"""


def write(folder, space):
    path = folder / "space.py"
    path.write_text(FILE.replace("{space}", space))
    return str(path)


@pytest.mark.parametrize(
    ("space", "line"),
    [
        ("{}", "must return a dict such as"),
        ("{'optimizer.rate': uniform(0, 1)}", "optimizer.rate=0.0: no such key; did you mean"),
        ("{'model.width': uniform(4, 8)}", "model.width=4.0: needs a whole number"),
        ("{'model.width': (4, 8)}", "model.width needs uniform, log_uniform, integers or choice"),
        ("{'task.loss': choice('l1', 2)}", "task.loss=2: needs a text"),
    ],
)
def test_space_that_cannot_be_is_one_line(tmp_path, capsys, space, line):
    assert launch.main(["search", f"--config={write(tmp_path, space)}", f"--workdir={tmp_path / 'out'}"]) == 2
    assert line in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("word", "line"),
    [
        ("--search.trials=0", "--search.trials=0: must be 1 or more"),
        ("--search.pruner=medain", "no such pruner; did you mean 'median'"),
        ("--search.metric=psrn", "no such metric; did you mean 'psnr'"),
        ("--search.metric=colorfulness", "neither high nor low values of it are good"),
        ("--search.seed=-1", "--search.seed=-1: must be 0 or more"),
        ("--search.warmup_steps=-1", "--search.warmup_steps=-1: must be 0 or more"),
        ("--cluster.nodes=2", "a trial of a search is one process"),
    ],
)
def test_settings_that_cannot_be_are_one_line(tmp_path, capsys, word, line):
    file = write(tmp_path, "{'optimizer.learning_rate': log_uniform(1e-5, 1e-2)}")
    assert launch.main(["search", f"--config={file}", f"--workdir={tmp_path / 'out'}", word]) == 2
    assert line in capsys.readouterr().err


def test_search_dry_run_shows_the_space_and_makes_nothing(tmp_path, capsys):
    file = write(tmp_path, "{'optimizer.learning_rate': log_uniform(1e-5, 1e-2), 'model.width': choice(8, 16)}")
    words = [f"--config={file}", f"--workdir={tmp_path / 'out'}", "--executor=slurm", "--jobs=2", "--dry-run"]
    assert launch.main(["search", *words]) == 0
    printed = capsys.readouterr().out
    assert "20 trials, for the highest psnr, 2 at a time, over\n" in printed
    assert "  optimizer.learning_rate: 1e-05 to 0.01, by orders of magnitude\n  model.width: 8 or 16\n" in printed
    assert "#SBATCH --array=0-1%2\n" in printed
    assert not Path(tmp_path / "out").exists()
