"""Checkpoints of a run. They are written in the background, each atomically; the last few and the best are kept.

A checkpoint `checkpoints/<step>/` has two items:

    state   the `TrainState` as arrays without a device axis, so that any number of devices can continue from it
    run     JSON with the seed, the config, the data position (the number of examples taken so far, from which the order
            of the data follows), a checksum of the state's bytes, and the part of the parameters that is the network

Of several processes, the first one writes and reads the checkpoints, and sends the state to the others. A checkpoint
does not record whether it is the best: the best step is the validated step with the highest metric in the history.
"""

import sys
import time
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import jax
import numpy as np
import orbax.checkpoint as ocp
from ml_collections import ConfigDict
from orbax.checkpoint import checkpoint_managers as policies
from orbax.checkpoint.options import MultiprocessingOptions

from colorjax import processes
from colorjax.config.serialization import from_plain, to_plain
from colorjax.errors import Interrupted, NotFiniteError, UserError
from colorjax.runs.history import best_step, read_history
from colorjax.runtime.disk import require_room
from colorjax.training import parallel
from colorjax.training.logging import announce
from colorjax.training.state import TrainState, network_variables


class Checkpoints:
    """The checkpoints of the run in `workdir`; a context, which waits at its end until all of them are on the disk.

    Args:
      workdir: the run's folder.
      config: the run's whole config.
      best_metric: a metric of the history's validation lines; the checkpoint with its highest value is kept.
      network: the part of the state's parameters that is the network.
    """

    def __init__(self, workdir: Path, config: ConfigDict, best_metric: str, network: str = "network"):
        self._workdir = workdir
        self._network = network
        self._config = config
        self._newest = None  # step of the newest checkpoint, for the processes without a manager
        self._manager = None
        if not processes.is_first():
            return
        best = _Only(lambda: best_step(read_history(workdir), best_metric))
        folder = (workdir / "checkpoints").absolute()  # orbax needs an absolute path
        folder.mkdir(parents=True, exist_ok=True)
        options = ocp.CheckpointManagerOptions(
            create=False,
            preservation_policy=policies.AnyPreservationPolicy([policies.LatestN(config.training.keep), best]),
            cleanup_tmp_directories=True,  # unfinished checkpoints of a killed run
            multiprocessing_options=_single_process_options(),
        )
        self._manager = ocp.CheckpointManager(folder, options=options)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self._manager:
            self._manager.close()

    def latest(self) -> tuple[int | None, Path]:
        """Wait until the newest checkpoint is on the disk; return its step (None if there is none) and its folder."""
        if self._manager:
            self._manager.wait_until_finished()
            self._newest = self._manager.latest_step()
        return self._newest, self._workdir / "checkpoints" / str(self._newest)

    def save(self, step: int, state: TrainState) -> None:
        """Start to write the checkpoint of a step; a checkpoint of the newest step is not written again.

        All processes call this; the first one writes.

        Args:
          step: number of steps taken.
          state: NumPy arrays that nothing else changes, because they are written in the background.

        Raises:
          NotFiniteError: a number of the state is not finite; nothing is written.
          DiskError: there is no room for it; nothing is written.
        """
        if not self._manager:
            self._newest = step
            return
        if step == self._manager.latest_step():
            return
        if not all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(state)):
            raise NotFiniteError(f"the state after step {step} is not finite; {self.describe_last()}")
        run = {
            "seed": self._config.seed,
            "data_position": step * self._config.training.batch_size,
            "config": to_plain(self._config),
            "checksum": _checksum(state),
            "network": self._network,
        }
        require_room(self._workdir, sum(leaf.nbytes for leaf in jax.tree.leaves(state)), self.describe_last)
        args = ocp.args.Composite(state=ocp.args.StandardSave(state), run=ocp.args.JsonSave(run))
        self._manager.save(step, args=args)

    def restore(self, create: Callable[[], TrainState]) -> tuple[int, TrainState]:
        """Return the newest readable checkpoint's step and state; (0, `create()`) if there is no checkpoint yet.

        A checkpoint that can't be read is announced and moved to `workdir/corrupted/`, so that a new one can take its
        place. The first process reads or creates the state, and all processes return it.

        Raises:
          UserError: there are checkpoints, but none can be read.
        """
        target = jax.tree.map(lambda leaf: np.zeros(leaf.shape, leaf.dtype), jax.eval_shape(create))
        found = self._newest_readable(target) if self._manager else None
        self._newest = processes.from_first(found and found[0])
        if found:
            step, state = found
        elif self._manager:
            # Compiled, because XLA then drops the forward pass of the initialization. With few optimizations, because
            # it runs once: for a small U-Net on a CPU compiling takes 3 s instead of 20 s.
            step, state = 0, jax.jit(create, compiler_options={"xla_backend_optimization_level": 0})()
        else:
            step, state = self._newest or 0, target
        return step, parallel.from_first(state)

    def _newest_readable(self, target: TrainState) -> tuple[int, TrainState] | None:
        steps = sorted(self._manager.all_steps(), reverse=True)
        unreadable = []
        for step in steps:
            try:
                state = _read(self._manager, step, target)["state"]
            except Exception as error:  # orbax raises many types for a damaged file
                announce(f"checkpoint of step {step} can't be read ({_first_line(error)}); trying the one before")
                unreadable.append(step)
                continue
            for bad in unreadable:
                self._move_away(bad)
            self._manager.reload()
            return step, state
        if unreadable:
            raise UserError(
                f"none of the checkpoints in {self._workdir / 'checkpoints'} can be read (steps {unreadable}); "
                "delete that folder to train from the start"
            )
        return None

    def describe_last(self) -> str:
        """Return the end of an error message, which names the last good checkpoint."""
        step, path = self.latest()
        return "no checkpoint was written yet" if step is None else f"last good checkpoint: step {step}, {path}"

    @contextmanager
    def named_when_stopped(self) -> Iterator[None]:
        """Inside, an `Interrupted` gets a message that names the checkpoint from which the run continues.

        The message is made when that checkpoint is on the disk.
        """
        try:
            yield
        except Interrupted as request:
            step, path = self.latest()
            where = "the start" if step is None else f"step {step}, {path}"
            line = f"{request.signal}: stopped; the same command goes on from {where}"
            raise Interrupted(line, request.signal) from None

    def _move_away(self, step: int) -> None:
        folder = self._workdir / "corrupted"
        folder.mkdir(exist_ok=True)
        taken = sum(path.name.split("-")[0] == str(step) for path in folder.iterdir())
        (self._workdir / "checkpoints" / str(step)).rename(folder / f"{step}-{taken}")


