"""What the tests of the cache share: a store in a folder of its own."""

from __future__ import annotations

from pathlib import Path

import pytest

from nnshape.cache import Store


@pytest.fixture
def store(tmp_path):
    return Store(str(tmp_path / "nnshape"), "test")


@pytest.fixture
def folder(store):
    return Path(store.folder)
