"""ReadOnly: frozen dataclasses whose copies are as read-only as they are."""

from __future__ import annotations

from types import MappingProxyType

import numpy as np


class ReadOnly:
    """Base of frozen dataclasses with read-only arrays, or mappings and named tuples of them.

    A deep copy of an array, or one from another process, is writable whatever the original was, and a read-only
    mapping can be neither copied nor sent: here both come back as they were.
    """

    def __getstate__(self):
        return {name: _plain(value) for name, value in vars(self).items()}

    def __setstate__(self, state):
        vars(self).update((name, _settled(value)) for name, value in state.items())


def _plain(value):
    if isinstance(value, MappingProxyType):
        return {name: _plain(part) for name, part in value.items()}
    return value


def _settled(value):
    if isinstance(value, np.ndarray):
        value.flags.writeable = False
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        value = type(value)(*map(_settled, value))
    if isinstance(value, dict):
        return MappingProxyType({name: _settled(part) for name, part in value.items()})
    return value
