"""Charts as text: what is drawn adds up, and nothing that a person typed can become markup."""

from datetime import date, timedelta
from itertools import pairwise
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nurture.render import charts
from nurture.render.charts import Part, Series

SVG = "{http://www.w3.org/2000/svg}"
LABELS = ["2 Feb", "9 Feb", "16 Feb", "now"]
TWO = [Series("active", "Active", [1, 2, 3, 4]), Series("passive", "Passive", [9, 8, 7, 6])]


def read(svg: str) -> ET.Element:
    """The picture, if it is well-formed XML, which `<script>` in a name would break or betray."""
    root = ET.fromstring(svg)
    assert root.find(f"{SVG}title") is not None
    assert root.get("role") == "img"
    assert root.get("aria-label")
    return root


def rectangles(root: ET.Element, name: str) -> list[ET.Element]:
    return [r for r in root.iter(f"{SVG}rect") if f"c-{name}" in (r.get("class") or "").split()]


def test_layers_stand_on_each_other_and_fill_the_axis() -> None:
    root = read(charts.stacked_area(LABELS, TWO, title="People"))
    first, second = (p.get("points", "").split() for p in root.iter(f"{SVG}polygon"))
    assert first[:4] == list(reversed(second[4:]))  # the roof of the lower layer is the floor of the upper one
    top = float(second[0].split(",")[1])
    assert top == pytest.approx(charts._TOP)  # ten people on an axis that ends at ten


def test_bars_are_as_tall_as_their_numbers() -> None:
    root = read(charts.stacked_bars(LABELS, TWO, title="People", height=260))
    tall = [float(r.get("height", "0")) for r in rectangles(root, "active")]
    assert [round(t / tall[0]) for t in tall] == [1, 2, 3, 4]


def test_an_expectation_is_drawn_lighter() -> None:
    root = read(
        charts.stacked_bars(["Mon"], [Series("sales", "Sales", [1]), Series("sales", "Sales expected", [2], faint=True)], title="t")
    )
    assert [("faint" in (r.get("class") or "")) for r in rectangles(root, "sales")] == [False, True]


def test_one_week_is_drawn_as_a_bar_and_no_week_as_an_empty_axis() -> None:
    assert rectangles(read(charts.stacked_area(["now"], [Series("fan", "Fans", [3])], title="t")), "fan")
    assert not rectangles(read(charts.stacked_bars([], [Series("fan", "Fans", [])], title="t")), "fan")


def test_labels_keep_their_distance() -> None:
    labels = [f"{n} Feb" for n in range(1, 60)]
    root = read(charts.stacked_bars(labels, [Series("news", "News", list(range(59)))], title="t", width=350))
    places = [float(t.get("x", "0")) for t in root.iter(f"{SVG}text") if (t.text or "").endswith("Feb")]
    assert min(b - a for a, b in pairwise(places)) > 40


def test_lines_go_through_their_numbers_and_end_in_a_dot() -> None:
    root = read(charts.lines(LABELS, [Series("fan", "Fans", [0, 2, 4, 3])], title="Shares", height=200))
    (line,) = root.iter(f"{SVG}polyline")
    heights = [float(p.split(",")[1]) for p in line.get("points", "").split()]
    assert heights[0] == 200 - charts._BOTTOM
    assert heights[2] == charts._TOP
    (dot,) = root.iter(f"{SVG}circle")
    assert float(dot.get("cy", "0")) == heights[3]


def test_a_share_bar_fills_its_length() -> None:
    root = read(charts.share_bar([Part("useful", "Useful", 3), Part("sales", "Sales", 1)], title="Mix"))
    assert [float(r.get("width", "0")) for name in ("useful", "sales") for r in rectangles(root, name)] == [750, 250]


def test_a_ring_of_one_part_is_whole_and_of_none_is_empty() -> None:
    whole = read(charts.donut([Part("zone-import", "Known", 5)], title="Zones"))
    assert len(list(whole.iter(f"{SVG}circle"))) == 2
    assert len(list(read(charts.donut([], title="Zones")).iter(f"{SVG}path"))) == 0


def test_the_usual_mark_stands_where_the_share_would_end() -> None:
    root = read(charts.against_usual("fan", 0.03, 0.03, title="Fans"))
    (bar,) = rectangles(root, "fan")
    mark = next(r for r in root.iter(f"{SVG}rect") if r.get("class") == "usual")
    assert float(bar.get("width", "0")) == pytest.approx(float(mark.get("x", "0")) + 2)


def test_the_sure_share_lies_over_the_bar_as_an_error_bar() -> None:
    root = read(charts.against_usual("fan", 0.12, 0.03, (0.10, 0.145), title="Fans"))
    whole, left, right = [r for r in root.iter(f"{SVG}rect") if r.get("class") == "error"]
    assert (float(whole.get("x", "0")), float(whole.get("width", "0"))) == (500, 225)
    assert (float(left.get("x", "0")), float(right.get("x", "0"))) == (499, 724)
    assert not [r for r in read(charts.against_usual("fan", 0, 0.03, title="Fans")).iter(f"{SVG}rect") if r.get("class") == "error"]


