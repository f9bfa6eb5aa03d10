"""Smartsheet's error codes, each with its HTTP status and sentence, and the exception that carries one.

Raised by every module of this simulator, turned into an answer by `vendor.Smartsheet`. The sentences and codes are
those of the vendor's public error list (developers.smartsheet.com, error codes); it never invents a code.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

CODES: Mapping[int, tuple[int, str]] = {
    1001: (401, "An Access Token is required."),
    1002: (401, "Your Access Token is invalid."),
    1003: (401, "Your Access Token has expired."),
    1004: (403, "You are not authorized to perform this action."),
    1006: (404, "Not Found"),
    1008: (400, "Unable to parse request. The following error occurred: {0}"),
    1009: (400, "A required parameter is missing from your request: {0}."),
    1010: (405, "HTTP Method not supported."),
    1012: (400, "Required object attribute(s) are missing from your request: {0}."),
    1013: (403, "The operation you are attempting to perform is not supported by your plan."),
    1018: (400, "The value '{0}' was not valid for the parameter {1}."),
    1020: (404, "User not found."),
    1024: (400, "The HTTP request body is required for this Method."),
    1031: (400, "The value '{0}' was not valid for the attribute {1}."),
    1032: (400, "The attribute(s) {0} are not allowed for this operation."),
    1033: (404, "The template for id {0} was not found."),
    1034: (400, "Invalid row id."),
    1036: (400, "The columnId {0} is invalid."),
    1037: (400, "The columnId {0} is included more than once in a single row."),
    1038: (400, "Invalid Cell value. Must be numeric or a string."),
    1039: (403, "Cannot edit a locked column {0}."),
    1041: (400, "The value for {0} must be {1} characters in length or less, but was {2}."),
    1042: (400, "The value for cell in column {0}, {1}, did not conform to the strict requirements for type {2}."),
    1045: (403, "The resource specified is read-only."),
    1046: (400, "Cells containing system values cannot be inserted or updated through the API: column {0}."),
    1050: (403, "You cannot edit a locked row."),
    1054: (400, "The new sheet requires either a fromId or columns."),
    1055: (400, "One and only one column must be primary."),
    1056: (400, "Column titles must be unique."),
    1057: (400, "Primary columns must be of type TEXT_NUMBER."),
    1058: (400, "Column type of {1} does not support symbol of type {0}."),
    1059: (400, "Column options are not allowed when a symbol is specified."),
    1060: (400, "Column options are not allowed for column type {0}."),
    1061: (400, "Max count exceeded for field {0}."),
    1062: (400, "Invalid row location: {0}"),
    1063: (400, "Invalid parentId: {0}."),
    1064: (400, "Invalid siblingId: {0}."),
    1065: (400, "The column specified cannot be deleted."),
    1077: (400, "Duplicate system column type: {0}."),
    1079: (400, "Column type {0} is not supported for system column type {1}."),
    1080: (400, "End Dates on dependency-enabled sheets cannot be created/updated. Update Duration or Start Date."),
    1089: (400, "The type specified is only used with System Columns."),
    1090: (400, "Column.type is required when changing symbol, systemColumnType or options."),
    1092: (403, "You cannot delete this row. Either it or one or more of its children are locked."),
    1119: (500, "The folder was copied in part only: {0} items are missing."),
    1123: (400, "Specifying multiple row locations is not yet supported. Each row must use the same row location."),
    1124: (415, "Invalid Content-Type header. Media type not supported."),
    1130: (400, "Only one of cell.value or cell.objectValue may be non-null."),
    1142: (400, "Column type {0} is reserved for project sheets and may not be manually set on a column."),
    1148: (400, "The value {0} is outside the range of numbers that Smartsheet supports."),
    1151: (400, "Scope '{0}', object id {1} was not found."),
    1152: (400, "Only URLs with a protocol of 'https' are supported for attribute '{0}'."),
    1155: (400, "Cells in project column {0} are calculated and cannot be updated."),
    1185: (400, "A row cannot be the child of an empty row."),
    1235: (400, "Value is not supported for this column type. Use objectValue instead."),
    4000: (500, "An unexpected error has occurred. Please contact Smartsheet support."),
    4001: (503, "Smartsheet.com is currently offline for system maintenance. Please check back again shortly."),
    4002: (500, "Server timeout exceeded. Request has failed."),
    4003: (429, "Rate limit exceeded."),
    4004: (500, "An unexpected error has occurred. Please retry your request."),
    4005: (410, "This endpoint is no longer available."),
}


class Problem(ValueError):
    """A refusal in the vendor's words; `detail` names the item of a bulk call that is at fault."""

    def __init__(self, code: int, *parts: object, detail: Mapping[str, Any] | None = None) -> None:
        status, sentence = CODES[code]
        self.code = code
        self.status = status
        self.message = sentence.format(*(str(part) for part in (*parts, "", "", "")))
        self.detail = detail
        super().__init__(f"{code}: {self.message}")

    @classmethod
    def again(cls, problem: Problem, detail: Mapping[str, Any]) -> Problem:
        """Return the same refusal with the place of the bad item in a bulk call."""
        copy = cls(problem.code, detail=detail)
        copy.message = problem.message
        return copy

    @classmethod
    def busy(cls, sheet_id: int) -> Problem:
        """Return 4004 as for a sheet that another request is writing to."""
        problem = cls(4004)
        problem.message = (
            f"sheetId {sheet_id} is currently being updated by another request that uses the same access token."
        )
        return problem

    def body(self, ref: str) -> dict[str, Any]:
        """Return the JSON body of the answer; `ref` is the vendor's reference of this occurrence."""
        body: dict[str, Any] = {"refId": ref, "errorCode": self.code, "message": self.message}
        return body | {"detail": dict(self.detail)} if self.detail else body
