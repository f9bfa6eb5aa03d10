"""Writes the JSON Schemas by which editors check and complete mapping and template files while one types.

Run as `python -m mappings.schema` after a change of `mappings.document`; a test holds the written files current.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel

from mappings.document import MappingsDoc, TemplateDoc

MODELS: dict[str, type[BaseModel]] = {"mappings": MappingsDoc, "template": TemplateDoc}


def json_schema(name: Literal["mappings", "template"]) -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of one kind of file."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema"} | MODELS[name].model_json_schema()


def schema_text(name: Literal["mappings", "template"]) -> str:
    """Return the schema as it stands in its file."""
    return json.dumps(json_schema(name), indent=2, ensure_ascii=False) + "\n"


def schema_path(name: Literal["mappings", "template"]) -> Path:
    """Return the file that editors read; the YAML files name it in their first line."""
    return Path(__file__).with_name(f"{name}.schema.json")


def main() -> None:
    """Write both files."""
    for name in ("mappings", "template"):
        schema_path(name).write_text(schema_text(name), encoding="utf-8")


if __name__ == "__main__":
    main()
