"""A real service under bubblewrap on its page in a real browser: consent, samples, live state, settings, controls."""

import shutil
from pathlib import Path

import pytest
from playwright.sync_api import Page

from eyespot.edge.apps_dev.package import build

from .conftest import Host
from .test_browser import AXE, RULES, until

pytestmark = [
    pytest.mark.browser, pytest.mark.footage, pytest.mark.slow,
    pytest.mark.skipif(shutil.which("bwrap") is None, reason="there is no bubblewrap here: apt-get install bubblewrap"),
]  # fmt: skip
ONLOOKER = Path(__file__).parent / "services" / "onlooker"
PICTURE = "image => image.complete ? [image.naturalWidth, image.naturalHeight] : null"


@pytest.fixture(scope="module")
def signed_in(page: Page, host: Host) -> Page:
    """The person's window, whether or not the tests of test_browser.py ran before."""
    if page.request.get(f"{host.url}/api/v1/setup").json()["needed"]:
        page.goto(host.setup_link)
        page.get_by_test_id("setup-username").fill("owner")
        for field in page.locator("input[type=password]").all():
            field.fill("correct horse battery")
        page.get_by_test_id("setup-submit").click()
    page.get_by_test_id("nav-services").first.click()
    page.get_by_test_id("services").wait_for()
    return page


def live(page: Page, value: str) -> int:
    """A number of the live state, -1 while it is not there."""
    found = page.get_by_test_id(f"live-{value}")
    return int(found.inner_text().replace(",", "")) if found.count() else -1


def test_a_package_is_installed_with_less_than_it_asks_for(signed_in: Page, tmp_path: Path) -> None:
    page, package = signed_in, build(ONLOOKER, tmp_path).path
    page.get_by_test_id("install-file").set_input_files(package)
    page.get_by_test_id("consent").wait_for()
    assert "the whole" not in page.get_by_test_id("wish-views:left").locator("..").inner_text(), "a part of the picture"
    for view in ("left", "people"):
        until(lambda view=view: shown(page, view) == [320, 240], f"a sample of {view} is shown before it is granted")  # type: ignore[misc]  # a lambda with a default
    page.get_by_test_id("wish-emit:bright").uncheck()
    page.get_by_test_id("wish-read:tracks").uncheck()
    page.get_by_test_id("consent-install").click()
    page.get_by_test_id("service").wait_for()
    state = page.get_by_test_id("service-state")
    until(lambda: state.get_attribute("data-state") == "running", "it runs")
    assert not page.get_by_test_id("wish-emit:bright").is_checked()


def shown(page: Page, view: str) -> object:
    picture = page.get_by_test_id(f"sample-{view}").locator("img")
    return picture.evaluate(PICTURE) if picture.count() else None


def test_its_page_shows_what_it_sees_and_says(signed_in: Page) -> None:
    page = signed_in
    for view in ("left", "people"):
        until(lambda view=view: shown(page, view) == [320, 240], f"a sample of {view} is shown")  # type: ignore[misc]  # a lambda with a default
    places = page.get_by_test_id("sample-places")
    until(lambda: places.locator("rect").count() > 0, "the places of people are drawn, without a picture")
    assert places.locator("img").count() == 0
    until(lambda: 0 < live(page, "brightness") <= 100, "its live state comes under the manifest's titles")
    assert "Brightness" in page.get_by_test_id("service-live").inner_text()


def test_a_setting_changed_on_the_form_shows_in_its_live_state(signed_in: Page) -> None:
    page = signed_in
    version = page.get_by_test_id("service").get_attribute("data-version")
    counted = live(page, "pictures")
    scale = page.get_by_test_id("field-scale")
    scale.fill("0")
    page.get_by_test_id("service-settings-save").click()
    until(lambda: "at least 1" in page.get_by_test_id("service-settings").inner_text(), "a wrong value is refused")
    scale.fill("1000")
    page.get_by_test_id("service-settings-save").click()
    until(lambda: live(page, "scale") == 1000 and live(page, "brightness") > 100, "the service uses it")
    assert live(page, "pictures") > counted, "it was told, not started again"
    assert page.get_by_test_id("service").get_attribute("data-version") == version


def test_its_control_is_sent_and_its_output_read(signed_in: Page) -> None:
    page = signed_in
    page.get_by_test_id("field-from").fill("5000")
    page.get_by_test_id("send-reset").click()
    until(lambda: '"pictures":5000' in page.get_by_test_id("answer-reset").inner_text(), "it answered")
    until(lambda: live(page, "pictures") > 5000, "it counts from there")
    refused = page.get_by_test_id("refused-events")
    until(lambda: "1 refusal" in refused.inner_text(), "the event that it was not granted is told as refused")
    page.get_by_test_id("service-log").locator("summary").click()
    output = page.get_by_test_id("service-log")
    until(lambda: "looking" in output.inner_text(), "its output is shown")
    assert "violation" not in output.inner_text(), "it does not ask for the tracks, which it was not granted"


def violations(page: Page, colours: str) -> list[str]:
    """What breaks a rule of accessibility on the page as it is, everything unfolded."""
    page.emulate_media(color_scheme=colours)  # type: ignore[arg-type]  # its Literal, from a parameter
    page.evaluate(AXE.read_text(encoding="utf-8"))
    page.evaluate("document.querySelectorAll('details').forEach(part => part.open = true)")
    found = page.evaluate("rules => axe.run(document, {runOnly: rules})", RULES)["violations"]
    return [f"{one['id']}: {node['html'][:200]}" for one in found for node in one["nodes"]]


