"""Links a checked template document into a Template, and refuses plans that could never be dated.

Used by `mappings.load` only. Reports every unknown phase, role, task and cycle at its place.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from mappings.conditions import Condition
from mappings.contracts import contract
from mappings.dating import AFTER, Anchor
from mappings.document import START, GroupDoc, TaskDoc, TemplateDoc
from mappings.expressions import Vocabulary, check_expression, check_text
from mappings.reading import Place, Source, suggest
from mappings.templates import Group, TaskTemplate, Template
from mappings.texts import Text


def weave(source: Source, doc: TemplateDoc, vocabulary: Vocabulary) -> Template:
    """Return the template; what is wrong with it is reported to the source."""
    loom = _Loom(source, doc, vocabulary)
    template = Template(
        name=doc.name,
        version=doc.version,
        title=loom.text(("title",), doc.title),
        phases=tuple(doc.phases),
        groups=tuple(loom.group(number, group) for number, group in enumerate(doc.groups)),
        roles=doc.roles,
        when=loom.expression(("when",), doc.when),
        priority=doc.priority,
        kickoff_after_close=doc.kickoff_after_close,
        launch_after_kickoff=doc.launch_after_kickoff,
        contracted_hours=loom.expression(("contracted_hours",), doc.contracted_hours),
        contracted=contract(source, doc.contracted, vocabulary, doc.roles) if doc.contracted else None,
    )
    loom.refuse_cycles(template)
    if doc.contracted and doc.contracted_hours:
        repair = "Keep `contracted` and move the expression to its `hours`"
        source.report(("contracted_hours",), "the contracted hours are said twice", repair, key=True)
    loom.refuse_twins()
    return template


class _Loom:
    """One template's names, and the places where they stand."""

    def __init__(self, source: Source, doc: TemplateDoc, vocabulary: Vocabulary) -> None:
        self._source, self._doc, self._vocabulary = source, doc, vocabulary
        # From the raw file: a task that was cut out for a mistake of its own is no unknown task.
        self._tasks = {str(raw["key"]): place for place, raw in _raw_tasks(source.data) if "key" in raw}

    def group(self, number: int, doc: GroupDoc) -> Group:
        """Link one group."""
        place: Place = ("groups", number)
        extra = ("line",) if doc.for_each else ()
        if doc.phase not in self._doc.phases:
            self._source.report((*place, "phase"), f"unknown phase {doc.phase!r}", suggest(doc.phase, self._doc.phases))
        if doc.each and not doc.for_each:
            self._source.report((*place, "each"), "`each` stands without `for_each`", "Add `for_each: lines`", key=True)
        return Group(
            phase=doc.phase,
            tasks=tuple(self._task((*place, "tasks", n), task, extra) for n, task in enumerate(doc.tasks)),
            when=self.expression((*place, "when"), doc.when),
            for_each=doc.for_each is not None,
            each=self.expression((*place, "each"), doc.each, ("line",)),
        )

    def expression(self, place: Place, text: str | None, extra: tuple[str, ...] = ()) -> Condition | None:
        """Compile and check an expression."""
        if text is None:
            return None
        expression = Condition.compile(text)
        check_expression(self._source, place, expression, self._vocabulary, extra)
        return expression

    def text(self, place: Place, source: str, extra: tuple[str, ...] = ()) -> Text:
        """Compile and check a text."""
        text = Text.compile(source)
        check_text(self._source, place, text, self._vocabulary, extra)
        return text

    def refuse_twins(self) -> None:
        """Report keys that two tasks share: the key is the task's identity at every vendor."""
        first: dict[str, Place] = {}
        for place, raw in _raw_tasks(self._source.data):
            key = str(raw.get("key", ""))
            if key and first.setdefault(key, place) != place:
                self._source.report((*place, "key"), f"two tasks have the key {key!r}", "Give each task its own key")

    def refuse_cycles(self, template: Template) -> None:
        """Report each ring of tasks that wait for each other, once."""
        graph = {task.key: task.predecessors for group in template.groups for task in group.tasks}
        for ring in _cycles(graph):
            self._source.report(
                self._tasks[ring[0]],
                f"tasks wait for each other in a circle: {' → '.join((*ring, ring[0]))}",
                "Remove one of these dependencies",
            )

    def _task(self, place: Place, doc: TaskDoc, extra: tuple[str, ...]) -> TaskTemplate:
        start = self._start((*place, "start"), doc.start)
        for number, key in enumerate(doc.depends_on):
            self._known_task((*place, "depends_on", number), key)
        if doc.role and doc.role not in self._doc.roles:
            self._source.report((*place, "role"), f"unknown role {doc.role!r}", suggest(doc.role, self._doc.roles))
        if doc.milestone and doc.days != 1:
            self._source.report((*place, "days"), "a milestone takes no time", "Remove `days`", key=True)
        hours = doc.hours
        amount = self.expression((*place, "hours"), hours, extra) if isinstance(hours, str) else float(hours)
        assert amount is not None
        return TaskTemplate(
            key=doc.key,
            name=self.text((*place, "name"), doc.name, extra),
            description=self.text((*place, "description"), doc.description, extra),
            audience=doc.audience,
            milestone=doc.milestone,
            role=doc.role or "",
            court=doc.court or "",
            start=start,
            days=doc.days,
            hours=amount,
            depends_on=tuple(doc.depends_on),
            critical=doc.critical,
            billable=doc.billable,
            when=self.expression((*place, "when"), doc.when, extra),
        )

    def _start(self, place: Place, text: str | None) -> Anchor | None:
        found = START.match(text) if text else None
        if not found:
            return None
        origin, sign, days, task, lag = found.groups()
        if origin:
            return Anchor(origin, int(f"{sign or '+'}{days or 0}"))
        self._known_task(place, task)
        return Anchor(AFTER, int(lag or 0), task)

    def _known_task(self, place: Place, key: str) -> None:
        if key not in self._tasks:
            self._source.report(place, f"there is no task {key!r}", suggest(key, self._tasks))


def _raw_tasks(data: object) -> Iterator[tuple[Place, Mapping[str, object]]]:
    groups = data.get("groups") if isinstance(data, Mapping) else None
    for number, group in enumerate(groups if isinstance(groups, list) else ()):
        tasks = group.get("tasks") if isinstance(group, Mapping) else None
        for index, task in enumerate(tasks if isinstance(tasks, list) else ()):
            if isinstance(task, Mapping):
                yield ("groups", number, "tasks", index), task


def _cycles(graph: Mapping[str, tuple[str, ...]]) -> Iterator[tuple[str, ...]]:
    """Walk the graph depth first; each way back onto the present path is a ring."""
    done: set[str] = set()
    for start in graph:
        path: list[str] = []
        yield from _walk(graph, start, path, done)


def _walk(graph: Mapping[str, tuple[str, ...]], key: str, path: list[str], done: set[str]) -> Iterator[tuple[str, ...]]:
    if key in path:
        yield tuple(path[path.index(key) :])
        return
    if key in done or key not in graph:
        return
    path.append(key)
    for before in graph[key]:
        yield from _walk(graph, before, path, done)
    path.pop()
    done.add(key)
