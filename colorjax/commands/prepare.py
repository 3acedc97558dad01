"""`launch.py prepare`: build the data sets of a config."""

from types import ModuleType

from ml_collections import ConfigDict

from colorjax.config import test_data_config


def main(config: ConfigDict, data: ModuleType) -> None:
    """Build the data sets that the config names and print what is in them."""
    print(data.prepare(config.data).describe())
    if config.test_data.name:
        print(data.prepare(test_data_config(config)).describe())
