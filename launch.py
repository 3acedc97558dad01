"""The command line of colorjax; `python launch.py --help` is its manual. No logic lives here."""

import argparse
import sys

OVERVIEW = """\
Colorize and denoise photographs: your own, or those of an experiment: prepare data, train, measure, compare.

  python launch.py restore old.jpg --output=restored
  python launch.py table   --config=experiments/table1.py:smoke --workdir=runs/table1
  python launch.py train   --config=experiments/colorize_unet.py --workdir=runs/unet --config.training.epochs=3
  python launch.py sweep   --config=experiments/sweep_denoise.py --workdir=runs/sweep --jobs=2
  python launch.py compare --workdir=runs/sweep
"""

ENDING = """\
A config is a Python file with an optional variant, FILE[:VARIANT]; the header of each file in experiments/ gives
its variants, hardware, running time and the numbers to expect. Any setting in it can be changed by
--config.KEY=VALUE, and a name or a type that does not fit is an error.

Exit status: 0 done; 1 failed; 2 bad input; 3 the loss stopped being finite; 75 stopped by a signal after writing
a checkpoint (the same command goes on from it); 130 stopped by Ctrl-C without one.

'python launch.py COMMAND --help' tells more about a command.
"""

ENDING_OF_PICTURES = """\
Exit status: 0 every picture was done; 1 some were left out; 2 bad input; 130 stopped by Ctrl-C: what was finished
by then stays, and no file is half written.
"""

PICTURES = """\
JPEG, PNG, TIFF, BMP, WebP and others of any size, 8 or 16 bits; alpha and metadata are kept where the format can
hold them. What can't be read is named and skipped. An input is never overwritten.
"""

COMMANDS = {
    "prepare": (
        "build a data set from its photographs",
        "Writes the photographs of config.data once as array_record files, in config.data.data_dir. A photograph that\n"
        "can't be read is skipped and named. The other commands do this by themselves where it has not been done.",
    ),
    "train": (
        "train one network",
        "Trains the network of a run config, or goes on where an earlier start stopped. DIR then holds config.json,\n"
        "history.jsonl, tensorboard/ and checkpoints/ (the newest few and the best).",
    ),
    "evaluate": (
        "measure a trained network",
        "Measures the best checkpoint in DIR under config.protocol, prints its row beside those of the input and of\n"
        "the mean color, and writes table.md, table.csv, pictures.csv and report.html into DIR/evaluation. With\n"
        "--weights, measures those instead, by default under the config that they were trained with.",
    ),
    "table": (
        "train and measure all rows of a comparison",
        "Trains each row of a table config that is not trained yet (in DIR/rows/NAME), measures all under one\n"
        "protocol, prints the table and writes table.md, table.csv, pictures.csv and report.html into DIR.",
    ),
    "sweep": (
        "run many variations of one config, here or on a cluster",
        "Lists the runs that the config file's sweep(add) adds, with what differs in each, and starts those that are\n"
        "not done: here, or on Slurm as one job array. DIR then holds a snapshot of the code, logs/ and runs/NAME/,\n"
        "each a workdir of train. The same command again starts only what is not done, waiting or running.",
    ),
    "search": (
        "search for the best settings",
        "Starts workers that take trials out of the config file's search_space() by Optuna, stops those that do\n"
        "worse than the others, and goes on until there are --search.trials. DIR then holds study.journal and\n"
        "runs/trial-N/. The same command again goes on; on Slurm it adds workers.",
    ),
    "work": (
        "take part in a search (search starts this by itself)",
        "Takes trials of the search in DIR until there are enough. Any number of processes may do so at a time.",
    ),
    "status": (
        "show how the runs in a folder stand",
        "Prints a line for each run in DIR (a run's own folder, a sweep's, a search's or a table's): state, step,\n"
        "examples per second, best PSNR of its validations, time left (of training alone, without validations), and\n"
        "why it stands where it does. It only reads files: any machine that sees DIR will do, while the runs go on\n"
        "and afterwards. States: waiting, running, done, stopped (goes on from its checkpoint), pruned, failed, lost\n"
        "(says that it runs, and gives no sign of life).",
    ),
    "compare": (
        "compare the runs in a folder",
        "Groups the runs in DIR by the settings that differ between them, seeds aside, and prints mean and standard\n"
        "deviation of their validation metrics, the best group first. Writes compare.md, compare.csv (a row a group),\n"
        "runs.csv (a row a run) and compare.html (the same, with charts) into DIR.",
    ),
    "denoise": (
        "take the noise out of your own pictures",
        "Denoises files and the pictures in folders, in color or gray, and writes them into DIR in their own format.\n"
        + PICTURES,
    ),
    "colorize": (
        "give your own pictures colors",
        "Colors files and the pictures in folders by a network or, with --hints, from colors that you painted over a\n"
        "copy of the picture (Levin et al. 2004). Lightness stays what it is. Writes into DIR.\n" + PICTURES,
    ),
    "restore": (
        "denoise your own pictures, then colorize them",
        "Denoises and then colors files and the pictures in folders, and writes them into DIR.\n" + PICTURES,
    ),
    "export": (
        "write a trained network as one file",
        "Writes a checkpoint of the run in DIR as a safetensors file with its config in the header, which\n"
        "denoise, colorize, evaluate (--weights), config.training.start_from and the method pretrained take.",
    ),
    "weights": (
        "convert published weights",
        "Reads the published weights of a network, checks that they are all there, and keeps them in $COLORJAX_CACHE\n"
        "(by default ~/.cache/colorjax), where configs find them. inception: Inception-ResNet-v2 from Keras (.h5 with\n"
        "or without classifier, .weights.h5) or from timm (its state dict as safetensors).",
    ),
}
RESTORING = ("denoise", "colorize", "restore")
TOGETHER = ("train", "evaluate", "table")  # that may run as several processes
NETWORKS = ("inception",)  # that `weights` knows


