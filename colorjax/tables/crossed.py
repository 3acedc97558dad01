"""Several tables as one: methods down, noises across, PSNR in the cells; and one report with pictures of each noise."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from colorjax.evaluation.evaluate import Evaluation
from colorjax.evaluation.protocol import Protocol
from colorjax.evaluation.statistics import LEVEL, means_with_intervals
from colorjax.pages.page import page
from colorjax.pages.text import markdown_table, write_csv
from colorjax.runtime.atomic import write_atomically
from colorjax.tables.report import sample_pictures

PICTURES = 2  # of each noise in the report


class Section(NamedTuple):
    """The measurement under one noise.

    Attributes:
      label: names the noise.
      folder: with the whole table and its own report, relative to that of the crossed one.
      protocol: of the measurement.
      evaluations: by the label of the row.
    """

    label: str
    folder: str
    protocol: Protocol
    evaluations: dict[str, Evaluation]


def write_crossed(directory: Path, title: str, sections: Sequence[Section]) -> str:
    """Write table.md, table.csv and report.html into `directory`; return the table as Markdown.

    Args:
      directory: of the files.
      title: of the table.
      sections: of the same rows each.
    """
    labels = list(sections[0].evaluations)
    estimates = {section.label: {label: _psnr(section, label) for label in labels} for section in sections}
    header = ["Method", *estimates]
    rows = [[label, *(f"{column[label].mean:.2f}" for column in estimates.values())] for label in labels]
    foot = [
        "PSNR in dB, mean over the photographs; each noise is a measurement of its own, with its own protocol.",
        *(
            f"{section.label}: protocol {section.protocol.hash}, {section.protocol.noise_kind} at "
            f"{section.protocol.noise_level:.4g}, {len(section.protocol.pictures)} photographs"
            for section in sections
        ),
    ]
    text = "\n\n".join([f"# {title}", markdown_table(header, rows), "\n".join(f"- {line}" for line in foot)])
    write_atomically(directory / "table.md", f"{text}\n")
    lines = [["method", "noise", "psnr", "low", "high"]]
    for noise, column in estimates.items():
        lines += [[label, noise, one.mean, one.low, one.high] for label, one in column.items()]
    write_csv(directory / "table.csv", lines)
    shown = [
        {"section": section, "pictures": sample_pictures(section.protocol, section.evaluations, PICTURES)}
        for section in sections
    ]
    best = {noise: max(column, key=lambda label: column[label].mean) for noise, column in estimates.items()}
    write_atomically(
        directory / "report.html",
        page(
            "tables/crossed.html",
            title=title,
            level=f"{LEVEL:.0%}",
            estimates=estimates,
            labels=labels,
            best=best,
            sections=shown,
            foot=foot,
        ),
    )
    return text


def _psnr(section, label):
    """Return the mean PSNR of a row with its interval."""
    return means_with_intervals(section.evaluations[label].values("psnr")[:, None], None)[0]
