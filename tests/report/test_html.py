"""The report in a real browser: no console message, no request, sorting works, in light and dark, on a phone."""

from __future__ import annotations

import base64

import pytest
from chromium import SCREENSHOTS, complaints, settle
from report_samples import SAMPLES

from edgeq.report.html import render_html

pytestmark = pytest.mark.xdist_group("chromium")


@pytest.mark.parametrize("name", SAMPLES)
def test_no_message_and_no_request(browser, tmp_path, name):
    page = tmp_path / f"{name}.html"
    page.write_text(render_html(SAMPLES[name]()), "utf-8")
    browser.open(page, width=1280, height=900)
    settle(browser)
    browser.screenshot(SCREENSHOTS / f"{name}.png")
    assert any(e.get("method") == "Network.requestWillBeSent" for e in browser.events), "requests are being watched"
    assert complaints(browser.events, page) == []
    assert browser.run("document.documentElement.scrollWidth <= innerWidth"), "nothing sticks out at the side"
    assert browser.run("getComputedStyle(document.querySelector('header.top')).position") == "sticky", (
        "the style applies"
    )


def test_the_watch_sees_what_it_must_not(browser, tmp_path):
    """The test above can fail: the same page with a script and an image of its own."""
    page = tmp_path / "bad.html"
    page.write_text(
        render_html(SAMPLES["bare"]()).replace(
            "</main>", "<script>alert(1)</script><img src='http://127.0.0.1:9/x'></main>"
        ),
        "utf-8",
    )
    browser.open(page, width=1280, height=900)
    settle(browser)
    assert len(complaints(browser.events, page)) >= 2


def test_dark_phone_and_paper(browser, tmp_path):
    page = tmp_path / "digits.html"
    page.write_text(render_html(SAMPLES["digits"]()), "utf-8")
    browser.open(page, width=390, height=800, dark=True)
    settle(browser)
    browser.screenshot(SCREENSHOTS / "phone-dark.png")
    assert complaints(browser.events, page) == []
    assert browser.run("document.documentElement.scrollWidth <= innerWidth")
    ink, ground = (browser.run(f"getComputedStyle(document.body).{key}") for key in ("color", "backgroundColor"))
    assert sum(map(int, ink[4:-1].split(","))) > sum(map(int, ground[4:-1].split(","))) + 300
    paper = base64.b64decode(browser("Page.printToPDF")["data"])
    assert paper.startswith(b"%PDF")


def test_the_navigation_shows_what_is_read(browser, tmp_path):
    """Also in a window that shows half of the page at once: at its top the first section is being read."""
    page = tmp_path / "digits.html"
    page.write_text(render_html(SAMPLES["digits"]()), "utf-8")
    here = "[...document.querySelectorAll('nav a.here')].map(a => a.hash).join()"
    for height in (600, 2400):
        browser.open(page, width=1280, height=height)
        settle(browser)
        assert browser.run(here) == "#verdict"
    browser.open(page, width=1280, height=600)
    settle(browser)
    browser.run("document.getElementById('layers').scrollIntoView({behavior: 'instant'})")
    settle(browser)
    assert browser.run(here) == "#layers"


def test_a_click_sorts_a_table(browser, tmp_path):
    page = tmp_path / "digits.html"
    page.write_text(render_html(SAMPLES["digits"]()), "utf-8")
    browser.open(page, width=1280, height=900)
    column = "[...document.querySelectorAll('#layers tbody tr')].map(r => Number(r.cells[2].dataset.v))"
    click = "document.querySelectorAll('#layers thead button')[2].click()"
    before = browser.run(column)
    browser.run(click)
    assert browser.run(column) == sorted(before, reverse=True) != before
    browser.run(click)
    assert browser.run(column) == sorted(before)
    assert browser.run("document.querySelectorAll('#layers th')[2].getAttribute('aria-sort')") == "ascending"
    assert complaints(browser.events, page) == []
