"""YAML as a file of ours may hold it: plain values, and no key twice."""

from collections.abc import Hashable
from typing import Any

import yaml

from vaentk.errors import UserError


class _Loader(yaml.SafeLoader):
    """PyYAML's safe loader, which lets the last of two equal keys win, refusing the second."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        """Build a mapping."""
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        for place, key in enumerate(keys):
            if key in keys[:place]:
                line = node.value[place][0].start_mark.line + 1
                raise yaml.YAMLError(f"the key {key!r} stands twice, again on line {line}")
        return super().construct_mapping(node, deep)


def read(text: str, place: str) -> Any:
    """Read a file of YAML.

    Parameters
    ----------
    text
        What the file holds.
    place
        Its name, for the error.

    Raises
    ------
    UserError
        One sentence, where the text is not YAML or a mapping has a key twice.
    """
    try:
        return yaml.load(text, _Loader)
    except yaml.YAMLError as error:
        reason = " ".join(str(error).split())
        raise UserError(f"{place} is not YAML: {reason}") from None
