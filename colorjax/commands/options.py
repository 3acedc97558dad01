"""The options of the commands, in groups. A group adds its options to a parser, and converts their values.

Only the standard library is imported here, so that `--help` is fast; `resolve` imports what it needs.
"""

import argparse
import dataclasses
from argparse import ArgumentParser
from collections.abc import Callable, Sequence
from typing import Any

#: network -> the module with the function `convert` for its published weights
NETWORKS = {
    "inception": "colorjax.models.inception.weights",
    "inception_fid": "colorjax.models.inception_v3_weights",
    **{f"efficientnet_lite{number}": "colorjax.models.efficientnet_weights" for number in range(3)},
    **dict.fromkeys(("dncnn", "ffdnet", "ircnn", "drunet"), "colorjax.models.published.convert"),
}
#: the keys of `fid.PROGRAMS`, which imports jax
FID_MANNERS = ("clean", "pytorch")
#: the options with which several processes find each other
MEETING = ("coordinator", "processes", "process")


def _leave(arguments: dict[str, Any], words: Sequence[str]) -> None:
    """Change nothing, because the command takes the values as argparse returns them."""


@dataclasses.dataclass(frozen=True)
class Options:
    """A group of options.

    Attributes:
      add: adds the options to the parser of a command.
      section: name of the settings that words such as --SECTION.KEY=VALUE change; '' for none.
      section_help: help text for these words.
      resolve: called with the command's arguments and the words of the section. It replaces the values from argparse
        by those that the command takes, and raises a `UserError` for bad input.
      positional: the argument that also takes words without a dash that follow an option, which argparse leaves out.
    """

    add: Callable[[ArgumentParser], None]
    section: str = ""
    section_help: str = ""
    resolve: Callable[[dict[str, Any], Sequence[str]], None] = _leave
    positional: str = ""


def _add_hyphened(parser: ArgumentParser, name: str, **settings: Any) -> None:
    """Add an option with hyphens in its name. Its spelling with underscores works too, but is not in the help."""
    parser.add_argument(name, **settings)
    hidden = settings | {"default": argparse.SUPPRESS, "help": argparse.SUPPRESS}
    parser.add_argument(f"--{name.removeprefix('--').replace('-', '_')}", **hidden)


# Configs


def config(required: bool = True, with_file: bool = False) -> Options:
    """Return the option --config.

    Args:
      required: whether it must be given; otherwise the config saved with `--weights` is used in its absence.
      with_file: whether the command also receives the argument `file`, the value of --config as typed.
    """

    def add(parser):
        parser.add_argument("--config", required=required, metavar="FILE[:VARIANT]", help="the config to use")

    def resolve(arguments, words):
        from colorjax.config import files

        if with_file:
            arguments["file"] = arguments["config"]
        if arguments["config"]:
            arguments["config"] = files.load(arguments["config"], words)
        else:
            arguments["config"] = _config_of_weights(arguments["weights"], words)

    return Options(add, "config", "change a setting: --config.seed=1", resolve)


def _config_of_weights(weights, words):
    from colorjax.config.files import override
    from colorjax.errors import UserError
    from colorjax.weights import load

    if not weights:
        raise UserError("give --config=FILE[:VARIANT], or --weights=NAME to measure trained weights under their own")
    return override(load(weights).config, words)


def _add_any_config(parser):
    kinds = "a config file, the folder of a run, a file of weights, or the name of one that comes with colorjax"
    parser.add_argument("--config", required=True, metavar="CONFIG", help=kinds)
    parser.add_argument("--diff", default="", metavar="CONFIG", help="another one: print only what differs")


def _resolve_any_config(arguments, words):
    from colorjax.commands.config import read
    from colorjax.config.files import override

    arguments["source"] = arguments["config"]
    arguments["config"] = override(read(arguments["source"], "--config"), words)


ANY_CONFIG = Options(_add_any_config, "config", "change a setting: --config.seed=1", _resolve_any_config)


def _resolve_changes(arguments, words):
    arguments["changes"] = words


#: changes to the saved config of a run
CHANGES = Options(lambda parser: None, "config", "change how the network is used", _resolve_changes)


# Runs and their folders


def workdir(text: str) -> Options:
    """Return the option --workdir with the help `text`."""
    return Options(lambda parser: parser.add_argument("--workdir", required=True, metavar="DIR", help=text))


def _add_attempts(parser):
    text = "under Slurm: back into the queue when the time is up, until N starts in a row got nowhere"
    parser.add_argument("--attempts", type=int, default=0, metavar="N", help=text)


ATTEMPTS = Options(_add_attempts)


def _add_processes(parser):
    group = parser.add_argument_group(
        "several processes",
        "Under srun its tasks find each other by themselves. Elsewhere start the same command once for each\n"
        "process, with these three; all need to see the same --workdir.",
    )
    group.add_argument("--coordinator", default="", metavar="HOST:PORT", help="where process 0 is")
    group.add_argument("--processes", type=int, metavar="N", help="how many there are")
    group.add_argument("--process", type=int, metavar="I", help="which one this is, from 0 on")


PROCESSES = Options(_add_processes)


def _add_watch(parser):
    parser.add_argument("--watch", action="store_true", help="again and again, until all runs are at an end")


WATCH = Options(_add_watch)


def _add_grouping(parser):
    parser.add_argument("--by", metavar="KEY", help="group by this setting alone, such as learning_rate")
    parser.add_argument("--metric", default="psnr", metavar="NAME", help="sort by this one (default: psnr)")


GROUPING = Options(_add_grouping)


# Sweeps and searches


