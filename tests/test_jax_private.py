"""jax's private parts: all uses lie in one file, and a version without one of them is named."""

import re
import sys
from importlib import metadata
from pathlib import Path

import pytest
from jax._src import distributed
from jax._src.lib import _jax

import colorjax
from colorjax.errors import UserError
from colorjax.processes import jax_private

LINE = (
    rf"^jax {re.escape(metadata.version('jax'))} does not have what several processes need of it \(.*{{}}.*\); install"
)


class Client:
    """Jax's client with one method less."""

    def __init__(self, missing):
        for name in jax_private._OF_CLIENT:
            if name != missing:
                setattr(self, name, None)


def new_client():
    return jax_private.new_client("localhost:1", 0, 1, 1)


def test_jax_private_has_all_uses_of_private_parts():
    root = Path(colorjax.__file__).parent
    private = re.compile(r"^\s*(from (jax\._src|jaxlib)\b|import jaxlib\.)|jax\._src\.", re.MULTILINE)
    using = [path.name for path in root.rglob("*.py") if private.search(path.read_text(encoding="utf-8"))]
    assert using == ["jax_private.py"]


def test_jax_private_fits_the_jax_that_is_installed():
    client = new_client()
    assert callable(client.connect)
    assert distributed.global_state.client is None


@pytest.mark.parametrize("missing", jax_private._OF_CLIENT)
def test_jax_private_names_the_version_whose_client_lacks_a_method(monkeypatch, missing):
    monkeypatch.setattr(_jax, "get_distributed_runtime_client", lambda *_, **__: Client(missing))
    with pytest.raises(UserError, match=LINE.format(missing)):
        new_client()


@pytest.mark.parametrize(
    ("start", "name"),
    [
        (new_client, "get_distributed_runtime_client"),
        (lambda: jax_private.start_service(1, 2, 1), "get_distributed_runtime_service"),
    ],
)
def test_jax_private_names_the_version_without_a_function_or_with_other_arguments(monkeypatch, start, name):
    with monkeypatch.context() as patch:
        patch.setattr(_jax, name, lambda: None)
        with pytest.raises(UserError, match=LINE.format("argument")):
            start()
        patch.delattr(_jax, name)
        with pytest.raises(UserError, match=LINE.format(name)):
            start()


def test_jax_private_names_the_version_without_its_state(monkeypatch):
    monkeypatch.setitem(sys.modules, "jax._src.distributed", None)
    monkeypatch.delattr("jax._src.distributed")
    with pytest.raises(UserError, match=LINE.format("distributed")):
        new_client()
