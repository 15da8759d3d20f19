"""Measurements as a table node of the scene."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from vtkmodules.vtkCommonCore import vtkDoubleArray, vtkStringArray
from vtkmodules.vtkCommonDataModel import vtkTable

from masam_core.export.measurements import TEXT_COLUMNS


def updateTable(scene: Any, name: str, rows: Sequence[Mapping[str, Any]], table: Any = None) -> Any:
    """Put rows into a table node: numbers as numbers, nothing as an empty cell (NaN).

    Args:
        scene: of the table.
        name: of a new table.
        rows: all with the same keys, which become the columns.
        table: an existing node to replace the content of.

    Returns:
        The vtkMRMLTableNode.
    """
    node = table or scene.AddNewNodeByClass("vtkMRMLTableNode", scene.GenerateUniqueName(name))
    content = vtkTable()
    for column in rows[0] if rows else ():
        array: Any = vtkStringArray() if column in TEXT_COLUMNS else vtkDoubleArray()
        array.SetName(column)
        for row in rows:
            value = row[column]
            if column in TEXT_COLUMNS:
                array.InsertNextValue("" if value is None else str(value))
            else:
                array.InsertNextValue(float("nan") if value is None else float(value))
        content.AddColumn(array)
    node.SetAndObserveTable(content)
    node.SetUseColumnTitleAsColumnHeader(True)
    node.SetLocked(True)
    return node
