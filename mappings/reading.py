"""Reads a YAML file so that every mistake in it can be shown at its place, all at once.

Used by `mappings.load`. Knows YAML and pydantic, nothing of what the files mean: `Source.check` returns whatever can be
saved of the document, so that the checks which come after see the rest of it too.
"""

from __future__ import annotations

import difflib
import functools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias, TypeVar, get_args

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails
from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, SequenceNode

Place: TypeAlias = tuple[str | int, ...]
"""Keys and indexes from the top of the document."""

Model = TypeVar("Model", bound=BaseModel)
ROUNDS = 50


@dataclass(frozen=True, slots=True, order=True)
class Mistake:
    """One thing wrong in a file. `what` says what it is, `repair` what to do."""

    file: str
    line: int
    column: int
    what: str
    repair: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}: {self.what}. {self.repair}"


class Problems(Exception):
    """A file, or several, cannot be used; holds every mistake found. Show them all and stop."""

    def __init__(self, mistakes: Iterable[Mistake]) -> None:
        self.mistakes = tuple(sorted(set(mistakes)))
        super().__init__("\n".join(str(mistake) for mistake in self.mistakes))


@dataclass
class Source:
    """A file that was read: its plain data, the position of each place, and the mistakes found so far."""

    file: str
    data: Any = None
    text: str = ""
    mistakes: list[Mistake] = field(default_factory=list)
    _keys: dict[Place, tuple[int, int]] = field(default_factory=dict)
    _values: dict[Place, tuple[int, int]] = field(default_factory=dict)
    _spared: set[Place] = field(default_factory=set)
    """Places that hold an outline's value in place of the file's."""
    _damaged: set[Place] = field(default_factory=set)
    """Things with a mistake of their own, which may look wrong in other ways for that alone."""

    @classmethod
    def read(cls, path: Path) -> Source:
        """Read a file; what cannot be read is a mistake, and `data` is then None."""
        source = cls(str(path))
        try:
            text = path.read_text(encoding="utf-8")
        except OSError as error:
            source._add(1, 1, f"the file cannot be read: {error.strerror}", "Check the path and its permissions")
        except UnicodeDecodeError:
            source._add(1, 1, "the file is no UTF-8 text", "Save it as UTF-8")
        else:
            return cls.of(str(path), text)
        return source

    @classmethod
    def of(cls, file: str, text: str) -> Source:
        """Read a file's text; what is wrong with it is a mistake, and `data` is then None."""
        source = cls(file, text=text)
        try:
            root = _nodes(text)
        except MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
            source._add(line, column, f"broken YAML: {error.problem}", "Check indentation, quotes and colons here")
        except YAMLError as error:
            source._add(1, 1, f"broken YAML: {str(error).splitlines()[0]}", "Save the file as plain YAML text")
        else:
            if isinstance(root, MappingNode):
                source._read_root(root)
            else:
                what = "is empty" if root is None else "does not consist of `key: value` lines"
                source._add(1, 1, f"the file {what}", "Start from one of the files that come with Closedwon")
        return source

    def report(self, place: Place, what: str, repair: str, *, key: bool = False) -> None:
        """Add a mistake at a place, or at the nearest place around it that the file has."""
        if {place, place[:-1]} & self._damaged or any(place[: len(spared)] == spared for spared in self._spared):
            return
        table = self._keys if key else self._values
        while place and place not in table:
            place = place[:-1]
            table = self._values
        line, column = table.get(place, (1, 1))
        self._add(line, column, what, repair)

    def is_list(self, place: Place) -> bool:
        """Tell whether the file has a list here."""
        return (*place, 0) in self._values

    def check(self, model: type[Model], spare: Mapping[str, Any]) -> Model | None:
        """Validate; every breach is reported, then cut out, so that what is sound can be checked further.

        What is missing is taken from `spare`, a document in outline; else what lacks it is cut out as well. None when
        nothing can be saved. What only *seems* wrong because of such repairs is not reported later on.
        """
        data = self.data
        for number in range(ROUNDS):
            try:
                return model.model_validate(data)
            except ValidationError as error:
                details = error.errors(include_url=False)
            if number == 0:
                self._report_all(model, details)
            mended: set[Place] = set()
            for detail in reversed(details):  # backwards, so that indexes still hold
                place = self._present(detail["loc"], missing=detail["type"] == "missing")
                if place not in mended:
                    mended.add(place)
                    data = self._mend(data, detail, spare)
        return None

    def _mend(self, data: Any, detail: ErrorDetails, spare: Mapping[str, Any]) -> Any:
        loc = detail["loc"]
        if detail["type"] != "missing":
            return _cut(data, loc)
        value: Any = spare
        for part in loc:
            value = value.get(part) if isinstance(value, Mapping) else None
        if value is None:
            return _cut(data, loc[:-1])
        self._spared.add(loc)
        return _put(data, loc, value)

    def _report_all(self, model: type[BaseModel], details: Sequence[ErrorDetails]) -> None:
        telling: dict[Place, ErrorDetails] = {}
        for detail in details:  # a union reports each of its arms: the one that got furthest tells most
            place = self._present(detail["loc"], missing=detail["type"] == "missing")
            if place not in telling or _rank(detail) > _rank(telling[place]):
                telling[place] = detail
        for place, detail in telling.items():
            self.report(place, *_words(model, detail), key=detail["type"] == "extra_forbidden")
        self._damaged = {
            place[:-1] for place in telling if len(place) > 1 and place[-1] in self._known_at(model, place)
        }

    @staticmethod
    def _known_at(model: type[BaseModel], place: Place) -> set[str]:
        return set(_fields_of(model, place[:-1]))

    def _present(self, loc: Place, *, missing: bool) -> Place:
        """Drop those parts of pydantic's location which stand in no file: arms of a union, lists made of one value."""
        place: Place = ()
        for part in loc:
            if (*place, part) in self._values:
                place = (*place, part)
        return (*place, loc[-1]) if missing else place

    def _read_root(self, root: MappingNode) -> None:
        try:
            self.data = self._plain(root, ())
        except RecursionError:
            self._add(1, 1, "an alias (`*name`) stands inside its own anchor (`&name`)", "Write the part out instead")

    def _plain(self, node: Node, place: Place) -> Any:
        self._values.setdefault(place, (node.start_mark.line + 1, node.start_mark.column + 1))
        if isinstance(node, MappingNode):
            return self._mapping(node, place)
        if isinstance(node, SequenceNode):
            return [self._plain(item, (*place, number)) for number, item in enumerate(node.value)]
        return self._scalar(node)

    def _scalar(self, node: Node) -> Any:
        try:
            return YAML(typ="safe", pure=True).constructor.construct_object(node) if _special(node) else node.value
        except (ValueError, YAMLError):
            line, column = node.start_mark.line + 1, node.start_mark.column + 1
            self._add(line, column, f"{node.value!r} cannot be read", "Correct it, or put it in quotes to make it text")
            return None

    def _mapping(self, node: MappingNode, place: Place) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key_node, value_node in node.value:
            key = str(key_node.value)
            line, column = key_node.start_mark.line + 1, key_node.start_mark.column + 1
            if key in found:
                first = self._keys[(*place, key)][0]
                self._add(line, column, f"{key!r} stands here twice, first in line {first}", "Keep one of the two")
                continue
            self._keys[(*place, key)] = (line, column)
            found[key] = self._plain(value_node, (*place, key))
        return found

    def _add(self, line: int, column: int, what: str, repair: str) -> None:
        self.mistakes.append(Mistake(self.file, line, column, what, repair))


