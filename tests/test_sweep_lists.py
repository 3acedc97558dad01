"""What a sweep lists: combinations counted against their formulas, draws against their distributions, names, plans."""

import json
import math
import textwrap

import pytest
from ml_collections import ConfigDict
from scipy import stats

from colorjax.config.files import load
from colorjax.config.serialization import to_plain
from colorjax.errors import UserError
from colorjax.sweeps.draws import choice, integers, log_uniform, uniform
from colorjax.sweeps.lists import grid, product, random_draws, seeds, zipped
from colorjax.sweeps.names import run_names, short_keys
from colorjax.sweeps.plan import plan


def test_grid_has_every_combination_once():
    runs = grid({"a": (1, 2, 3), "b.c": ("x", "y")})
    assert len(runs) == 6
    assert len({tuple(run.items()) for run in runs}) == 6
    assert runs[:3] == [{"a": 1, "b.c": "x"}, {"a": 1, "b.c": "y"}, {"a": 2, "b.c": "x"}]


def test_zipped_lists_go_side_by_side():
    assert zipped({"a": (1, 2), "b": (3, 4)}) == [{"a": 1, "b": 3}, {"a": 2, "b": 4}]
    with pytest.raises(UserError, match=r"as many values of each key, not \{'a': 1, 'b': 2\}"):
        zipped({"a": (1,), "b": (3, 4)})


def test_product_joins_lists():
    assert product(seeds(2, first=5), [{"a": 1}]) == [{"seed": 5, "a": 1}, {"seed": 6, "a": 1}]
    with pytest.raises(UserError, match="two lists set seed"):
        product(seeds(2), seeds(2))


def test_draws_follow_their_distributions():
    space = {"u": uniform(-1, 3), "l": log_uniform(1e-5, 1e-1), "i": integers(2, 4), "c": choice("a", "b")}
    runs = random_draws(2000, space)
    assert stats.kstest([run["u"] for run in runs], stats.uniform(-1, 4).cdf).pvalue > 1e-3
    assert (
        stats.kstest([math.log(run["l"]) for run in runs], stats.uniform(math.log(1e-5), math.log(1e4)).cdf).pvalue
        > 1e-3
    )
    for key, options in {"i": (2, 3, 4), "c": ("a", "b")}.items():
        counts = [sum(run[key] == option for run in runs) for option in options]
        assert sum(counts) == 2000
        assert stats.chisquare(counts).pvalue > 1e-3
    assert {type(value) for value in runs[0].values()} == {float, int, str}


def test_draws_begin_with_fewer_and_another_key_changes_none():
    space = {"a": uniform(0, 1), "b": uniform(0, 1)}
    assert random_draws(3, space, seed=4) == random_draws(9, space, seed=4)[:3]
    assert random_draws(3, space, seed=5) != random_draws(3, space, seed=4)
    assert [run["a"] for run in random_draws(3, {"a": space["a"]}, 4)] == [
        run["a"] for run in random_draws(3, space, 4)
    ]


@pytest.mark.parametrize("wrong", [lambda: uniform(1, 1), lambda: log_uniform(0, 1), lambda: integers(3, 2), choice])
def test_empty_distributions_are_user_errors(wrong):
    with pytest.raises(UserError):
        wrong()


def test_names_say_what_differs_and_nothing_else():
    runs = grid({"optimizer.learning_rate": (1e-4, 0.003), "data.zoom": ((0.5, 1.0),), "model.name": ("a b", "c/d")})
    assert run_names(runs)[:2] == ["learning_rate=0.0001,name=a_b", "learning_rate=0.0001,name=c_d"]
    assert run_names([{"seed": 3}]) == ["run"]
    models = [{"model": ConfigDict({"name": name, "width": 8})} for name in ("unet", "cnn")]
    assert run_names([*models, {}]) == ["model=unet", "model=cnn", "run"]


def test_values_that_look_the_same_in_a_file_name_stay_apart():
    names = run_names([{"a": "x y"}, {"a": "x/y"}, {"a": "z"}])
    assert len(set(names)) == 3
    assert [name[:5] for name in names] == ["a=x_y", "a=x_y", "a=z"]


def test_name_has_a_number_in_full_where_six_digits_are_not_enough():
    names = run_names([{"a": 0.1234567}, {"a": 0.1234568}])
    assert names == ["a=0.1234567", "a=0.1234568"]


def test_keys_are_as_short_as_they_can_be():
    keys = ["optimizer.rate", "model.rate", "seed", "a.b.seed", "a.c"]
    assert short_keys(keys) == dict(zip(keys, ["optimizer.rate", "model.rate", "seed", "b.seed", "c"], strict=True))


def test_long_names_fit_a_file_system_and_stay_apart():
    runs = [{f"a_key_of_some_length_{i}": j + i for i in range(20)} for j in range(2)]
    names = run_names(runs)
    assert len(set(names)) == 2
    assert all(len(name) <= 100 for name in names)


