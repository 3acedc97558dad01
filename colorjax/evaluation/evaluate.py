"""Measure one method under one protocol on every photograph; each gives one row, and none is dropped.

If there are several processes, each measures its share of the photographs, and all get the whole evaluation.
"""

import dataclasses
import functools
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from time import perf_counter
from typing import Any, NamedTuple

import jax
import numpy as np

from colorjax import processes
from colorjax.errors import ColorjaxError, UserError
from colorjax.evaluation.measure import measure, metric_names, task_loss
from colorjax.evaluation.protocol import Protocol
from colorjax.evaluation.side_information import SideInformation
from colorjax.methods import Method
from colorjax.pictures.images import Photograph, content_hash, to_uint8
from colorjax.runtime.pixelwise import map_pixels
from colorjax.tasks import Task


class Cost(NamedTuple):
    """What a method costs: the number of weights that it rests on, and the least seconds a megapixel took.

    The least of all photographs, since the first of each size may wait for a compiler.
    """

    weights: int
    seconds: float


class Sample(NamedTuple):
    """Images of one photograph to look at, each uint8 [H, W, 3].

    `picture` is the photograph's name; the evaluation's row of the same name has the numbers.
    """

    picture: str
    degraded: np.ndarray
    restored: np.ndarray
    truth: np.ndarray


@dataclasses.dataclass(frozen=True)
class Evaluation:
    """The result of measuring a method.

    Attributes:
      method: the method's own name.
      loss: name of the loss in the column `loss`.
      protocol_hash: of the protocol of the measurement.
      columns: 'loss' and the metrics, in the order of the table.
      rows: one dict per image: 'picture' (its name), 'hash' (of its content), 'height' and 'width' (as measured), and
        each of `columns`; NaN where a metric is not defined on that image.
      samples: the images of a few photographs.
      told: what the method received besides the images, in phrases; the hash covers it.
      by_seed: for an average over runs with several seeds, the evaluation of each seed; else empty. The samples are
        those of the first seed.
      cost: of the method; None if it was not taken. It differs from time to time and is no part of the measurement.
    """

    method: str
    loss: str
    protocol_hash: str
    columns: tuple[str, ...]
    rows: tuple[dict[str, Any], ...]
    samples: tuple[Sample, ...] = ()
    told: tuple[str, ...] = ()
    by_seed: Mapping[int, "Evaluation"] = dataclasses.field(default_factory=dict)
    cost: Cost | None = dataclasses.field(default=None, compare=False)

    def values(self, column: str) -> np.ndarray:
        """Return a column's value on each image, `[n]`."""
        return np.array([row[column] for row in self.rows], np.float64)


def evaluate(
    method: Method,
    task: Task,
    protocol: Protocol,
    photographs: Sequence[Photograph],
    samples: int = 0,
    progress: Callable[[Iterable], Iterable] = iter,
    side_information: SideInformation | None = None,
) -> Evaluation:
    """Measure `method` on every photograph of the protocol.

    Args:
      method: receives the degraded image, and what it `needs`.
      task: degrades the clean image, with the protocol's noise, and computes the loss.
      protocol: of the measurement; it identifies the photographs by content.
      photographs: those of the protocol, in any order, read one at a time.
      samples: number of photographs whose images are kept, from the first to the last in even steps, since data sets
        often have those of one kind in a row.
      progress: wraps the indices of the photographs that this process measures, like `tqdm.tqdm`.
      side_information: what the method receives besides; by default what `SideInformation` finds without references.

    Raises:
      UserError: the photographs are not those of the protocol, the protocol is for another task, or the method needs a
        reference and there is none.
      ColorjaxError: the method returned an image of another shape, or one with values that are not finite.
    """
    task = protocol.measured_task(task)
    side_information = side_information or SideInformation(method, protocol)
    rows, kept, seconds, known = {}, {}, {}, frozenset(protocol.pictures)
    shown = np.linspace(0, len(photographs) - 1, min(samples, len(photographs))).round().astype(int).tolist()
    # The processes take photographs in turn, because neighboring ones often have the same size and are equally slow.
    for number in progress(range(processes.index(), len(photographs), processes.count())):
        photograph = photographs[number]
        picture_hash = content_hash(photograph.picture)
        if picture_hash not in known:
            raise UserError(f"the picture {photograph.name} is not one of the protocol {protocol.name!r}")
        truth = map_pixels(task.truth, protocol.truth(photograph.picture))
        degraded = protocol.degraded(_degrade(task, protocol.key(picture_hash), truth))
        observation = side_information.observation(degraded, truth, picture_hash)
        picture, loss, taken = _restore(method, task, photograph.name, truth, observation)
        restored = protocol.restored(picture)
        numbers = {"loss": loss} | measure(protocol, truth, restored)
        height, width = truth.shape[:2]
        seconds[number] = taken * 1e6 / (height * width)
        rows[number] = {"picture": photograph.name, "hash": picture_hash, "height": height, "width": width} | numbers
        if number in shown:
            kept[number] = (photograph.name, *map(to_uint8, (degraded, restored, truth)))
    rows, kept = _joined(rows), _joined(kept)
    _require_protocol_images(rows, protocol)
    columns = ("loss", *metric_names(protocol))
    return Evaluation(
        method.name,
        task.loss_name,
        side_information.protocol.hash,
        columns,
        tuple(rows),
        tuple(Sample(*sample) for sample in kept),
        side_information.told,
        cost=Cost(method.weight_count(), min(_joined(seconds), default=float("nan"))),
    )


def _joined(measured: dict[int, Any]) -> list[Any]:
    """Return the results of all processes, in the order of the photographs."""
    shares = processes.gather([[number, value] for number, value in measured.items()])
    return [value for _, value in sorted((pair for share in shares for pair in share), key=lambda pair: pair[0])]


def _require_protocol_images(rows: Sequence[Mapping[str, Any]], protocol: Protocol) -> None:
    """Raise a `UserError` unless the rows are those of the protocol's images, each as often as the protocol has it."""
    left = Counter(protocol.pictures)
    for row in rows:
        left[row["hash"]] -= 1
        if left[row["hash"]] < 0:
            raise UserError(f"the picture {row['picture']} is not one of the protocol {protocol.name!r}")
    if missing := sum(left.values()):
        raise UserError(f"{missing} of the {len(protocol.pictures)} pictures of {protocol.name!r} were not given")


def _restore(method, task, name, truth, observation):
    """Return the restored image, the task's loss, and the seconds that the method took.

    The loss is that of a network's own outputs. For other methods, and for a network whose outputs are not those of the
    task, it is that of the outputs that would give the image.
    """
    inputs = map_pixels(task.inputs, observation.image)
    began = perf_counter()
    picture, outputs = method.restore(observation)
    picture = np.asarray(picture)
    taken = perf_counter() - began
    if picture.shape != observation.image.shape:
        raise ColorjaxError(f"{method.name} made a picture of {picture.shape} from {name}, {observation.image.shape}")
    if not np.isfinite(picture).all():
        raise ColorjaxError(f"{method.name} made a picture from {name} that has values that are not finite")
    if outputs is None or outputs.shape[-1] != task.output_channels:
        of_picture = map_pixels(task.targets, picture, inputs)
        # A network of a task that is measured as this one may have outputs of another kind.
        outputs = of_picture if outputs is None or outputs.shape[-1] != of_picture.shape[-1] else outputs
    return picture, task_loss(task, truth, inputs, outputs), taken


# The noise is drawn for the image without padding, because random numbers depend on the shape of the array.
@functools.partial(jax.jit, static_argnums=0)
def _degrade(task, key, truth):
    return task.degrade(key, truth)
