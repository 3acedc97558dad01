"""Pages: one HTML file each, from a template and the style that all of them share."""

from typing import Any

import jinja2


def page(template: str, **values: Any) -> str:
    """Return the page that a template within `colorjax`, such as 'tables/report.html', makes of `values`."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("colorjax", ""), autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True
    )
    return environment.get_template(template).render(**values)
