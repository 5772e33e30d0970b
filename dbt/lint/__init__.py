"""What sqlfluff needs to know of dbt to render a model without a warehouse."""

from pathlib import Path

import yaml

_PROJECT = yaml.safe_load((Path(__file__).parent.parent / "dbt_project.yml").read_text())


def var(name, default=None):
    """Value of a variable of the project: sqlfluff's own stand-in is no number."""
    return _PROJECT["vars"].get(name, default)
