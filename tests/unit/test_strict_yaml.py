"""YAML in which no key stands twice."""

import pytest

from vaentk.errors import UserError
from vaentk.strict_yaml import read


def test_plain_values_are_read() -> None:
    text = "a: {b: [1, 2.5, x]}\nc: null\nd: {b: 1}"
    assert read(text, "here") == {"a": {"b": [1, 2.5, "x"]}, "c": None, "d": {"b": 1}}


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("a: 1\nb: 2\na: 3", "here is not YAML: the key 'a' stands twice, again on line 3"),
        ("a:\n  - {b: 1, b: 1}", "the key 'b' stands twice, again on line 2"),
        ("a: [", "here is not YAML: while parsing"),
        ("? [1]\n: 2", "here is not YAML: while constructing a mapping"),
    ],
)
def test_mistakes_are_one_sentence(text: str, sentence: str) -> None:
    with pytest.raises(UserError) as raised:
        read(text, "here")
    assert sentence in str(raised.value)
    assert "\n" not in str(raised.value)
