"""The picture of a study's results."""

from pages.review.films import describe
from pages.shared.charts import COLOURS, dot_chart, show_chart
from xraycore.metrics.intervals import Score
from xraycore.reader_study.results import Results

# Series of the picture: title and colour.
_DRAWN = {
    "agree": ("Reviews that agree", (COLOURS[2], "")),
    "hit": ("Hottest point in a box", (COLOURS[0], "")),
    "iou": ("Overlap (IoU)", (COLOURS[1], "")),
}


def draw_results(results: Results) -> None:
    """The table's shares as dots with their intervals."""
    places = {(one.model, one.method): one for one in results.localisation}
    items = {(r.item.model, r.item.method): r.item for r in results.reviews}
    series: dict[str, list[Score | None]] = {name: [] for name in _DRAWN}
    for summary in results.methods:
        place = places.get(summary.group)
        series["agree"].append(summary.agree)
        series["hit"].append(place.hit if place else None)
        series["iou"].append(place.iou if place else None)
    names = [describe(items[summary.group]) for summary in results.methods]
    show_chart(
        dot_chart(
            [name.replace(", ", "\n", 1) for name in names],
            series,
            {name: title for name, (title, _) in _DRAWN.items()},
            {name: colour for name, (_, colour) in _DRAWN.items()},
            "Share, with 95 % intervals",
            shares=True,
        ),
        "review-results",
        "Share of reviews that agree, hit rate and overlap of each heatmap, as in the table",
    )
