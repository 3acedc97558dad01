"""`launch.py measure`: all metrics of a folder of pictures against another."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from tqdm import tqdm

from colorjax.errors import UserError
from colorjax.evaluation import fid as inception
from colorjax.evaluation.folders import pair_folders, read_pair, require_same_sizes
from colorjax.evaluation.measure import measure, metric_names
from colorjax.evaluation.picture_features import DECLARED, features
from colorjax.evaluation.protocol import Protocol
from colorjax.evaluation.statistics import LEVEL, Estimate, means_with_intervals
from colorjax.metrics.frechet import frechet_distance, moments
from colorjax.metrics.info import MEASURES
from colorjax.models.inception_v3 import FEATURES
from colorjax.pages.text import counted, markdown_table, write_csv

# Sides of pictures that are measured as they are: nothing is resized, clipped or cut.
_PROTOCOL = Protocol(name="measure", data="", task="colorize", pictures=("",), round_to_8_bits=False)
FILES = ("measure.csv", "pictures.csv")  # a row for each metric, and one for each pair


class Measured(NamedTuple):
    """The numbers of all pairs.

    Attributes:
      names: of the pairs.
      values: [pairs, metrics], in the order of `metric_names`.
      distance: the Fréchet distance between the two sets; NaN without features or with fewer than two pairs.
      lack: why there is no distance; "" if there is one.
      fid: FID of the two sets; NaN if it was not asked for.
    """

    names: tuple[str, ...]
    values: np.ndarray
    distance: float
    lack: str
    fid: float


def main(folder: str, against: str, output: str = "", fid: str = "") -> None:
    """Measure the pictures of `folder` against those of `against` and print a table.

    Args:
      folder: of the results.
      against: of the truths.
      output: folder for measure.csv (a row for each metric) and pictures.csv (a row for each pair); "" for none.
      fid: the manner of FID, a key of `fid.PROGRAMS`; "" for no FID.

    Raises:
      UserError: the folders don't pair, a picture can't be read, or sizes differ; FID without weights, or of one pair.
    """
    if fid:
        inception.require_weights()
    if output:
        _make(Path(output))
    pairs, remarks = pair_folders(Path(folder), Path(against))
    for line in remarks:
        print(f"left out: {line}", file=sys.stderr)
    if fid and len(pairs) < 2:
        raise UserError(f"--fid={fid}: FID takes two pictures or more; one of {folder} has a partner in {against}")
    measured = _measured(pairs, fid)
    names = metric_names(_PROTOCOL)
    estimates = dict(zip(names, means_with_intervals(measured.values), strict=True))
    print(f"{counted(len(pairs), 'picture')} of {folder} against {against}\n")
    lines = [_line(name, estimate) for name, estimate in estimates.items()]
    if not measured.lack:
        lines.append(["Fréchet distance", f"{measured.distance:.2f}", "", "lower is better"])
    if fid:
        lines.append([f"FID (as {inception.PROGRAMS[fid]})", f"{measured.fid:.2f}", "", "lower is better"])
    print(markdown_table(["Metric", "Mean", f"{LEVEL:.0%} interval", ""], lines))
    print(f"\n{_about_distance(measured.lack)}")
    if fid:
        print(_about_fid(len(pairs), fid))
    if output:
        _write(Path(output), measured, estimates, fid)


def _measured(pairs, fid: str) -> Measured:
    sizes, values, found, of_inception, lack = {}, [], ([], []), ([], []), ""
    for pair in tqdm(pairs, desc="measuring", unit="picture", disable=None, leave=False):
        result, truth = read_pair(pair)
        sizes[pair.name] = (result.shape[:2], truth.shape[:2])
        if result.shape != truth.shape:
            continue  # all are listed together
        numbers = measure(_PROTOCOL, truth, result)
        values.append([numbers[name] for name in metric_names(_PROTOCOL)])
        if fid:
            for side, picture in zip(of_inception, (result, truth), strict=True):
                side.append(inception.features(picture, fid))
        try:
            for side, picture in zip(found, (result, truth), strict=True):
                if not lack:
                    side.append(features(picture))
        except UserError as error:
            lack = str(error)
    require_same_sizes(sizes)
    if len(pairs) < 2:
        lack = lack or "it takes two pictures or more"
    distance = float("nan") if lack else _distance(found)
    names, values = tuple(pair.name for pair in pairs), np.array(values, np.float64)
    return Measured(names, values, distance, lack, _distance(of_inception) if fid else float("nan"))


def _distance(sides: Sequence[Sequence[np.ndarray]]) -> float:
    return frechet_distance(*(moments(np.array(side)) for side in sides))


def _about_distance(lack: str) -> str:
    if lack:
        return f"No Fréchet distance: {lack}."
    return f"Fréchet distance of features of {DECLARED}. It is not FID, and it is too large for few pictures."


def _about_fid(count: int, fid: str) -> str:
    """Return what FID is of, and the warning about few pictures: n of them give a covariance of rank n - 1 or less."""
    line = f"FID of {counted(count, 'picture')} a side, as {inception.PROGRAMS[fid]} computes it."
    if count > FEATURES:
        return line
    return f"{line} With {FEATURES:,} or fewer the covariances are singular and FID is biased."


def _line(name: str, estimate: Estimate) -> list[str]:
    shown = MEASURES[name]
    interval = "n/a" if np.isnan(estimate.low) else f"[{shown.show(estimate.low)}, {shown.show(estimate.high)}]"
    better = {True: "higher is better", False: "lower is better", None: "0 is best"}[shown.higher_is_better]
    return [shown.title, shown.show(estimate.mean), interval, better]


def _make(directory: Path) -> None:
    """Make the folder of the results, before they are measured."""
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"--output={directory}: can't be made ({error.strerror or error})") from None
    for name in FILES:
        if (directory / name).is_dir():
            raise UserError(f"--output={directory}: {name} in it is a folder, and a file of that name is to be written")


def _write(directory: Path, measured: Measured, estimates: dict[str, Estimate], fid: str) -> None:
    distances = {} if measured.lack else {"frechet_distance": measured.distance}
    if fid:
        distances[f"fid_{fid}"] = measured.fid
    rows = [[name, *estimate] for name, estimate in estimates.items()]
    rows += [[name, distance, "", "", len(measured.names)] for name, distance in distances.items()]
    of_metrics, of_pictures = (directory / name for name in FILES)
    lines = [[name, *values] for name, values in zip(measured.names, measured.values.tolist(), strict=True)]
    write_csv(of_metrics, [["metric", "mean", "low", "high", "count"], *rows])
    write_csv(of_pictures, [["picture", *estimates], *lines])
