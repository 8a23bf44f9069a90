"""The public names of the package: all there, and imported only when they are used."""

import subprocess
import sys

import pytest

import stdask

LOADED = "import sys, stdask; print([name for name in sys.modules if name.startswith('stdask.') or name == 'numpy'])"


@pytest.mark.parametrize("name", stdask.__all__)
def test_every_public_name_is_there_and_listed(name: str):
    assert getattr(stdask, name) is not None
    assert name in dir(stdask)


def test_importing_the_package_imports_nothing_else():
    loaded = subprocess.run([sys.executable, "-c", LOADED], capture_output=True, text=True, check=True)
    assert loaded.stdout.strip() == "[]"


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="module 'stdask' has no attribute 'translate'"):
        stdask.translate  # noqa: B018