@functools.lru_cache(maxsize=32)
def _nodes(text: str) -> Node | None:
    """Parse a text, once in a process: what reads the nodes changes none. Raises YAMLError."""
    root: Node | None = YAML(typ="safe", pure=True).compose(text)
    return root


def suggest(word: str, known: Iterable[str]) -> str:
    """Return what to do about an unknown word: the nearest known one, or all of them."""
    words = sorted(known)
    near = difflib.get_close_matches(word, words, n=1, cutoff=0.6)
    return f"Did you mean {near[0]!r}?" if near else f"Use one of: {', '.join(words) or 'none is defined'}"


def _special(node: Node) -> bool:
    """Tell whether a scalar is anything but text; most are text and need no constructor."""
    return not str(node.tag).endswith(":str")


def _rank(detail: ErrorDetails) -> int:
    if detail["type"] == "value_error":
        return 2
    return 0 if detail["type"].endswith("_type") else 1


def _words(model: type[BaseModel], detail: ErrorDetails) -> tuple[str, str]:
    """Say what pydantic found in words for the operator. A validator's own ValueError may end with `; what to do`."""
    kind, name, context = detail["type"], str(detail["loc"][-1]), detail.get("ctx", {})
    if kind == "extra_forbidden":
        return f"unknown key {name!r}", suggest(name, _fields_of(model, detail["loc"][:-1]))
    if kind == "missing":
        return f"{name!r} is missing", "Add it"
    if kind == "literal_error":
        return f"{detail['input']!r} is not allowed here", f"Use {context['expected']}"
    if kind == "value_error":
        what, _, repair = str(context["error"]).rpartition("; ")
        return (what, repair[:1].upper() + repair[1:]) if what else (repair, "Correct it")
    if kind == "string_pattern_mismatch":
        form = _described(model, detail["loc"]) or f"what matches {context['pattern']}"
        return f"{detail['input']!r} has not the right form", f"Allowed: {form.rstrip('.')}"
    given = f", got {detail['input']!r}" if isinstance(detail["input"], bool | int | float | str) else ""
    return f"{detail['msg'][0].lower()}{detail['msg'][1:]}{given}", "Correct the value"


