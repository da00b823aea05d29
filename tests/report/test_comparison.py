"""A comparison's page in a real browser: no console message, no request, in light and dark, on a phone, on paper."""

from __future__ import annotations

import base64

import pytest
from chromium import SCREENSHOTS, complaints, settle
from comparison_samples import SAMPLES

from edgeq.comparison.report.html import render_html

pytestmark = pytest.mark.xdist_group("chromium")


@pytest.mark.parametrize(
    ("name", "width", "dark"),
    [
        ("digits", 1280, False),
        ("five_seeds", 1280, True),
        ("given", 390, True),
        ("regression", 390, False),
        ("failed", 1280, False),
        ("many", 1280, False),
        ("hostile", 700, False),
    ],
)
def test_no_message_and_no_request(browser, tmp_path, name, width, dark):
    page = tmp_path / f"{name}.html"
    page.write_text(render_html(SAMPLES[name]()), "utf-8")
    browser.open(page, width=width, height=900, dark=dark)
    settle(browser)
    browser.screenshot(SCREENSHOTS / f"compare-{name}-{width}{'-dark' if dark else ''}.png")
    assert complaints(browser.events, page) == []
    assert browser.run("document.documentElement.scrollWidth <= innerWidth"), "nothing sticks out at the side"


def test_every_label_of_a_plot_is_inside_it(browser, tmp_path):
    """What the geometry can only estimate: how wide a font draws the labels."""
    page = tmp_path / "digits.html"
    page.write_text(render_html(SAMPLES["digits"]()), "utf-8")
    browser.open(page, width=1280, height=900)
    cut = """[...document.querySelectorAll("figure svg text")].filter(text => {
        const [t, s] = [text.getBoundingClientRect(), text.ownerSVGElement.getBoundingClientRect()];
        return t.left < s.left - 1 || t.right > s.right + 1 || t.top < s.top - 1 || t.bottom > s.bottom + 1;
    }).map(text => text.textContent)"""
    assert browser.run(cut) == []


def test_tables_sort_and_paper_has_everything(browser, tmp_path):
    page = tmp_path / "digits.html"
    page.write_text(render_html(SAMPLES["digits"]()), "utf-8")
    browser.open(page, width=1280, height=900)
    values = "[...document.querySelectorAll('#arms table')[0].tBodies[0].rows].map(r => Number(r.cells[1].dataset.v))"
    before = browser.run(values)
    browser.run("document.querySelectorAll('#arms thead button')[1].click()")
    assert browser.run(values) == sorted(before, reverse=True) != before
    assert base64.b64decode(browser("Page.printToPDF")["data"]).startswith(b"%PDF")
    assert complaints(browser.events, page) == []
