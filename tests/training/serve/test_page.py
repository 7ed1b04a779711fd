"""The web page in a real browser."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.browser import Browser, Tab, chromium, needs_browser
from tests.training.parrot import ENDLESS, SCRIPT
from tests.training.serve.conftest import Server, serving

pytestmark = needs_browser
IDLE = "document.querySelector('#stop').hidden"
COUNT = "document.querySelectorAll({!r}).length"


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with chromium(tmp_path_factory.mktemp("profile")) as running:
        yield running


@pytest.fixture
def profile(browser: Browser) -> Tab:
    """The browser's tab, wherever the test before left it."""
    return browser.tab


@pytest.fixture
def page(profile: Tab, server: Server) -> Iterator[Tab]:
    """The page as a new user finds it; it must report no error."""
    profile.look(1200, 800)
    profile.open("about:blank")
    profile.call("Storage.clearDataForOrigin", origin=server.url, storageTypes="local_storage")
    profile.problems.clear()
    profile.open(server.url)
    yield profile
    profile.js("document.querySelector('#stop').click()")
    profile.wait(IDLE)
    assert profile.problems == []


def answers(page: Tab) -> list[str]:
    """What stands in the cards, before and after in turn."""
    found: list[str] = page.js(
        "[...document.querySelectorAll('.answer p')].map(p => p.textContent)"
    )
    return found


def ask(page: Tab, text: str) -> None:
    """Type a question and ask it with the keyboard."""
    page.js("document.querySelector('#question').focus()")
    page.type(text)
    page.press("Enter")
    page.wait(f"document.querySelector('#log').textContent.includes({text!r})")


def set_number(page: Tab, tokens: int) -> None:
    """The longest answer, in the settings, by keyboard."""
    page.click("#gear")
    page.js("document.querySelector('#max-tokens').select()")
    page.type(str(tokens))
    page.press("Enter")
    page.wait("!document.querySelector('#settings').open")


def test_a_question_is_answered_before_and_after(page: Tab) -> None:
    """Side by side, each with what it took."""
    set_number(page, 6)
    ask(page, "Who are you?")
    page.wait(IDLE)
    before, after = answers(page)
    assert before == f" {ENDLESS} {ENDLESS}"
    assert SCRIPT.startswith(after)
    left, right = page.js(
        "[...document.querySelectorAll('.answer')].map(c => c.getBoundingClientRect().x)"
    )
    assert left < right
    assert "6 tokens" in page.text(".answer.before footer")
    assert "cut at the limit" in page.text(".answer.before footer")


def test_what_a_model_or_a_user_writes_is_never_run(page: Tab) -> None:
    """Shown letter by letter: in the log, in the list of conversations, after a reload."""
    hostile = "<img src=x onerror=alert(2)></script><script>alert(3)</script>"
    ask(page, hostile)
    page.wait(f"document.querySelector('.answer.after p').textContent === {SCRIPT!r}")
    page.click("#stop")
    page.wait(IDLE)
    assert page.text(".asked") == hostile
    page.open(page.js("location.href"))
    page.click("#talks .name")
    assert page.text("#talks .name") == hostile
    assert page.text(".answer.after p") == SCRIPT
    assert page.js(COUNT.format("#log img, #log script, #past img")) == 0


def test_a_suggested_question_is_asked_by_its_button(page: Tab) -> None:
    """All of them are there, each with what it is about."""
    assert page.js(COUNT.format("#tries button")) >= 5
    assert "Name" in page.text("#tries button")
    page.click("#tries button")
    page.wait(COUNT.format(".turn") + " === 1")
    assert page.text(".asked") == "What is your name?"
    page.click("#stop")
    page.wait(IDLE)
    page.click("#strip button:nth-child(2)")
    page.wait(COUNT.format(".turn") + " === 2")


def test_stop_keeps_what_was_written(page: Tab) -> None:
    """With the button or with Esc; the question can be asked again."""
    set_number(page, 4000)
    ask(page, "Count")
    page.wait("document.querySelector('.answer.before p').textContent.length > 20")
    page.press("Escape")
    page.wait(IDLE)
    before = answers(page)[0]
    assert before.startswith(f" {ENDLESS} red")
    assert "stopped" in page.text(".answer.before footer")
    page.click(".answer.before footer button")
    page.wait("document.querySelector('.answer.before p').textContent.length > 5")
    page.click("#stop")
    page.wait(IDLE)
    assert page.js(COUNT.format(".turn")) == 1


def test_conversations_are_kept_and_can_be_deleted(page: Tab) -> None:
    """In this browser, over a reload; each alone."""
    set_number(page, 3)
    for text in ("First question", "Second question"):
        page.click("#fresh")
        ask(page, text)
        page.wait(IDLE)
    page.open(page.js("location.href"))
    assert page.js("[...document.querySelectorAll('#talks .name')].map(b => b.textContent)") == [
        "Second question", "First question",
    ]  # fmt: skip
    page.click("#talks li:nth-child(2) .name")
    assert page.text(".asked") == "First question"
    assert answers(page)[0] == f" {ENDLESS}"
    page.click("#talks li:nth-child(2) .drop")
    page.wait(COUNT.format("#talks li") + " === 1")
    assert page.js("document.querySelector('#welcome').hidden") is False
    page.open(page.js("location.href"))
    assert page.js(COUNT.format("#talks li")) == 1


