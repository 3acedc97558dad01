"""Which process a process is: as its options say, or as Slurm says."""

import pytest

from colorjax.errors import UserError
from colorjax.processes.joining import Place, from_arguments, from_slurm


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (("node:1", None, 0), "--processes must be given too"),
        (("", 2, None), "--coordinator and --process must be given too"),
        (("node", 2, 0), "--coordinator=node: needs HOST:PORT"),
        (("node:0", 2, 0), "--coordinator=node:0: needs HOST:PORT"),
        (("node:1", 0, 0), "--processes=0: must be 1 or more"),
        (("node:1", 2, 2), "--process=2: the 2 processes are 0 to 1"),
        (("node:1", 2, -1), "--process=-1: the 2 processes are 0 to 1"),
    ],
)
def test_place_that_is_impossible_is_a_user_error(arguments, line):
    with pytest.raises(UserError, match=line):
        from_arguments(*arguments)


def test_place_is_that_of_the_options():
    assert from_arguments("", None, None) is None
    assert from_arguments("node:47000", 1, 0) is None
    assert from_arguments("node:47000", 4, 3) == Place("node", 47000, 3, 4)
    assert from_arguments("[fe80::1]:47000", 2, 0) == Place("fe80::1", 47000, 0, 2)


def slurm(**changes):
    return {
        "SLURM_JOB_ID": "1234",
        "SLURM_STEP_ID": "0",
        "SLURM_STEP_NUM_TASKS": "12",
        "SLURM_STEP_NODELIST": "gpu[003-004,9]",
        "SLURM_STEP_TASKS_PER_NODE": "4(x3)",
        "SLURM_PROCID": "6",
        "SLURM_NODEID": "1",
        "SLURM_LOCALID": "2",
    } | changes


def test_place_of_a_task_of_srun():
    place = from_slurm(slurm())
    assert (place.host, place.index, place.count, place.local_devices) == ("gpu003", 6, 12, None)
    assert 1024 < place.port < 2**16
    # The other steps of the job, and other jobs on the node, meet elsewhere.
    assert len({from_slurm(slurm(SLURM_STEP_ID=step)).port for step in "0123"}) == 4
    assert from_slurm(slurm(SLURM_JOB_ID="1235")).port != place.port


@pytest.mark.parametrize(
    ("nodes", "first"), [("a1", "a1"), ("a1,b[1-2]", "a1"), ("a[1,3-4]", "a1"), ("a[08-11]-ib,b", "a08-ib")]
)
def test_coordinator_is_on_the_first_node(nodes, first):
    assert from_slurm(slurm(SLURM_STEP_NODELIST=nodes)).host == first


@pytest.mark.parametrize(
    ("visible", "tasks", "node", "local", "expected"),
    [
        ("0,1,2,3,4,5,6,7", "4(x3)", "1", "2", (4, 5)),
        ("0,1,2,3", "2(x2),4", "2", "3", (3,)),
        ("0,1,2,3,4,5,6,7", "1(x12)", "5", "0", None),  # the node for itself: all of them
        ("0", "4(x3)", "1", "2", None),  # Slurm has given each task its own
        ("", "4(x3)", "1", "2", None),
    ],
)
def test_tasks_on_one_node_share_its_devices(visible, tasks, node, local, expected):
    place = slurm(CUDA_VISIBLE_DEVICES=visible, SLURM_STEP_TASKS_PER_NODE=tasks, SLURM_NODEID=node, SLURM_LOCALID=local)
    assert from_slurm(place).local_devices == expected


def test_place_of_a_process_that_srun_did_not_start_is_alone():
    assert from_slurm({"SLURM_JOB_ID": "1", "SLURM_NTASKS": "4", "SLURM_PROCID": "0"}) is None
    assert from_slurm(slurm(SLURM_STEP_NUM_TASKS="1")) is None
    assert from_slurm({}) is None