def _fields_of(model: Any, loc: Sequence[str | int]) -> dict[str, FieldInfo]:
    """Return the fields which the model allows at a location."""
    for part in loc:
        fields = {name: info for found in _models(model) for name, info in found.model_fields.items()}
        if part in fields:
            model = fields[str(part)].annotation
    return {name: info for found in _models(model) for name, info in found.model_fields.items()}


def _described(model: type[BaseModel], loc: Place) -> str | None:
    """Return what the innermost described field at a location says about itself."""
    for depth in reversed(range(len(loc))):
        info = _fields_of(model, loc[:depth]).get(str(loc[depth]))
        if info and info.description:
            return info.description
    return None


def _models(annotation: Any) -> Iterable[type[BaseModel]]:
    """Find the models inside an annotation: `dict[str, list[LensDoc]]` holds LensDoc."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for inner in get_args(annotation):
        yield from _models(inner)


def _put(data: Any, loc: Sequence[str | int], value: Any) -> Any:
    if not loc:
        return value
    return {**data, loc[0]: _put(data.get(loc[0], {}), loc[1:], value)}


def _cut(data: Any, loc: Sequence[str | int]) -> Any:
    if isinstance(data, Mapping):
        if not loc or loc[0] not in data:
            return data if not loc else _cut(data, loc[1:])
        rest = _deeper(data[loc[0]], loc[1:])
        return {
            key: _cut(value, rest) if key == loc[0] else value for key, value in data.items() if rest or key != loc[0]
        }
    if isinstance(data, list) and loc and isinstance(loc[0], int) and loc[0] < len(data):
        rest = _deeper(data[loc[0]], loc[1:])
        cut = [_cut(value, rest) if number == loc[0] else value for number, value in enumerate(data)]
        return cut if rest else [value for number, value in enumerate(cut) if number != loc[0]]
    return data


def _deeper(value: Any, loc: Sequence[str | int]) -> Sequence[str | int]:
    """Return the rest of a location as far as the data has it."""
    for number, part in enumerate(loc):
        if isinstance(value, Mapping) and part in value:
            return loc[number:]
        if isinstance(value, list) and isinstance(part, int) and part < len(value):
            return loc[number:]
    return ()
