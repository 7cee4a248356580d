"""What a person does with the demo, in a real browser: set up, look, review, scrub, draw."""

import itertools
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page

from .conftest import PATIENCE_S, Host

pytestmark = [pytest.mark.browser, pytest.mark.footage, pytest.mark.slow]

OVERLAY_TOLERANCE_MS = 40.0
"""One picture of a usual camera: the drawn boxes stand for a moment no further from the picture's own than that."""


def number(locator: Locator, name: str) -> float:
    """The number in a data attribute, or NaN while there is none."""
    text = locator.get_attribute(name)
    return float(text) if text not in (None, "", "null", "undefined") else float("nan")


def until(ready: Callable[[], bool], what: str) -> None:
    """Look again until ``ready``; fails with ``what`` when it never is."""
    for _ in range(int(PATIENCE_S * 5)):
        if ready():
            return
        time.sleep(0.2)
    raise AssertionError(f"never happened: {what}")


def test_the_setup_link_makes_the_first_account_once(page: Page, host: Host) -> None:
    page.goto(host.setup_link)
    page.get_by_test_id("setup-username").fill("owner")
    for field in page.locator("input[type=password]").all():
        field.fill("correct horse battery")
    page.get_by_test_id("setup-submit").click()
    page.get_by_test_id("live-grid").or_(page.get_by_test_id("player")).first.wait_for()
    answer = page.request.get(f"{host.url}/api/v1/setup")
    assert answer.json() == {"needed": False}


def test_a_wrong_password_is_refused_and_the_right_one_lets_in(page: Page, host: Host) -> None:
    stranger = page.context.browser.new_context()  # type: ignore[union-attr]
    window = stranger.new_page()
    window.goto(host.url)
    window.get_by_test_id("login-username").fill("owner")
    window.locator("input[type=password]").fill("wrong password here")
    window.get_by_test_id("login-submit").click()
    window.get_by_test_id("login-error").wait_for()
    assert window.get_by_test_id("player").count() == 0
    until(lambda: window.get_by_test_id("login-submit").is_enabled(), "the form can be sent again")
    window.locator("input[type=password]").fill("correct horse battery")
    until(lambda: _sign_in(window), "signed in")
    stranger.close()


def _sign_in(window: Page) -> bool:
    if window.get_by_test_id("login-submit").count():
        window.get_by_test_id("login-submit").click()
        window.wait_for_timeout(1500)
    return window.get_by_test_id("player").count() > 0


def test_the_live_picture_moves(page: Page, host: Host) -> None:
    page.goto(host.url)
    player = page.get_by_test_id("player").first
    until(lambda: player.get_attribute("data-state") == "live", "the player is live")
    before = number(player, "data-frames-decoded")
    until(lambda: number(player, "data-frames-decoded") >= before + 30, "thirty more frames decoded")
    pictures = {bytes(player.screenshot()) for _ in itertools.repeat(None, 3) if not page.wait_for_timeout(700)}
    assert len(pictures) == 3