def test_two_tabs_know_the_same_conversations(page: Tab, browser: Browser, server: Server) -> None:
    """What another tab saved is shown here, and not written over."""
    set_number(page, 3)
    other = browser.another()
    other.open(server.url)
    ask(other, "From there")
    other.wait(IDLE)
    page.wait("document.querySelector('#talks').textContent.includes('From there')")
    page.call("Page.bringToFront")
    ask(page, "From here")
    page.wait(IDLE)
    other.open(server.url)
    assert other.js(COUNT.format("#talks li")) == 2


def test_settings_hold_and_reach_the_model(page: Tab) -> None:
    """Over a reload; the after column alone where before is not wanted."""
    set_number(page, 2)
    page.click(".switch .track")
    page.open(page.js("location.href"))
    ask(page, "Hello")
    page.wait(IDLE)
    assert page.js(COUNT.format(".answer")) == 1
    assert "2 tokens" in page.text(".answer.after footer")


def test_everything_can_be_reached_with_the_keyboard(page: Tab) -> None:
    """By Tab, with a visible focus, and the names that a screen reader says."""
    page.js("document.activeElement.blur()")
    seen = []
    for _ in range(40):
        page.press("Tab")
        seen.append(
            page.js(
                "(() => { const e = document.activeElement, s = getComputedStyle(e);"
                " return [e.id || e.tagName, s.outlineStyle !== 'none' || e.id === 'question'"
                " || e.id === 'both', (e.ariaLabel || e.labels?.[0]?.textContent"
                " || e.textContent).trim()]; })()"
            )
        )
    reached = {name for name, _, _ in seen}
    assert {"fresh", "both", "gear", "question", "send", "BUTTON"} <= reached
    shown = [entry for entry in seen if entry[0] != "BODY"]
    assert all(visible and name for _, visible, name in shown), shown


@pytest.mark.parametrize("width", [320, 390, 768])
@pytest.mark.parametrize("dark", [False, True])
def test_narrow_windows_show_all_in_either_colours(page: Tab, width: int, *, dark: bool) -> None:
    """Nothing is wider than the window, and text stands out from its ground."""
    page.look(width, 700, dark=dark, phone=width < 700)
    set_number(page, 3)
    ask(page, "W" * 200)
    page.wait(IDLE)
    assert page.js("document.documentElement.scrollWidth") <= width
    assert page.js("document.querySelector('#scroll').scrollWidth") <= width
    for selector in (".asked", ".answer p", ".answer footer", ".hint", "#question"):
        assert contrast(page, selector) >= 4.5, selector
    if width < 700:
        page.click("#menu")
        page.wait("document.querySelector('#past').getBoundingClientRect().x === 0")
        page.press("Escape")


def contrast(page: Tab, selector: str) -> float:
    """Of an element's text against what it stands on, by WCAG."""
    ratio: float = page.js(
        "(() => { const light = c => { const v = c.match(/[\\d.]+/g).slice(0, 3).map(n => n / 255)"
        ".map(x => x <= .03928 ? x / 12.92 : ((x + .055) / 1.055) ** 2.4);"
        " return .2126 * v[0] + .7152 * v[1] + .0722 * v[2]; };"
        f" let e = document.querySelector({selector!r});"
        " const ink = light(getComputedStyle(e).color);"
        " const clear = e => /, 0\\)$|transparent/.test(getComputedStyle(e).backgroundColor);"
        " while (clear(e)) e = e.parentElement;"
        " const ground = light(getComputedStyle(e).backgroundColor);"
        " return (Math.max(ink, ground) + .05) / (Math.min(ink, ground) + .05); })()"
    )
    return ratio


def test_a_server_that_is_gone_is_said(profile: Tab, scripted: Path) -> None:
    """In the place of the answer, with a way to ask again; the page stays usable."""
    with serving(scripted, "--no-base") as running:
        profile.look(1200, 800)
        profile.open(running.url)
    ask(profile, "Anybody there?")
    profile.wait(IDLE)
    assert "cannot be reached" in profile.text(".answer .wrong")
    assert profile.text(".answer footer button") == "Ask again"
    profile.problems.clear()  # the browser's own note of the refused connection


def test_a_page_without_a_base_has_one_column(profile: Tab, scripted: Path) -> None:
    """And nothing that speaks of two."""
    with serving(scripted, "--no-base") as running:
        profile.look(1200, 800)
        profile.open(running.url)
        ask(profile, "Who are you?")
        profile.wait(IDLE)
        assert answers(profile) == [SCRIPT]
        assert profile.js(COUNT.format("#both, .answer h3")) == 0
    assert profile.problems == []
