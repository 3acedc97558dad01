"""HTML pages of one file each, made from a template and a style that all pages share."""

from typing import Any

import jinja2


def page(template: str, **values: Any) -> str:
    """Return the HTML of a page.

    Args:
      template: path of the template within `colorjax`, such as 'tables/report.html'.
      **values: the template's variables.
    """
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("colorjax", ""), autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True
    )
    return environment.get_template(template).render(**values)