def test_a_measured_line_runs_inside_its_band() -> None:
    line, low, high = (Series("active", "Left", values) for values in ([100, 50, 25], [100, 40, 15], [100, 60, 40]))
    root = read(charts.banded(["0", "1", "2"], [line, low, high, Series("usual", "Field", [100, 80, 70])], title="Decay"))
    points = [[float(c) for pair in e.get("points", "").split() for c in pair.split(",")][1::2] for e in root.iter() if e.get("points")]
    band, left, field = points
    assert all(top < middle < bottom for top, middle, bottom in zip(band[1:3], left[1:], band[4:2:-1], strict=True))
    assert all(f < middle for f, middle in zip(field[1:], left[1:], strict=True))
    assert [e.get("stroke-dasharray") for e in root.iter(f"{SVG}polyline")] == [None, "5 5"]
    assert read(charts.banded([], [Series("a", "b", [])] * 3, title="t")) is not None


def test_busy_hours_are_stronger() -> None:
    root = read(charts.hour_strip("useful", [0] * 10 + [5, 10] + [0] * 12, title="Hours"))
    assert [float(r.get("fill-opacity", "1")) for r in rectangles(root, "useful")] == [0.68, 1.0]


@pytest.mark.parametrize(("value", "top"), [(0, 4), (4, 4), (4.1, 5), (10, 10), (11, 12), (999, 1000), (1013, 1200), (41_000, 50_000)])
def test_an_axis_ends_at_a_round_number(value: float, top: float) -> None:
    assert charts.ceiling(value) == top


@given(st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufffe\uffff")), st.integers(0, 10**9))
def test_words_stay_words(text: str, value: int) -> None:
    series, part = [Series(text, text, [value, 1])], [Part(text, text, value)]
    for svg in (
        charts.stacked_area([text, "now"], series, title=text or "t"), charts.stacked_bars([text, "now"], series, title=text or "t"),
        charts.lines([text, "now"], series, title=text or "t"),
        charts.share_bar(part, title=text or "t"), charts.donut(part, title=text or "t", middle=text),
        charts.hour_strip(text, [value], title=text or "t"), charts.against_usual(text, 0.5, 0.2, title=text or "t"),
    ):  # fmt: skip
        tags = {e.tag.removeprefix(SVG) for e in read(svg).iter()}
        assert tags <= {"svg", "title", "g", "rect", "line", "text", "polygon", "circle", "path", "polyline"}


def test_a_heat_map_has_a_cell_for_every_hour_and_says_what_is_in_it() -> None:
    rows = [("Mon", [0] * 23 + [4]), ("<Tue>", [2] * 24)]
    root = read(charts.heat_map(rows, [[f"{label} & {hour}" for hour in range(24)] for label, _ in rows], title="Acts"))
    cells = list(root.iter(f"{SVG}rect"))
    assert len(cells) == 48
    assert [c.get("fill-opacity") for c in cells[22:25]] == [None, "1.00", "0.56"]
    assert [t.text for c in cells[:2] for t in c] == ["Mon & 0", "Mon & 1"]
    assert {t.text for t in root.iter(f"{SVG}text")} == {"Mon", "<Tue>", "0", "6", "12", "18", "24"}


def test_a_month_has_a_cell_for_every_day_as_full_as_the_day() -> None:
    first = date(2026, 2, 27)  # a Friday
    days = [(first + timedelta(days=n), [Part("news", "News", n % 3)] if n % 3 else []) for n in range(10)]
    root = read(charts.month_grid(days, title="Letters ahead"))
    cells = list(root.iter(f"{SVG}g"))
    assert [g.findtext(f"{SVG}title") for g in cells][:3] == ["Fri 27 Feb: nothing", "Sat 28 Feb: news 1", "Sun 1 Mar: news 2"]
    tall = {float(r.get("height", 0)) for r in rectangles(root, "news")}
    assert len(tall) == 2
    assert max(tall) == pytest.approx(2 * min(tall))
    assert sum("faint" in (r.get("class") or "") for r in root.iter(f"{SVG}rect")) == 4  # days without a letter
    said = [t.text for t in root.iter(f"{SVG}text")]
    assert said[:8] == ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun", "27 Feb"]
    assert "1 Mar" in said


@pytest.mark.parametrize(("value", "told"), [(9_999, "9,999"), (12_400, "12k"), (999_499, "999k"), (999_500, "1.0M"), (2_340_000, "2.3M")])
def test_a_large_number_fits_a_narrow_place(value: int, told: str) -> None:
    assert charts.brief(value) == told
