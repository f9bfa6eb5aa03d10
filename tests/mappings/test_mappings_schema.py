import jsonschema
import pytest
from ruamel.yaml import YAML

from mappings.load import DEFAULT_MAPPINGS, DEFAULT_TEMPLATES
from mappings.schema import json_schema, schema_path, schema_text


def plain(path):
    data = YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8"))
    return _keys_as_text(data)


def _keys_as_text(value):
    if isinstance(value, dict):
        return {str(key).lower() if isinstance(key, bool) else key: _keys_as_text(item) for key, item in value.items()}
    return [_keys_as_text(item) for item in value] if isinstance(value, list) else value


@pytest.mark.parametrize("name", ["mappings", "template"])
def test_the_written_schema_is_current(name):
    assert schema_path(name).read_text(encoding="utf-8") == schema_text(name), "run `python -m mappings.schema`"


@pytest.mark.parametrize(
    ("path", "name"), [(DEFAULT_MAPPINGS, "mappings"), *((path, "template") for path in DEFAULT_TEMPLATES)]
)
def test_a_shipped_file_fits_the_schema_that_its_first_line_names(path, name):
    first = path.read_text(encoding="utf-8").splitlines()[0]
    assert first.startswith("# yaml-language-server: $schema=")
    assert (path.parent / first.split("=", 1)[1]).resolve() == schema_path(name)
    jsonschema.validate(plain(path), json_schema(name))


def test_the_schema_refuses_an_unknown_key():
    data = plain(DEFAULT_MAPPINGS) | {"colour": "red"}
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(data, json_schema("mappings"))