@pytest.mark.parametrize("colours", ["light", "dark"])
def test_its_page_breaks_no_rule_of_accessibility(signed_in: Page, colours: str) -> None:
    assert violations(signed_in, colours) == []


def test_a_view_is_taken_away_then_it_is_stopped_and_removed(signed_in: Page) -> None:
    page = signed_in
    page.get_by_test_id("wish-views:people").uncheck()
    page.get_by_test_id("grant-save").click()
    until(lambda: page.get_by_test_id("sample-people").count() == 0, "it no longer sees that")
    page.get_by_test_id("service-stop").click()
    state = page.get_by_test_id("service-state")
    until(lambda: state.get_attribute("data-state") == "stopped", "it is stopped")
    until(lambda: page.get_by_test_id("sample-left").get_attribute("data-state") != "loading", "the sample is decided")
    page.once("dialog", lambda dialog: dialog.accept())
    page.get_by_test_id("service-remove").click()
    page.get_by_test_id("install").wait_for()
    until(lambda: page.get_by_test_id("service-onlooker").count() == 0, "it is gone")


DRAW = """async zones => {
  const csrf = (await (await fetch("/api/v1/session")).json()).csrf;
  const camera = (await (await fetch("/api/v1/cameras")).json()).cameras[0].id;
  const points = [[0, 0.5], [1, 0.5], [1, 1], [0, 1]];
  const body = JSON.stringify({zones: zones.map(name => ({name, points})), lines: []});
  const headers = {"Content-Type": "application/json", "X-CSRF-Token": csrf};
  return (await fetch(`/api/v1/cameras/${camera}/rules`, {method: "PUT", headers, body})).status;
}"""
"""The owner draws zones of the camera in another window."""


def says(page: Page, value: str) -> str:
    """A text of the live state, empty while it is not there."""
    found = page.get_by_test_id(f"live-{value}")
    return found.inner_text() if found.count() else ""


def test_a_service_that_came_with_the_camera_is_installed_from_its_list(signed_in: Page) -> None:
    page = signed_in
    page.get_by_test_id("look-direction").click()
    page.get_by_test_id("consent").wait_for()
    assert "The zones and lines" in page.get_by_test_id("wishes-see").inner_text()
    page.get_by_test_id("consent-refuse").click()
    until(lambda: page.get_by_test_id("look-direction").is_enabled(), "it was only looked at")
    page.get_by_test_id("look-direction").click()
    page.get_by_test_id("consent-install").click()
    page.get_by_test_id("service").wait_for()
    state = page.get_by_test_id("service-state")
    until(lambda: state.get_attribute("data-state") == "running", "it runs")
    until(lambda: live(page, "objects") >= 0, "its live state comes")
    until(lambda: page.get_by_test_id("service").get_attribute("data-pushed") == "true", "it is pushed, not asked for")


def test_it_watches_a_zone_of_the_camera_that_is_chosen_by_name(signed_in: Page) -> None:
    page = signed_in
    assert page.evaluate(DRAW, ["drive"]) == 200
    page.get_by_test_id("nav-services").first.click()
    page.get_by_test_id("service-direction").get_by_role("link").click()
    page.get_by_test_id("field-zones").get_by_label("drive").check()
    page.get_by_test_id("service-settings-save").click()
    until(lambda: says(page, "watching") == "drive", "it watches the zone")
    assert page.evaluate(DRAW, ["yard"]) == 200
    until(lambda: says(page, "watching") == "–" and "drive" in says(page, "trouble"), "it hears that the zone is gone")
    assert page.evaluate(DRAW, ["yard", "drive"]) == 200
    until(lambda: says(page, "watching") == "drive", "and that it is there again")


def test_a_part_of_the_picture_is_drawn_on_it_with_the_keyboard(signed_in: Page) -> None:
    page = signed_in
    drawn = page.get_by_test_id("drawn-regions")
    until(lambda: drawn.locator("img").evaluate(PICTURE) is not None, "the camera's picture is there")
    page.get_by_test_id("draw-regions").press("Enter")
    keys = "Space ArrowRight ArrowRight Space ArrowDown ArrowDown Space Enter"
    for key in ["Shift+ArrowUp", *keys.split()]:
        page.keyboard.press(key)
    assert drawn.get_by_test_id("zone-canvas").get_attribute("data-zones") == "1"
    drawn.get_by_test_id("field-regions.0.name").fill("step")
    page.get_by_test_id("service-settings-save").click()
    until(lambda: says(page, "watching") == "step, drive", "it watches what was drawn")


@pytest.mark.parametrize("colours", ["light", "dark"])
def test_its_drawings_break_no_rule_of_accessibility(signed_in: Page, colours: str) -> None:
    assert signed_in.get_by_test_id("zone-canvas").count() > 0, "something is drawn"
    assert violations(signed_in, colours) == []


def test_a_stream_of_the_camera_is_chosen_among_those_it_has(signed_in: Page) -> None:
    page = signed_in
    page.get_by_test_id("nav-settings").first.click()
    page.get_by_test_id("settings-camera").first.wait_for()
    page.evaluate("document.querySelectorAll('details').forEach(part => part.open = true)")
    choice = page.get_by_test_id("field-camera.0.record_stream")
    assert choice.locator("option").all_inner_texts()[1:] == ["main"]
