"""How reports are made of their templates."""

from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined, Template

from xraycore.utils.text import percent


@cache
def load_template(name: str) -> Template:
    """The report template of that name: what is put into it is text, and stays text."""
    environment = Environment(
        loader=PackageLoader("xraycore.report"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )
    environment.filters["percent"] = percent
    return environment.get_template(name)
