"""`launch.py prepare`: build the data sets of a config."""

from types import ModuleType

from ml_collections import ConfigDict

from colorjax.config.defaults import test_data_config


def main(config: ConfigDict, data: ModuleType) -> None:
    """Build the data sets that the config names and print a summary of each.

    Raises:
      UserError: an unknown name, or a source folder that does not fit.
    """
    wanted = data.parts(config.data)
    if config.test_data.name:
        wanted += data.parts(test_data_config(config))
    for part in wanted:
        print(data.prepare(part).describe())
