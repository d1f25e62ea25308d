"""Statements as equations, typeset when the page is made: MathML, which needs no script."""

from collections.abc import Mapping

from latex2mathml.converter import convert
from markupsafe import Markup

from vaentk import strict_yaml
from vaentk.errors import UserError

FILE = "config/equations.yaml"


def read_equations(text: str) -> dict[str, str]:
    """Read LaTeX by the beginnings of statements' ids; a mistake in the file is a `UserError`."""
    plain = strict_yaml.read(text, FILE)
    if not isinstance(plain, dict) or not all(isinstance(v, str) for v in plain.values()):
        raise UserError(f"{FILE} must hold LaTeX by the beginning of an id")
    return plain


def equation_of(name: str, equations: Mapping[str, str]) -> Markup:
    """Typeset the equation of a statement, that of the longest beginning; empty without one."""
    fitting = [start for start in equations if f"{name}-".startswith(f"{start}-")]
    if not fitting:
        return Markup("")
    latex = equations[max(fitting, key=len)]
    return Markup(convert(latex, display="inline"))  # tags of MathML alone
