"""A search by two workers on one study, one of which is killed."""

import os
import signal

from optuna.trial import TrialState

from colorjax.runs.history import read_history
from colorjax.runs.run_state import read_state
from colorjax.sweeps.search import open_study, read_search

CONFIG = "tests/cluster/small_colorizer.py"


def test_two_workers_share_a_study_and_one_goes_on_with_what_the_other_left(cluster, tmp_path):
    search = tmp_path / "search"
    runs = [search / "runs" / f"trial-{number}" for number in range(4)]
    cluster.submit("search", f"--config={CONFIG}", f"--workdir={search}", "--jobs=2", "--search.trials=4")
    assert len(cluster.queue().splitlines()) == 2

    def both_at_work():
        states = [read_state(run) for run in runs[:2]]
        return all(state and state.state == "running" for state in states) and states[0].job != states[1].job

    cluster.wait_for("two trials at a time, in two jobs", both_at_work, search)
    other = read_state(runs[1]).job
    os.kill(cluster.hold(runs[0], 101), signal.SIGKILL)

    cluster.wait_for("the end of the search", lambda: all(is_done(run) for run in runs), search)
    assert read_state(runs[0]).job == other
    cluster.wait_for("the workers' end", lambda: not cluster.queue(), search, 60)
    trials = open_study(read_search(search), search).trials
    assert [trial.state for trial in trials] == [TrialState.COMPLETE] * 4
    assert len({trial.params["optimizer.learning_rate"] for trial in trials}) == 4
    for trial, run in zip(trials, runs, strict=True):
        assert trial.value == max(line["psnr"] for line in read_history(run) if line["kind"] == "validation")
    # A trial that was gone on with has each of its steps once, and stands among the others like any run.
    assert [line["step"] for line in read_history(runs[0])] == [line["step"] for line in read_history(runs[1])]
    assert {line.split()[1] for line in cluster.status(search).values()} == {"done"}


def is_done(run):
    state = read_state(run)
    return state and state.state == "done"