def main(words: list[str]) -> int:
    """Parse `words`, call `colorjax.commands.run`, return the exit status."""
    page = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(
        "launch.py", description=OVERVIEW, epilog=ENDING, formatter_class=page, allow_abbrev=False
    )
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name, (summary, description) in COMMANDS.items():
        command = commands.add_parser(
            name,
            help=summary,
            description=description,
            epilog=ENDING_OF_PICTURES if name in RESTORING else ENDING,
            formatter_class=page,
            allow_abbrev=False,
        )
        if name in RESTORING:
            command.add_argument("paths", nargs="+", metavar="PATH", help="a picture, or a folder of pictures")
            command.add_argument("--output", required=True, metavar="DIR", help="where the results go")
            if name == "colorize":
                command.add_argument("--method", default="", metavar="NAME", help="network (default) or scribble")
                command.add_argument("--hints", default="", metavar="PICTURE", help="a copy with colors painted over")
            if name != "restore":
                command.add_argument("--weights", default="", metavar="NAME|FILE", help="of another network")
            text = "write picture and result side by side, too"
            command.add_argument("--compare", action="store_true", help=text)
            text = "skip larger pictures (default: 100 million)"
            command.add_argument("--max_pixels", type=int, default=100_000_000, metavar="N", help=text)
            continue
        if name == "weights":
            command.add_argument("network", choices=NETWORKS, help="the network that they are for")
            command.add_argument("--from", dest="source", required=True, metavar="FILE", help="the published file")
            continue
        reads = name in ("status", "compare")
        if name not in ("work", "export") and not reads:
            required = name != "evaluate"  # which finds one in the file of weights
            command.add_argument("--config", required=required, metavar="FILE[:VARIANT]", help="the config to use")
            settings = command.add_argument_group("settings")
            settings.add_argument("--config.KEY", dest="_", metavar="VALUE", help="change a setting: --config.seed=1")
        if name != "prepare":
            text = "the folder with the runs" if reads else "the run" if name == "export" else "where the results go"
            command.add_argument("--workdir", required=True, metavar="DIR", help=text)
        if name == "evaluate":
            command.add_argument("--weights", default="", metavar="NAME|FILE", help="measure these, not a checkpoint")
        if name == "export":
            command.add_argument("--output", required=True, metavar="FILE", help="the file to write, .safetensors")
            text = "which of its checkpoints (default: best)"
            command.add_argument("--checkpoint", choices=("best", "last"), default="best", help=text)
            settings = command.add_argument_group("settings")
            settings.add_argument("--config.KEY", dest="_", metavar="VALUE", help="change how the network is used")
            command.set_defaults(config="")
        if name == "status":
            command.add_argument("--watch", action="store_true", help="again and again, until all runs are at an end")
        if name == "compare":
            command.add_argument("--by", metavar="KEY", help="group by this setting alone, such as learning_rate")
            command.add_argument("--metric", default="psnr", metavar="NAME", help="sort by this one (default: psnr)")
        if name in ("train", "work"):
            text = "under Slurm: back into the queue when the time is up, until N starts in a row got nowhere"
            command.add_argument("--attempts", type=int, default=0, metavar="N", help=text)
        if name in TOGETHER:
            meeting = command.add_argument_group(
                "several processes",
                "Under srun its tasks find each other by themselves. Elsewhere start the same command once for each\n"
                "process, with these three; all need to see the same --workdir.",
            )
            meeting.add_argument("--coordinator", default="", metavar="HOST:PORT", help="where process 0 is")
            meeting.add_argument("--processes", type=int, metavar="N", help="how many there are")
            meeting.add_argument("--process", type=int, metavar="I", help="which one this is, from 0 on")
        if name in ("sweep", "search"):
            command.add_argument("--executor", choices=("local", "slurm"), default="local", help="default: local")
            command.add_argument("--jobs", type=int, metavar="N", help="how many at a time (default: 1)")
            command.add_argument("--dry_run", action="store_true", help="only list, and show the script for Slurm")
            command.add_argument("--cluster", default="", metavar="FILE[:VARIANT]", help="what Slurm is asked for")
            settings.add_argument("--cluster.KEY", dest="_", metavar="VALUE", help="the same, one by one")
        if name == "search":
            settings.add_argument("--search.KEY", dest="_", metavar="VALUE", help="such as --search.trials=40")
            command.set_defaults(search="")
    options, overrides = parser.parse_known_args(words)
    arguments = {name: value for name, value in vars(options).items() if name not in ("command", "_")}

    import datasets  # here, so that --help does not wait for them
    from colorjax.commands import run

    return run(options.command, arguments, overrides, datasets)


if __name__ == "__main__":
    try:
        status = main(sys.argv[1:])
    except KeyboardInterrupt:  # while it was loading
        print("launch.py: stopped (Ctrl-C)", file=sys.stderr)
        status = 130
    sys.exit(status)
