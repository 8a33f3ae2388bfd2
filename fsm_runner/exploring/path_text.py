"""The text of paths: what an exploration found, as text and as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from fsm_runner.engine.chart import Chart
from fsm_runner.engine.check.combinations import spelled
from fsm_runner.engine.check.rules import Taken
from fsm_runner.engine.rows import Transition
from fsm_runner.engine.text import counted, json_text
from fsm_runner.exploring.actions import Consequence, Move
from fsm_runner.exploring.exploration import Explored, Reached, RowPath
from fsm_runner.exploring.reachability import Blocked, Reach
from fsm_runner.exploring.shortest_paths import FoundPath

WHO, CODE = 7, 36
"""Columns of who moves, and of what it does."""

REFUSED = "(refuses the request)"
"""What the model does where no entry of the script is played."""


def as_text(explored: Explored) -> str:
    """Return each row with its conversation, or with why it has none; then how many have one."""
    lines: list[str] = []
    for path in explored.paths:
        lines += [*_row_lines(explored.chart, path), ""]
    found = len(explored.paths) - len(explored.missing)
    lines.append(f"{found} of {counted(len(explored.paths), 'row')} taken")
    return "\n".join(lines)


def reached_as_text(reached: Reached) -> str:
    """Return the way to a state, or the proof that there is none."""
    return "\n".join(_way(reached) if reached.reach.path is not None else _proof(reached.chart, reached.reach))


def as_json(explored: Explored) -> str:
    """Return the same as `as_text`, as one JSON object."""
    rows = [_row(path) for path in explored.paths]
    said = {"chart": explored.chart.name, "situations": explored.places, "unknown_facts": explored.unknown}
    return json_text({**said, "rows": rows})


def reached_as_json(reached: Reached) -> str:
    """Return the same as `reached_as_text`, as one JSON object."""
    way, conversation = reached.reach, reached.conversation
    said: dict[str, object] = {"chart": reached.chart.name, "state": way.state, "reachable": way.path is not None}
    if way.path is None:
        said["reached"] = way.reached
        said["leaving"] = [_blocked(each) for each in way.leaving]
        said["toward"] = [_blocked(each) for each in way.toward]
    else:
        if conversation is None:
            said["path"] = [_taken(each) for each in way.path]
            said |= {"conversation": None, "why_none": reached.why or None}
        else:
            said["path"] = list(map(_transition, conversation.until(way.state)))
            said["conversation"] = _conversation(conversation)
    return json_text(said)


# ── text ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _row_lines(chart: Chart, path: RowPath) -> Iterator[str]:
    row = path.row
    when = [row.event or "", spelled(row.guard) if row.guard else ""]
    yield f"{row.id}: {path.state.name} → {row.target}" + "".join(f", {word}" for word in when if word)
    if path.conversation is None:
        yield f"  {path.without}: {path.why}"
    else:
        yield from _told(chart, path.conversation)


def _told(chart: Chart, conversation: FoundPath) -> Iterator[str]:
    options = ", ".join(f"{name}={written(value)}" for name, value in conversation.beginning.options.items())
    if options:
        yield f"  {'options':{WHO}} {options}"
    for name, answer in conversation.assumed.items():
        yield f"  {'assumed':{WHO}} fact '{name}' answers {answer}"
    guards = {row.id: {name for name, _ in row.guard} for row in chart.rows}
    for move, done in conversation.moves:
        outcome = "" if done.outcome in (None, "done") else f"  → {_outcome(str(done.outcome))}"
        yield f"  {move.who:{WHO}} {move.code or REFUSED:{CODE if outcome else 0}}{outcome}"
        for event, step in done.told:
            if not step.transitions:
                yield f"  {'':{WHO}}   ({event.name})"
            for taken in step.transitions:
                why = ", ".join(filter(None, (taken.event, _answers(taken, guards[taken.row]))))
                yield f"  {'':{WHO}}   {taken.source} -{taken.row}→ {taken.target}" + (f"   {why}" if why else "")


def written(value: object) -> str:
    """Return the plain data of an option as Python, with double quotes."""
    match value:
        case str():
            return json.dumps(value, ensure_ascii=False)
        case dict():
            return f"{{{', '.join(f'{written(key)}: {written(each)}' for key, each in value.items())}}}"
        case _:
            return repr(value)


def _answers(taken: Transition, asked: set[str]) -> str:
    return ", ".join(f"{name}={answer}" for name, answer in taken.facts.items() if name in asked)


def _outcome(outcome: str) -> str:
    return {"message": "a message", "stream": "a stream", "end": "the end of the run"}.get(outcome, outcome)


def _way(reached: Reached) -> Iterator[str]:
    way = reached.reach
    assert way.path is not None
    if not way.path:
        yield f"state '{way.state}' can be reached: every run begins there"
        return
    if reached.conversation is None:
        yield f"state '{way.state}' can be reached as far as rows and answers say, by {counted(len(way.path), 'row')}:"
        yield from _steps(way.path)
        yield f"but there is no conversation: {reached.why}"
        return
    path = reached.conversation.until(way.state)
    yield f"state '{way.state}' can be reached: {way_through(path)}"
    yield ""
    yield "a shortest conversation that leads there:"
    yield from _told(reached.chart, reached.conversation)


def way_through(path: Sequence[Transition]) -> str:
    """Return the states and rows of a path, as ``start -begin→ inspect``."""
    return path[0].source + "".join(f" -{taken.row}→ {taken.target}" for taken in path)


def _steps(path: Sequence[Taken]) -> Iterator[str]:
    for taken in path:
        why = ", ".join(filter(None, (taken.event, spelled(taken.facts) if taken.facts else "")))
        yield f"  {taken.source} -{taken.row}→ {taken.target}" + (f"   {why}" if why else "")


def _proof(chart: Chart, way: Reach) -> Iterator[str]:
    yield f"state '{way.state}' cannot be reached"
    names = ", ".join(way.reached)
    some = counted(len(way.reached), "state")
    yield f"  from '{chart.initial}', with whatever answers, rows lead to {some} and no other: {names}"
    if way.leaving:
        yield "  each row that leads on from there can never be taken:"
        yield from _blocked_lines(way.leaving)
    else:
        yield "  no row of theirs leads anywhere else"
    rest = [each for each in way.toward if each not in way.leaving]
    if not way.toward:
        yield f"  no row of any other state leads to '{way.state}'"
    elif rest:
        yield f"  other rows lead to '{way.state}', but none can be taken:"
        yield from _blocked_lines(rest)


def _blocked_lines(rows: Sequence[Blocked]) -> Iterator[str]:
    for each in rows:
        yield f"    {each.state} -{each.row.id}→ {each.row.target}: {each.why}"


# ── JSON ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _row(path: RowPath) -> dict[str, object]:
    row = path.row
    said: dict[str, object] = {"row": row.id, "state": path.state.name, "event": row.event, "target": row.target}
    if path.conversation is None:
        return {**said, "found": False, "kind": path.without, "why": path.why}
    return {**said, "found": True, **_conversation(path.conversation)}


def _conversation(conversation: FoundPath) -> dict[str, object]:
    return {
        "options": dict(conversation.beginning.options),
        "assumed": dict(conversation.assumed),
        "moves": [_move(move, done) for move, done in conversation.moves],
    }


def _move(move: Move, done: Consequence) -> dict[str, object]:
    events = [{"event": event.name, "rows": list(map(_transition, step.transitions))} for event, step in done.told]
    return {"who": move.who, "code": move.code, "outcome": done.outcome, "events": events}


def _transition(taken: Transition) -> dict[str, object]:
    facts = dict(taken.facts)
    return {
        "source": taken.source, "event": taken.event, "row": taken.row, "facts": facts, "target": taken.target,
    }  # fmt: skip


def _taken(taken: Taken) -> dict[str, object]:
    facts = {name: answers[0] if len(answers) == 1 else list(answers) for name, answers in taken.facts}
    return {
        "source": taken.source, "event": taken.event, "row": taken.row, "facts": facts, "target": taken.target,
    }  # fmt: skip


def _blocked(blocked: Blocked) -> dict[str, object]:
    return {"state": blocked.state, "row": blocked.row.id, "target": blocked.row.target, "why": blocked.why}