def load_network(workdir: Path | str, which: str = "best", best_metric: str = "psnr") -> tuple[ConfigDict, Any, int]:
    """Read a trained network.

    Args:
      workdir: a run's folder; the run may still be training.
      which: 'best' (the highest `best_metric` on the validation photographs) or 'last'.
      best_metric: a metric of the history's validation lines.

    Returns:
      the run's config, the network's variables (NumPy arrays; the averaged ones if the run keeps an average), the step.

    Raises:
      UserError: there is no such checkpoint, or it can't be read.
    """
    workdir = Path(workdir)
    folder = workdir / "checkpoints"
    if which not in ("best", "last"):
        raise UserError(f"which={which!r}: must be 'best' or 'last'")
    if not folder.is_dir():
        raise UserError(f"{workdir} holds no trained network; run the command `train` with this --workdir first")
    # Without a preservation policy the manager deletes nothing.
    options = ocp.CheckpointManagerOptions(create=False, multiprocessing_options=_single_process_options())
    with ocp.CheckpointManager(folder.absolute(), options=options) as manager:
        steps = sorted(manager.all_steps(), reverse=True)
        if which == "best":
            best = best_step(read_history(workdir), best_metric)
            if best not in steps:
                raise UserError(f"{workdir} has no checkpoint that was validated by {best_metric}; use the last one")
            steps = [best]
        for step in steps:
            try:
                items = _read(manager, step)
            except Exception as error:  # orbax raises many types for a damaged file
                announce(f"{workdir}: checkpoint of step {step} can't be read ({_first_line(error)})")
                continue
            return (
                from_plain(items["run"]["config"]),
                network_variables(items["state"], items["run"].get("network", "")),
                step,
            )
    raise UserError(f"{workdir}: the {which} checkpoint can't be read")


