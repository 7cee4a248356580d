"""The documents stay true: links lead somewhere, samples load, the CLI reference is the program's own help."""

import re

import pytest
from tree import ROOT

PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page) -> None:  # type: ignore[no-untyped-def]
    text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    broken = [
        target
        for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", text)
        if "://" not in target and not (page.parent / target).exists()
    ]
    assert broken == []


def test_every_decision_record_has_its_parts() -> None:
    for record in (ROOT / "docs" / "adr").glob("*.md"):
        text = record.read_text(encoding="utf-8")
        assert re.search(r"^Status:", text, re.MULTILINE), record.name
        for heading in ("Context", "Decision", "Consequences"):
            assert re.search(rf"^## {heading}", text, re.MULTILINE), f"{record.name} lacks {heading}"


def test_the_command_reference_is_the_programs_own_help() -> None:
    from eyespot.cli.reference import reference

    page = (ROOT / "docs" / "guide" / "reference.md").read_text(encoding="utf-8")
    assert page == reference(), "run `make reference`"


def test_the_catalogue_of_the_bus_is_the_programs_own() -> None:
    from eyespot.cli.bus_reference import bus_reference

    page = (ROOT / "docs" / "guide" / "bus.md").read_text(encoding="utf-8")
    assert page == bus_reference(), "run `make reference`"
