"""Draws the walk of a film through the code as an SVG; a step that the code lacks is an error.

What a step returns is read from its annotation, so that a picture of yesterday's code is not drawn.
"""

import ast
import re
from dataclasses import dataclass
from html import escape
from pathlib import Path

ROOT = Path(__file__).parents[1]
WIDTH, HEIGHT, GAP, LEFT = 480, 66, 30, 20


@dataclass(frozen=True)
class Step:
    """A station of the walk.

    Attributes:
        gives: What the film is from here on.
        place: `package.module` or `package.module:function` or `…:Class.method`.
        text: What happens, in a line.
        returns: What the function's annotation names, where it is not `gives`.
    """

    gives: str
    place: str
    text: str
    returns: str = ""


WALK = (
    Step("bytes", "pages.shared.open_films:OpenFilms", "What a session has open; a file each"),
    Step("Analysis", "pages.shared.analysis:Analysis", "Holds what follows, each made once"),
    Step("Radiograph", "xraycore.imaging.radiograph:read_radiograph", "Grey in [0, 1], air dark"),
    Step("LungField", "xraycore.anatomy.lung_field:segment_lungs", "Once a film; is it a chest?"),
    Step("ModelInput", "xraycore.anatomy.crop:crop_inputs", "What networks of a size are shown"),
    Step("Prediction", "xraycore.models.classifier:Classifier.predict", "One forward pass"),
    Step("Heatmap", "xraycore.attribution.heatmap:explain", "From the features, or by more passes"),
    Step("heat", "xraycore.attribution.heatmap:Heatmap.on", "In [0, 1] on a grid", "ndarray"),
    Step("picture", "xraycore.imaging.overlay", "One renderer, whoever asks:"),
)
ENDS = (
    Step("screen", "pages.components.film_viewer", ""),
    Step("ZIP", "xraycore.report.exports:zip_overlays", ""),
    Step("report", "xraycore.report.film_report:write_report", ""),
)


def check(step: Step) -> None:
    """Finds a step in the source, without importing it.

    Raises:
        LookupError: If it is not there, or its annotation names something else.
    """
    module, _, name = step.place.partition(":")
    file = ROOT / module.replace(".", "/")
    file = file / "__init__.py" if file.is_dir() else file.with_suffix(".py")
    if not file.is_file():
        raise LookupError(f"docs/walk.py: {module} is no module")
    body, found = ast.parse(file.read_text()).body, None
    for part in filter(None, name.split(".")):
        found = next((node for node in body if getattr(node, "name", None) == part), None)
        if found is None:
            raise LookupError(f"docs/walk.py: {module} has no {name}")
        body = getattr(found, "body", [])
    if isinstance(found, ast.FunctionDef) and step in WALK:
        returns = ast.unparse(found.returns) if found.returns else ""
        if (wanted := step.returns or step.gives) not in returns:
            raise LookupError(f"docs/walk.py: {step.place} returns {returns}, not {wanted}")


def draw() -> str:
    """The SVG's text."""
    parts, y = [], LEFT
    for step in WALK:
        if y > LEFT:
            parts.append(_arrow(LEFT + WIDTH / 2, y - GAP, LEFT + WIDTH / 2, y))
        parts += _box(LEFT, y, WIDTH, HEIGHT, step.gives, step.place, step.text)
        y += HEIGHT + GAP
    third = (WIDTH - 2 * 12) / 3
    for number, step in enumerate(ENDS):
        x = LEFT + number * (third + 12)
        parts.append(_arrow(LEFT + WIDTH / 2, y - GAP, x + third / 2, y))
        parts += _box(x, y, third, 44, step.gives, re.split("[.:]", step.place)[-1], "")
    size = f"{2 * LEFT + WIDTH} {y + 44 + LEFT}"
    title = "The walk of a film: " + ", ".join(step.gives for step in (*WALK, *ENDS))
    return "\n".join(
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {size}" role="img" '
            f'font-family="system-ui, sans-serif"><title>{escape(title)}</title>',
            '<defs><marker id="tip" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="8" '
            'markerHeight="8" orient="auto"><path d="M0 0 8 4 0 8z" fill="#5b6770"/></marker>'
            "</defs>",
            f'<rect width="{2 * LEFT + WIDTH}" height="{y + 44 + LEFT}" rx="8" fill="#f4f7f8"/>',
            *parts,
            "</svg>\n",
        )
    )


def write(file: Path) -> None:
    """Checks every step and draws the walk into a file, if that is not what it holds."""
    for step in (*WALK, *ENDS):
        check(step)
    drawn = draw()
    if not file.is_file() or file.read_text() != drawn:
        file.write_text(drawn)


def _box(x: float, y: float, width: float, height: float, *lines: str) -> list[str]:
    styles = (
        'font-size="15" font-weight="600" fill="#11313a"',
        'font-size="11.5" font-family="ui-monospace, monospace" fill="#3c5059"',
        'font-size="12.5" fill="#3c5059"',
    )
    drawn = [
        f'<rect x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" rx="6" fill="#ffffff" '
        'stroke="#2b8a98"/>'
    ]
    for number, (line, style) in enumerate(zip(lines, styles, strict=True)):
        if line:
            drawn.append(
                f'<text x="{x + 12:g}" y="{y + 20 + 18 * number:g}" {style}>{escape(line)}</text>'
            )
    return drawn


def _arrow(x1: float, y1: float, x2: float, y2: float) -> str:
    return (
        f'<line x1="{x1:g}" y1="{y1:g}" x2="{x2:g}" y2="{y2:g}" stroke="#5b6770" '
        'stroke-width="1.5" marker-end="url(#tip)"/>'
    )
