"""The app's colours, and bars that are drawn with them."""

import html
from collections.abc import Mapping

from xraycore.utils.text import percent

ACCENT = "#4FB3BF"
MUTED = "#4A5762"
TEXT = "#E6EAED"

_STYLE = f"""<style>
.answers {{ display: grid; gap: .45rem; font-size: .9rem; line-height: 1.25 }}
.answers section > div {{ display: flex; justify-content: space-between; gap: .5rem }}
.answers b {{ font-weight: 600 }}
.answers i {{ display: block; height: .4rem; background: #1C242B; border-radius: 2px }}
.answers i i {{ background: {MUTED} }} .answers .said i i {{ background: {ACCENT} }}
</style>"""


def probability_bars(probabilities: Mapping[str, float], highlighted: str) -> str:
    """HTML: a line and a bar a class, in the model's order; panels may be too narrow for a plot."""
    rows = []
    for label, probability in probabilities.items():
        name, said = html.escape(label), label == highlighted
        strong = "b" if said else "span"
        rows.append(
            f"<section{' class=said' if said else ''}>"
            f"<div><{strong}>{name}</{strong}><{strong}>{percent(probability)}</{strong}></div>"
            f'<i><i style="width:{100 * probability:.1f}%"></i></i></section>'
        )
    return f"{_STYLE}<div class=answers>{''.join(rows)}</div>"
