"""Pages from templates: the report in HTML, and the model card in Markdown."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from stdask.display import numbers

FILTERS = ("symbol", "count", "number", "measured", "minus", "method")  # of `display.numbers`


def render(template: Path, content: Mapping[str, Any], filters: Mapping[str, Callable[..., str]] | None = None) -> str:
    """Return the text of a template; in HTML everything that comes from files or settings is escaped.

    Parameters
    ----------
    template
        Its file.
    content
        What the names in it stand for; a name that is missing is an error.
    filters
        Further filters, besides those that write numbers and labels.
    """
    environment = Environment(
        loader=FileSystemLoader(template.parent),
        autoescape=template.suffix == ".html",
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {name: getattr(numbers, name) for name in FILTERS} | dict(filters or {})
    return environment.get_template(template.name).render(content)
