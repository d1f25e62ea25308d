"""Statements as equations: all of the register have one, and each is MathML that is well formed."""

from xml.etree import ElementTree

import pytest
from configurations import plain

from vaentk.errors import UserError
from vaentk.report.equations import equation_of, read_equations

EQUATIONS = {"W1": "a", "W1-lambda0": "\\lambda_0 > 0", "W1-lambda": "b"}


@pytest.mark.parametrize(
    ("name", "part"),
    [("W1-x", "<mi>a</mi>"), ("W1-lambda0", "&#x0003E;"), ("W1-lambda0-mu", "&#x0003E;")],
)
def test_the_longest_beginning_is_taken_by_whole_words(name: str, part: str) -> None:
    assert part in equation_of(name, EQUATIONS)


def test_without_one_there_is_nothing() -> None:
    assert equation_of("W12-x", EQUATIONS) == ""


@pytest.mark.parametrize("text", ["[]", "W1: 2", "W1: [a]"])
def test_a_file_of_something_else_is_one_sentence(text: str) -> None:
    with pytest.raises(UserError, match=r"config/equations\.yaml must hold LaTeX"):
        read_equations(text)


def test_every_statement_has_an_equation_and_every_equation_a_statement() -> None:
    equations = plain("equations.yaml")
    names = [row["id"] for row in plain("claims.yaml")]
    for name in names:
        made = equation_of(name, equations)
        assert ElementTree.fromstring(made).tag.endswith("math"), name
        assert "\\" not in made, name
    for start in equations:
        own = [name for name in names if f"{name}-".startswith(f"{start}-")]
        longer = [s for s in equations if s != start and s.startswith(f"{start}-")]
        left = [n for n in own if not any(f"{n}-".startswith(f"{s}-") for s in longer)]
        assert left, start
