"""Accounts in the inference process: shares by camera that follow the plan, for as long as somebody holds them."""

import asyncio
import threading
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from eyespot.edge.detector import account_of
from eyespot.edge.infer_accounts import COMMON, RemoteAccounts, shares_of
from eyespot.edge.infer_client import Account, RemoteSession
from eyespot.edge.infer_door import DoorSettings
from eyespot.edge.infer_models import Wanted
from eyespot.edge.infer_process import InferenceProcess
from eyespot.edge.infer_wire import MAX_ACCOUNTS
from eyespot.kernel.clock import SystemClock

PICTURE = np.full((32, 48, 3), (10, 20, 30), np.uint8)
A, B = account_of("a"), account_of("b")
LOAD = 3


def test_shares_are_the_plans_of_the_cameras_part() -> None:
    shares = shares_of({"a": 0.6, "b": 0.2}, part=0.75)
    assert shares == pytest.approx({A: 0.45, B: 0.15, COMMON: 0.15})


def test_too_small_or_too_many_use_the_common_account() -> None:
    assert shares_of({"a": 0.001}, part=1.0) == {COMMON: 1.0}
    many = shares_of({f"c{number}": 0.012 for number in range(60)}, part=1.0)
    assert len(many) == MAX_ACCOUNTS
    assert sum(many.values()) == pytest.approx(1.0)
    assert min(many.values()) >= 0.01
    full = shares_of({"a": 0.5, "b": 0.495}, part=1.0)
    assert full == {COMMON: 0.5, A: 0.5}


def load(path: Path, runs: int) -> Counter[str]:
    """Both accounts always have work until ``runs`` are done: how many each had."""
    done: Counter[str] = Counter()
    lock = threading.Lock()

    def work(payer: str, session: RemoteSession) -> None:
        while sum(done.values()) < runs:
            session.run(PICTURE, borrow=True, client=payer)
            with lock:
                done[payer] += 1

    account = Account(COMMON, 1.0)
    sessions = [(payer, RemoteSession(path, Wanted("means"), account, SystemClock())) for payer in (A, B) * LOAD]
    threads = [threading.Thread(target=work, args=pair) for pair in sessions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for _, session in sessions:
        session.close()
    return done


async def shares_under_load(process: InferenceProcess, accounts: RemoteAccounts, plan: dict[str, float]) -> float:
    await asyncio.to_thread(accounts.set, shares_of(plan, part=1.0))
    done = await asyncio.to_thread(load, process.socket, 400)
    return done[A] / done[B]


async def test_shares_follow_the_plan_while_the_process_runs(started) -> None:  # type: ignore[no-untyped-def]
    async with started("delay_ms=3") as (process, crashes):
        session = await asyncio.to_thread(
            RemoteSession, process.socket, Wanted("means"), Account(COMMON, 1.0), SystemClock(), patience_s=20
        )
        accounts = RemoteAccounts(process.socket)
        assert await shares_under_load(process, accounts, {"a": 0.6, "b": 0.2}) == pytest.approx(3, rel=0.1)
        assert await shares_under_load(process, accounts, {"a": 0.2, "b": 0.6}) == pytest.approx(1 / 3, rel=0.1)
        accounts.close()
        again = await asyncio.to_thread(session.run, PICTURE, client=A)
        assert again[0].tolist() == [[10, 20, 30]]
        session.close()
    assert crashes == []


async def test_an_account_of_somebody_else_is_not_taken(started, caplog) -> None:  # type: ignore[no-untyped-def]
    async with started(doors=DoorSettings(rest_port=0, share=0.25)) as (process, _):
        session = await asyncio.to_thread(
            RemoteSession, process.socket, Wanted("means"), Account(COMMON, 0.75), SystemClock(), patience_s=20
        )
        accounts = RemoteAccounts(process.socket)
        await asyncio.to_thread(accounts.set, {COMMON: 0.5, "guests": 0.2})
        assert "stay as they were" in caplog.text
        caplog.clear()
        await asyncio.to_thread(accounts.set, {COMMON: 0.5, A: 0.25})
        assert not caplog.text
        assert (await asyncio.to_thread(session.run, PICTURE, client=A))[0].tolist() == [[10, 20, 30]]
        accounts.close()
        session.close()