def _add_executor(parser):
    parser.add_argument("--executor", choices=("local", "slurm"), default="local", help="default: local")
    parser.add_argument("--jobs", type=int, metavar="N", help="how many at a time (default: 1)")
    _add_hyphened(parser, "--dry-run", action="store_true", help="only list, and show the script for Slurm")
    parser.add_argument("--cluster", default="", metavar="FILE[:VARIANT]", help="what Slurm is asked for")


def _resolve_executor(arguments, words):
    from colorjax.sweeps.cluster import load_cluster
    from colorjax.sweeps.executor import Executor

    cluster = load_cluster(arguments.pop("cluster"), words)
    arguments["executor"] = Executor(arguments["executor"] == "slurm", arguments.pop("jobs"), cluster)


EXECUTOR = Options(_add_executor, "cluster", "the same, one by one", _resolve_executor)


def _resolve_search(arguments, words):
    from colorjax.sweeps.search import load_search_config

    arguments["search"] = load_search_config(words)


SEARCH = Options(lambda parser: None, "search", "such as --search.trials=40", _resolve_search)


# Pictures


def _add_pictures(parser):
    parser.add_argument("paths", nargs="+", metavar="PATH", help="a picture, or a folder of pictures")
    parser.add_argument("--output", required=True, metavar="DIR", help="where the results go")


PICTURES = Options(_add_pictures, positional="paths")


def _add_coloring(parser):
    text = (
        "network (default); scribble, with --hints; or by example, with a reference: welsh (default with --references),"
        " irony, gupta, reinhard, same_scene"
    )
    parser.add_argument("--method", default="", metavar="NAME", help=text)
    text = "a copy with colors painted over, or strokes and points as JSON"
    parser.add_argument("--hints", default="", metavar="FILE", help=text)
    parser.add_argument("--reference", default="", metavar="PICTURE", help="a photograph with the colors that you want")
    text = "for irony: a picture of the reference's size with one color for each region (default: found)"
    parser.add_argument("--regions", default="", metavar="PICTURE", help=text)
    text = "a folder of color photographs, of which the most similar ones are references"
    parser.add_argument("--references", default="", metavar="FOLDER", help=text)
    parser.add_argument("--count", type=int, default=5, metavar="N", help="of these references (default: 5)")
    text = "write which references were used, as JSON, beside each result"
    _add_hyphened(parser, "--list-references", action="store_true", help=text)
    text = "from 0, safe, to 1, vivid (default: 0.5)"
    parser.add_argument("--vividness", type=float, metavar="SHARE", help=text)
    text = "with --method=scribble: solve for every pixel of a large picture, too, and not for a reduced copy"
    parser.add_argument("--exact", action="store_true", help=text)


COLORING = Options(_add_coloring)


def _add_denoising(parser):
    text = "network (default), bm3d, non_local_means, wavelet, total_variation, bilateral, gaussian, median ..."
    parser.add_argument("--method", default="", metavar="NAME", help=text)
    text = "standard deviation of the noise, of 255; for networks, of those with a map of it (default: estimated)"
    _add_hyphened(parser, "--noise-level", type=float, metavar="NUMBER", help=text)


DENOISING = Options(_add_denoising)


def _add_strength(parser):
    text = "of the denoising, from 0 to 1: less than 1 blends the picture as it was back in (default: 1)"
    parser.add_argument("--strength", type=float, default=1.0, metavar="SHARE", help=text)


STRENGTH = Options(_add_strength)


def _add_results(parser):
    parser.add_argument("--compare", action="store_true", help="write picture and result side by side, too")
    text = "skip larger pictures (default: 100 million)"
    _add_hyphened(parser, "--max-pixels", type=int, default=100_000_000, metavar="N", help=text)


RESULTS = Options(_add_results)


def _add_two_folders(parser):
    parser.add_argument("folder", metavar="FOLDER", help="of the pictures to measure")
    parser.add_argument("--against", required=True, metavar="FOLDER", help="of the true pictures, of the same names")
    text = "write measure.csv (a row for each metric) and pictures.csv (a row for each picture) there"
    parser.add_argument("--output", default="", metavar="DIR", help=text)
    text = "FID too, with pictures resized as by clean-fid or by pytorch-fid; needs 'weights inception_fid'"
    parser.add_argument("--fid", choices=FID_MANNERS, default="", help=text)


TWO_FOLDERS = Options(_add_two_folders)


# The page


def _add_page(parser):
    parser.add_argument("--port", type=int, default=8010, metavar="N", help="default: 8010; 0 for a free one")
    text = "address to listen on (default: 127.0.0.1, this machine alone); others need the token that is printed"
    parser.add_argument("--host", default="127.0.0.1", metavar="NAME", help=text)
    text = "a folder of color photographs to find references in"
    parser.add_argument("--references", default="", metavar="FOLDER", help=text)
    parser.add_argument("--runs", default="", metavar="DIR", help="show the runs in this folder, too, read-only")


PAGE = Options(_add_page)


# Weights


def weights(text: str) -> Options:
    """Return the option --weights with the help `text`."""
    return Options(lambda parser: parser.add_argument("--weights", default="", metavar="NAME|FILE", help=text))


def _add_published(parser):
    parser.add_argument("network", choices=tuple(NETWORKS), help="the network that they are for")
    text = "the published file (default: that of the installed package, if there is one)"
    parser.add_argument("--from", dest="source", default="", metavar="FILE", help=text)


PUBLISHED = Options(_add_published)


def _add_exported(parser):
    parser.add_argument("--output", required=True, metavar="FILE", help="the file to write, .safetensors")
    text = "which of its checkpoints (default: best)"
    parser.add_argument("--checkpoint", choices=("best", "last"), default="best", help=text)


EXPORTED = Options(_add_exported)