def test_tracks_are_drawn_in_step_with_the_picture(page: Page) -> None:
    overlay = page.get_by_test_id("overlay").first
    until(lambda: number(overlay, "data-last-t") > 0, "tracks were drawn")
    drifts: list[float] = []
    for _ in range(20):
        page.wait_for_timeout(250)
        drifts.append(number(overlay, "data-drift-ms"))
    assert sorted(drifts)[len(drifts) * 3 // 4] <= OVERLAY_TOLERANCE_MS, drifts


def test_an_event_appears_with_its_picture(page: Page) -> None:
    page.get_by_test_id("nav-review").first.click()
    card = page.locator("[data-testid=event-card][data-kind=object][data-label=person]").first  # others may be newer
    card.wait_for()
    picture = card.locator("img").first
    until(lambda: bool(picture.evaluate("image => image.complete")), "its picture is there")
    assert picture.evaluate("image => image.naturalWidth") > 100


def test_playback_seeks_and_plays(page: Page) -> None:
    page.get_by_test_id("nav-timeline").first.click()
    axis = page.get_by_test_id("timeline").first
    until(lambda: number(axis, "data-covered") >= 1, "the archive covers some time")
    playback = page.get_by_test_id("playback").first
    box = axis.bounding_box()
    assert box
    span = [number(axis, "data-from-ms"), number(axis, "data-to-ms")]
    moment = time.time() * 1000 - 8000
    x = box["x"] + box["width"] * (moment - span[0]) / (span[1] - span[0])
    page.mouse.click(x, box["y"] + box["height"] / 2)
    until(lambda: number(playback, "data-frames-shown") > 0, "a picture of the archive is shown")
    page.get_by_test_id("play").first.click()
    shown = number(playback, "data-frames-shown")
    until(lambda: number(playback, "data-frames-shown") > shown + 3, "the archive plays")
    assert abs(number(playback, "data-wall-ms") - moment) < 60_000


def test_a_zone_drawn_on_the_picture_fires_an_event(page: Page, tmp_path: Path) -> None:
    page.get_by_test_id("nav-zones").first.click()
    canvas = page.get_by_test_id("zone-canvas").first
    canvas.wait_for()
    page.get_by_test_id("tool-zone").first.click()
    box = canvas.bounding_box()
    assert box
    corners = [(0.05, 0.1), (0.95, 0.1), (0.95, 0.95), (0.05, 0.95)]
    for x, y in corners:
        page.mouse.click(box["x"] + box["width"] * x, box["y"] + box["height"] * y)
    page.keyboard.press("Enter")
    until(lambda: number(canvas, "data-zones") == 1, "the zone is drawn")
    name = page.get_by_test_id("shape-name").first.input_value()
    page.get_by_test_id("zones-save").first.click()
    until(lambda: page.get_by_test_id("zones-dirty").inner_text() == "", "the zone is saved")
    page.get_by_test_id("nav-review").first.click()
    card = page.locator(f"[data-testid=event-card][data-kind=zone][data-zone='{name}']").first
    until(lambda: _shown(page, card), "the zone's event appears")


def _shown(page: Page, card: Locator) -> bool:
    if page.get_by_test_id("show-new").count():
        page.get_by_test_id("show-new").first.click()
    return card.count() > 0


LIGHT = """video => {
    const canvas = document.createElement("canvas");
    const [width, height] = [canvas.width, canvas.height] = [video.videoWidth, video.videoHeight];
    if (!width || !height) return [-1, -1];
    const pen = canvas.getContext("2d");
    pen.drawImage(video, 0, 0);
    const brightest = (left, top, right, bottom) => {
        const [x, y] = [Math.round(left * width), Math.round(top * height)];
        const part = pen.getImageData(x, y, Math.round(right * width) - x, Math.round(bottom * height) - y).data;
        let most = 0;
        for (let at = 0; at < part.length; at += 4) most = Math.max(most, part[at], part[at + 1], part[at + 2]);
        return most;
    };
    return [brightest(0.32, 0.32, 0.68, 0.68), brightest(0.05, 0.75, 0.95, 0.95)];
}"""
"""Brightest channel of any pixel well inside the middle of the picture, and of any along its lower edge."""
BLACK = 24
"""What a decoder may make of black; the clip's grey pavement is far above it."""


def test_a_mask_drawn_on_the_picture_makes_the_live_picture_black_there(page: Page) -> None:
    video = page.locator("[data-testid=player] video").first
    page.get_by_test_id("nav-live").first.click()
    until(lambda: min(video.evaluate(LIGHT)) > 100, "the whole live picture shows something")
    page.get_by_test_id("nav-zones").first.click()
    canvas = page.get_by_test_id("zone-canvas").first
    canvas.wait_for()
    page.get_by_test_id("tool-mask").click()
    page.get_by_test_id("mask-note").wait_for()
    box = canvas.bounding_box()
    assert box
    for x, y in [(0.3, 0.3), (0.7, 0.3), (0.7, 0.7), (0.3, 0.7)]:
        page.mouse.click(box["x"] + box["width"] * x, box["y"] + box["height"] * y)
    page.keyboard.press("Enter")
    until(lambda: number(canvas, "data-masks") == 1, "the mask is drawn")
    page.get_by_test_id("zones-save").click()
    until(lambda: page.get_by_test_id("zones-dirty").inner_text() == "", "the mask is saved")
    page.get_by_test_id("nav-live").first.click()

    def masked() -> bool:
        middle, edge = video.evaluate(LIGHT)
        return bool(0 <= middle <= BLACK and edge > 100)

    until(masked, "the middle of the live picture is black, its edge is not")


def test_a_setting_is_kept_as_it_is_typed(page: Page) -> None:
    page.get_by_test_id("nav-settings").first.click()
    page.get_by_test_id("group-camera.0.detect").locator("summary").click()
    rate = page.get_by_test_id("field-camera.0.detect.rate_hz")
    rate.fill("")
    rate.press_sequentially("4.50")
    assert rate.input_value() == "4.50"
    assert rate.evaluate("field => field === document.activeElement")
    until(lambda: page.get_by_test_id("settings-save").is_enabled(), "it can be saved before the field loses the focus")
    page.get_by_test_id("group-camera.0.lens").locator("summary").click()
    third = page.get_by_test_id("field-camera.0.lens.k.2")
    third.fill("-0.02")
    page.get_by_test_id("settings-save").click()
    until(lambda: page.get_by_test_id("settings-save").count() == 0, "it is saved")
    camera = page.request.get(page.evaluate("location.origin") + "/api/v1/config").json()["document"]["camera"][0]
    assert camera["detect"]["rate_hz"] == 4.5
    assert camera["lens"]["k"] == [0, 0, -0.02, 0]


def test_an_output_of_several_stays_open_while_it_is_edited(page: Page) -> None:
    page.get_by_test_id("settings-camera").wait_for()
    page.locator("a[href='/settings/output']").click()
    for place, name in enumerate(["lamp", "siren"]):
        page.get_by_test_id("add-output").click()
        page.get_by_test_id(f"field-output.{place}.name").fill(name)
        page.get_by_test_id(f"field-output.{place}.line").fill(f"GPIO{place}" if place else "17")
        if name == "lamp":
            page.get_by_label("Kind").select_option("simulated")
    until(lambda: page.get_by_test_id("field-output.1.line").is_visible(), "the second one is open")
    page.get_by_test_id("settings-save").click()
    until(lambda: page.get_by_test_id("settings-save").count() == 0, "it is saved")
    outputs = page.request.get(page.evaluate("location.origin") + "/api/v1/config").json()["document"]["output"]
    assert outputs == [{"name": "lamp", "line": 17, "kind": "simulated"}, {"name": "siren", "line": "GPIO1"}]


def test_an_output_is_switched_and_pulsed_and_says_what_is_wrong(page: Page) -> None:
    page.get_by_test_id("nav-health").first.click()
    lamp = page.get_by_test_id("output-lamp")
    lamp.wait_for()
    page.get_by_test_id("switch-lamp").click()
    until(lambda: lamp.get_attribute("data-on") == "true", "the lamp is on")
    page.get_by_test_id("pulse-lamp").click()
    until(lambda: "by hand" in lamp.get_by_role("alert").inner_text(), "a pulse is refused, and it says why")
    page.get_by_test_id("switch-lamp").click()
    until(lambda: lamp.get_attribute("data-on") == "false", "the lamp is off")
    page.get_by_test_id("pulse-lamp").click()
    until(lambda: number(lamp, "data-pulses") == 1, "the lamp is pulsed")
    assert page.get_by_test_id("switch-siren").is_disabled(), "there is no such GPIO line here"


def test_a_zone_pulses_the_output_that_is_chosen_for_it(page: Page) -> None:
    page.get_by_test_id("nav-zones").first.click()
    page.get_by_test_id("zone-canvas").first.wait_for()
    page.get_by_test_id("shape-zone-0").click()
    page.get_by_test_id("shape-output-lamp").click()
    page.get_by_test_id("zones-save").click()
    until(lambda: page.get_by_test_id("zones-dirty").inner_text() == "", "it is saved")
    camera = page.request.get(page.evaluate("location.origin") + "/api/v1/config").json()["document"]["camera"][0]
    assert camera["zone"][0]["outputs"] == ["lamp"]


PAGES = {
    "live": "player", "review": "event-list", "timeline": "timeline", "zones": "zone-canvas", "health": "health",
    "services": "services", "settings": "settings-camera",
}  # fmt: skip
AXE = Path(__file__).parents[2] / "web/node_modules/axe-core/axe.min.js"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"]


@pytest.mark.parametrize("colours", ["light", "dark"])
def test_no_page_breaks_a_rule_of_accessibility_that_axe_can_tell(page: Page, colours: str) -> None:
    assert AXE.exists(), "axe-core is not there: run scripts/web"
    page.emulate_media(color_scheme=colours)  # type: ignore[arg-type]  # its Literal, from a parameter
    page.evaluate(AXE.read_text(encoding="utf-8"))
    broken: dict[str, list[str]] = {}
    for name, landmark in PAGES.items():
        page.get_by_test_id(f"nav-{name}").first.click()
        page.get_by_test_id(landmark).first.wait_for()
        page.evaluate("document.querySelectorAll('details').forEach(part => part.open = true)")
        found = page.evaluate("rules => axe.run(document, {runOnly: rules})", RULES)["violations"]
        broken[name] = [f"{one['id']}: {node['html'][:200]}" for one in found for node in one["nodes"]]
    assert broken == {name: [] for name in PAGES}
