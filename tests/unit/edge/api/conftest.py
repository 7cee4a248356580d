"""A running stand for every test of the API."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from api_stand import Stand


@pytest.fixture
async def stand(tmp_path: Path) -> AsyncIterator[Stand]:
    async with Stand(tmp_path).running(media=False) as running:
        yield running


@pytest.fixture
async def playing(tmp_path: Path) -> AsyncIterator[Stand]:
    async with Stand(tmp_path).running() as running:
        yield running


@pytest.fixture
async def owner(stand: Stand) -> AsyncIterator[httpx.AsyncClient]:
    async with stand.client() as client:
        yield client


@pytest.fixture
async def anyone(stand: Stand) -> AsyncIterator[httpx.AsyncClient]:
    async with stand.client(sign_in=False) as client:
        yield client
