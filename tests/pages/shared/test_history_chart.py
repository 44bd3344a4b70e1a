import numpy as np
import pytest

from pages.shared.charts import MOST_NAMED, history_chart, robust_span
from pages.shared.tables import show_history


def test_one_spike_does_not_flatten_the_rest():
    values = [0.5, 0.4, 0.35, 0.3, 0.28, 0.27, 0.26, 18.0]
    # Quartiles 0.2775 and 0.425: the fence is at 0.8675.
    assert robust_span(values) == (0.26, 0.5)
    rows = [{"epoch": n + 1, "val_loss": value} for n, value in enumerate(values)]
    figure = history_chart(rows, {"val_loss": "Validation"}, title="Loss", kept=7.0)
    assert figure.layout.yaxis.range == pytest.approx((0.248, 0.512))
    edge = next(one for one in figure.data if one.mode == "markers")
    assert (list(edge.x), list(edge.y), list(edge.customdata)) == ([8], [0.5], [18.0])
    assert [one.text for one in figure.layout.annotations] == ["Validation", "kept"]


@pytest.mark.parametrize("values", [[1.0, 9.0], [0.3] * 8, [n / 10 for n in range(1, 9)]])
def test_nothing_is_left_out_where_nothing_is_far(values):
    assert robust_span(values) == (min(values), max(values))


def test_many_runs_are_named_in_a_legend():
    names = {f"run-{n}": f"run-{n}" for n in range(MOST_NAMED + 1)}
    rows = [{"epoch": 1} | dict.fromkeys(names, 0.5)]
    figure = history_chart(rows, names, title="AUC")
    assert figure.layout.showlegend
    assert not figure.layout.annotations
    looks = {(one.line.color, one.line.dash) for one in figure.data}
    assert len(looks) == len(names)


def test_what_chooses_the_epoch_is_on_the_chart(monkeypatch):
    drawn = {}
    monkeypatch.setattr(
        "pages.shared.tables.show_chart", lambda figure, key, alt: drawn.update({key: figure})
    )
    by_score = [{"epoch": n, "loss": 1.0, "val_loss": 0.5, "choice": 0.8} for n in (1, 2)]
    show_history(by_score, "one")
    by_loss = [row | {"choice": -row["val_loss"]} for row in by_score]
    show_history(by_loss, "two")

    def named(key: str) -> set[str]:
        return {one.name for one in drawn[key].data}

    assert "Chooses the epoch" in named("one-Scores, 1 is best")
    assert "Chooses the epoch" not in named("two-Scores, 1 is best")
    assert "Validation, chooses" in named("two-Loss")
    assert np.isfinite(drawn["two-Loss"].layout.yaxis.range).all()
