"""The pages of questions: all of them, one with what people said, its page as a reader sees it, its answers as CSV."""

import io
from typing import TYPE_CHECKING, Any

from starlette.requests import Request
from starlette.responses import Response

from api.dashboard.overview import Chart, draw_twice
from api.dashboard.pages import Pages
from api.public.answering import page_of
from api.public.pages import Pages as PublicPages
from api.public.words import LANGUAGES, OWN_NAMES
from nurture.domain.tally import Line, Tally
from nurture.render import charts
from nurture.render.charts import Series
from nurture.services import drawing, polling
from nurture.services.access import Visit

if TYPE_CHECKING:
    from api.dashboard.looking import Guarded
    from nurture.bootstrap import App

SHOWN = 100
_WIDE = 720
_COLOURS = ("useful", "news", "about", "sales", "greeting", "service")
_FRAMED = "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; sandbox; frame-ancestors 'self'"


def question_pages(app: "App", pages: Pages) -> "tuple[tuple[str, Guarded], ...]":
    """(path, page) of each."""
    public = PublicPages(app.templates)

    async def every(request: Request, visit: Visit) -> Response:
        return pages.answer(request, "questions.html", visit, lines=await polling.list_questions(app.db, app.clock()))

    async def one(request: Request, visit: Visit) -> Response:
        name, asked = request.path_params["name"], request.query_params
        found = await polling.result(app.db, name)
        word = asked.get("word", "")
        theme = next((theme for theme in found.tally.themes if theme.words == word), None)
        said = [given for given in found.said if given.answer.text and (theme is None or given.subscriber_id in theme.people)]
        drawn = await drawing.show_draw(app.db, name) if found.question.draw else None
        return pages.answer(
            request, "question.html", visit, question=found.question, tally=found.tally, bars=_bars(found.tally.lines), theme=theme,
            steps=[(step.text, _bars(step.lines)) for step in found.tally.steps], course=_course(found.tally), said=said[:SHOWN],
            more=max(0, len(said) - SHOWN), drawn=drawn, languages=OWN_NAMES,
        )  # fmt: skip

    async def preview(request: Request, _visit: Visit) -> Response:
        """The answer page in a language, in a frame where nothing can be sent."""
        found = await polling.result(app.db, request.path_params["name"])
        spoken = request.query_params.get("language", "")
        drawn = await drawing.show_draw(app.db, found.question.name) if found.question.draw else None
        shown = page_of(found.question.spoken(spoken), drawn.commitment if drawn else None, {})
        html = public.written("answer.html", spoken if spoken in LANGUAGES else "en", action="", **shown)
        return Response(html, 200, {"Content-Security-Policy": _FRAMED, "Cache-Control": "no-store"}, "text/html")

    async def answers(request: Request, _visit: Visit) -> Response:
        out = io.StringIO(newline="")
        name = request.path_params["name"]
        await polling.export_answers(app.db, name, out)
        headers = {"Content-Disposition": f'attachment; filename="{name}.csv"', "Cache-Control": "no-store"}
        return Response(out.getvalue(), 200, headers, "text/csv; charset=utf-8")

    return (
        ("/questions", every), ("/questions/{name}", one), ("/questions/{name}/preview", preview),
        ("/questions/{name}/answers.csv", answers),
    )  # fmt: skip


def _bars(lines: tuple[Line, ...]) -> list[tuple[Line, str]]:
    """Each line with its bar."""
    found = []
    for line in lines:
        title = f"{line.text}: {line.people} people, {line.share:.0%}, surely within {line.low:.0%} and {line.high:.0%}"
        found.append((line, charts.sure_bar("useful", line.share, (line.low, line.high), title=title)))
    return found


def _course(tally: Tally) -> dict[str, Any] | None:
    """Quarter by quarter, once there are two: the mean of ratings, or how many chose what."""
    if len(tally.periods) < 2:
        return None
    labels = [period.name for period in tally.periods]
    if tally.way == "rating":
        series = [Series("useful", "Mean", [period.mean or 0.0 for period in tally.periods])]
        return {"chart": _chart(charts.lines, labels, series, "The mean, quarter by quarter"), "names": ()}
    most = sorted(tally.lines, key=lambda line: -line.people)[: len(_COLOURS)]
    named = list(zip(_COLOURS, most, strict=False))
    series = [Series(colour, line.text, [period.chosen.get(line.id, 0) for period in tally.periods]) for colour, line in named]
    if not series:
        series = [Series("useful", "Answers", [period.people for period in tally.periods])]
    return {
        "chart": _chart(charts.stacked_bars, labels, series, "Answers, quarter by quarter"),
        "names": [(colour, line.text) for colour, line in named],
    }  # fmt: skip


def _chart(draw: Any, labels: list[str], series: list[Series], title: str) -> Chart:
    return draw_twice(draw, labels, series, title, _WIDE, 220)
