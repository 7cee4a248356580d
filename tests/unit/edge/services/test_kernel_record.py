"""What the kernel refused a service, over its lives."""

from types import SimpleNamespace

from eyespot.cli.service_now import now_in_words
from eyespot.edge.services.engines.contract import KernelRefusals
from eyespot.edge.services.kernel_record import SHOWN, KernelRecord


def running(told: bool = True, held_up: int = 0, **by_call: int) -> SimpleNamespace:
    return SimpleNamespace(refusals=lambda: KernelRefusals(told, by_call, held_up))


def test_counts_go_on_over_lives_and_the_first_of_a_kind_is_new_in_each() -> None:
    record = KernelRecord()
    assert record.look(running(mount=1)) == ["mount"]
    assert record.look(running(mount=3, ptrace=1)) == ["ptrace"]
    record.end()
    assert record.status(None)["refused"] == 4
    assert record.look(running(mount=1, held_up=2)) == ["mount"]
    found = record.status(running(mount=1, held_up=2))
    assert (found["told"], found["refused"], found["by_call"]) == (True, 5, {"mount": 4, "ptrace": 1})
    assert (found["refusals"], found["held_up"]) == (["mount 4 times", "ptrace once"], 2)


def test_the_status_is_bounded_and_counts_all() -> None:
    record = KernelRecord()
    many = running(**{f"call{number}": number + 1 for number in range(SHOWN + 10)})
    found = record.status(many)
    assert len(found["by_call"]) == len(found["refusals"]) == SHOWN
    assert found["refused"] == sum(range(SHOWN + 11))


def test_in_words() -> None:
    record = KernelRecord()
    told = record.status(running(**{"socket(AF_INET)": 12}, mount=1))
    assert list(now_in_words({"kernel": told})) == ["Refused by the kernel: socket(AF_INET) 12 times, mount once"]
    untold = record.status(running(told=False))
    assert "not counted here" in next(now_in_words({"kernel": untold}))
    assert list(now_in_words({"kernel": KernelRecord().status(None)})) == []
