# SPDX-License-Identifier: MIT
"""Rows of one schema as planes: field after field, all rows of a field together.

A plane is decoded by one numpy call whatever the number of rows, which rows with
fields side by side would not allow. Bit fields share a plane as they share a word.

Source: docs/STANDARD.md, "Planes".
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from gamenet.errors import RemoteProtocolError, SchemaError
from gamenet.wire.bits import BitRun, bit_runs
from gamenet.wire.fields import WordField
from gamenet.wire.kernels import Buffer, Bytes, read_words, write_words
from gamenet.wire.schema import Schema

__all__ = ["Planes"]


class Planes:
    """Write and read columns of a schema whose fields all have a fixed width.

    Args:
        schema: the schema of a row.

    Raises:
        SchemaError: a field of variable width, or an appended one.
    """

    def __init__(self, schema: type[Schema]) -> None:
        for field in schema.schema_fields:
            if not field.is_fixed_width or field.appended:
                msg = (
                    f"{schema.__name__}.{field.name} is {field.kind}"
                    f"{' (appended)' if field.appended else ''}: columns need fields "
                    "of fixed width; send it in a message instead"
                )
                raise SchemaError(msg)
        self.schema = schema
        self._items = bit_runs(schema.schema_fields)
        self.row_size = sum(
            np.dtype(item.word_dtype).itemsize
            for item in self._items
            if isinstance(item, BitRun | WordField)
        )

    def write(self, buffer: Buffer, at: int, columns: Any, rows: NDArray[Any]) -> int:
        """Write the rows of columns; return the position after them.

        Args:
            buffer: large enough for `row_size` bytes a row.
            at: where to begin.
            columns: an object with one array for each field, by name.
            rows: which rows, in the order of the wire.
        """
        for item in self._items:
            if isinstance(item, BitRun):
                parts = [getattr(columns, field.name)[rows] for field in item.fields]
                words = item.words_of(parts)
            else:
                assert isinstance(item, WordField)
                words = item.words_of(getattr(columns, item.name)[rows])
            at = write_words(buffer, at, words)
        return at

    def read(
        self, data: Bytes, at: int, count: int
    ) -> tuple[dict[str, NDArray[Any]], int]:
        """Read `count` rows; return an array for each field, and the end.

        Raises:
            RemoteProtocolError: the data end too early, or a word is illegal.
        """
        arrays: dict[str, NDArray[Any]] = {}
        for item in self._items:
            assert isinstance(item, BitRun | WordField)
            words, at = read_words(data, at, count, item.word_dtype)
            try:
                if isinstance(item, BitRun):
                    names = [field.name for field in item.fields]
                    arrays.update(zip(names, item.columns_of(words), strict=True))
                else:
                    arrays[item.name] = item.column_of(words)
            except ValueError as error:
                msg = f"{self.schema.__name__}: {error}"
                raise RemoteProtocolError(msg) from error
        return arrays, at