def _single_process_options() -> MultiprocessingOptions:
    """Return options with which orbax does not wait for other processes, because only the first process calls it."""
    if processes.count() == 1:
        return MultiprocessingOptions()
    return MultiprocessingOptions(primary_host=0, active_processes={0}, barrier_sync_key_prefix="first")


class _Only(policies.PreservationPolicy):
    """A policy that keeps the checkpoint of the step that `step` returns."""

    def __init__(self, step: Callable[[], int | None]):
        self._step = step

    def should_preserve(self, checkpoints: Sequence[Any], *, context: Any) -> Sequence[bool]:
        del context
        step = self._step()
        return [checkpoint.step == step for checkpoint in checkpoints]


def _read(manager: ocp.CheckpointManager, step: int, target: TrainState | None = None) -> Any:
    """Return the items of a checkpoint; the state has the structure of `target`, or is nested dicts without one."""
    with _no_late_complaints():
        run = manager.restore(step, args=ocp.args.Composite(run=ocp.args.JsonRestore()))["run"]
        written = _without_parts(target) if target and "network" not in run else target
        found = manager.restore(step, args=ocp.args.Composite(state=ocp.args.StandardRestore(written)))["state"]
        if written is not target:
            found = _with_parts(found, target)
    items = {"run": run, "state": found}
    if _checksum(items["state"]) != items["run"]["checksum"]:
        raise ValueError("its bytes are not those that were written")
    return items


def _without_parts(state: TrainState) -> Any:
    """Return a state in the older format, from before objectives had parts: without the level of the parts' names."""

    def has_parts(tree: Any) -> bool:
        return isinstance(tree, dict) and tree.keys() == {"network"}

    def fold(tree: Any) -> Any:
        return tree["network"] if has_parts(tree) else tree

    fields = {name: value for name, value in vars(state).items() if name != "memory"}
    return jax.tree.map(fold, fields, is_leaf=has_parts)


def _with_parts(fields: Any, target: TrainState) -> TrainState:
    """Undo `_without_parts`; the result has the structure of `target`."""
    leaves = [leaf for name in vars(target) if name != "memory" for leaf in jax.tree.leaves(fields[name])]
    return jax.tree.unflatten(jax.tree.structure(target), leaves)


@contextmanager
def _no_late_complaints() -> Iterator[None]:
    """Inside, a damaged checkpoint leads to one exception, without further tracebacks.

    When a read fails, orbax closes its event loop. Each of the other reads, on its own thread, then prints a traceback
    because the loop is closed. Most appear within 0.3 s; later ones are harmless noise.
    """
    before = sys.unraisablehook
    sys.unraisablehook = lambda args: None if str(args.exc_value) == "Event loop is closed" else before(args)
    try:
        yield
    except Exception:
        time.sleep(0.3)
        raise
    finally:
        sys.unraisablehook = before


def _checksum(state: Any) -> int:
    """Return the sum of the leaves' checksums, which does not depend on the structure of the tree."""
    return sum(zlib.crc32(np.ascontiguousarray(leaf)) for leaf in jax.tree.leaves(state))


def _first_line(error: Exception) -> str:
    text = str(error).strip()
    return f"{type(error).__name__}: {text.splitlines()[0][:120]}" if text else type(error).__name__