FILE = """
from experiments import colorize_unet
from colorjax.sweeps.lists import grid

def get_config(variant=""):
    return colorize_unet.get_config("smoke")

def sweep(add):
    {body}
"""


def planned(folder, body, overrides=()):
    path = folder / "lr.py"
    path.write_text(FILE.format(body=textwrap.indent(textwrap.dedent(body), "    ").strip()))
    return plan(str(path), load(str(path), overrides), folder / "runs")


def make(run):
    run.directory.mkdir(parents=True)
    (run.directory / "config.json").write_text(json.dumps(to_plain(run.config)))


def test_plan_has_resolved_configs(tmp_path):
    runs = planned(
        tmp_path, "for run in grid({'seed': (1, 2), 'data.zoom': [(1, 2.5)]}): add(**run)", ["--config.seed=9"]
    )
    assert [run.name for run in runs] == ["seed=1", "seed=2"]
    assert [run.config.seed for run in runs] == [1, 2]
    assert runs[0].config.data.zoom == (1.0, 2.5)
    assert runs[0].directory == tmp_path / "runs" / "seed=1"
    with pytest.raises(AttributeError):
        runs[0].config.nothing = 1


def test_plan_may_exchange_a_whole_model(tmp_path):
    body = """
    from colorjax.config import model_config
    add(model=model_config("cnn"))
    add(**{"model.width": 8})
    """
    assert [run.config.model.name for run in planned(tmp_path, body)] == ["cnn", "unet"]


@pytest.mark.parametrize(
    ("body", "line"),
    [
        ("pass", r"sweep\(add\) adds no run"),
        ("add(sead=1)", "run 1: sead=1: no such key; did you mean 'seed'"),
        ("add(seed=1); add(seed='a')", "run 2: seed='a': needs a whole number"),
        ("add(seed=1); add(seed=2); add(seed=1)", "runs 1 and 3 are the same"),
        ("add(seed=1); add(seed=1, **{'data.workers': 5})", "runs 1 and 2 are the same"),
        ("add(seed=1); 1 / 0", r"lr.py, line \d+: ZeroDivisionError"),
    ],
)
def test_plan_that_cannot_be_is_one_line(tmp_path, body, line):
    with pytest.raises(UserError, match=line):
        planned(tmp_path, body)


def test_plan_of_a_file_without_a_sweep_is_one_line(tmp_path):
    path = "experiments/colorize_unet.py"
    with pytest.raises(UserError, match=r"defines no function sweep\(\)"):
        plan(path, load(path), tmp_path)


def test_plan_of_a_runs_own_config_has_no_sweep(tmp_path):
    (run,) = planned(tmp_path, "add(seed=1)")
    make(run)
    with pytest.raises(UserError, match=r"the config of one run has no sweep\(\); give a Python file"):
        plan(str(run.directory / "config.json"), run.config, tmp_path / "other")


def test_numbers_of_numpy_are_numbers(tmp_path):
    body = """
    import numpy as np
    rates = np.array([0.12345678, 0.5])
    for seed, rate in zip(np.arange(2), rates): add(**{
        "seed": seed, "optimizer.learning_rate": rate, "data.flip": np.bool_(seed), "data.zoom": (1, rate + 1)})
    """
    runs = planned(tmp_path, body)
    assert runs[0].name.startswith("seed=0,learning_rate=0.12345678,flip=False,")
    values = [(run.config.seed, run.config.optimizer.learning_rate, run.config.data.flip) for run in runs]
    assert values == [(0, 0.12345678, False), (1, 0.5, True)]
    assert [type(value) for value in values[0]] == [int, float, bool]
    assert [type(value) for value in runs[1].config.data.zoom] == [float, float]


@pytest.mark.parametrize("content", [b'{"seed":', b"3", b"\xff\x00"])
def test_plan_names_a_damaged_config_of_a_run(tmp_path, content):
    (run,) = planned(tmp_path, "add(seed=1)")
    make(run)
    (run.directory / "config.json").write_bytes(content)
    with pytest.raises(UserError, match=r"runs/run/config\.json is damaged"):
        planned(tmp_path, "add(seed=1)")


def test_sweep_that_grows_keeps_the_folders_of_its_runs(tmp_path):
    for run in planned(tmp_path, "for seed in (0, 1): add(seed=seed)"):
        make(run)
    grown = "for run in grid({'seed': (0, 1), 'optimizer.learning_rate': (3e-4, 1e-3)}): add(**run)"
    assert [run.name for run in planned(tmp_path, grown)] == [
        "seed=0",
        "seed=0,learning_rate=0.001",
        "seed=1",
        "seed=1,learning_rate=0.001",
    ]


def test_sweep_leaves_a_folder_of_another_run_alone(tmp_path):
    body = "for seed in (0, 1): add(seed=seed)"
    for run in planned(tmp_path, body):
        make(run)
    with pytest.raises(UserError, match="seed=0 holds a run of another config; use another --workdir"):
        planned(tmp_path, body, ["--config.optimizer.learning_rate=0.5"])
