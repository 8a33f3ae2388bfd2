"""The script: conversations as a Python file of tests, which run on `fsm_runner.testing` without a model.

Each test plays its conversation through the real runner and asserts that its row was taken.  A row without a
conversation is a test that is skipped, with the reason: it is never left out in silence.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from fsm_runner.core.chart import Chart
from fsm_runner.core.cover import spelled
from fsm_runner.exploring.moves import READ, Act, Fault, Move, Outcome, Reply
from fsm_runner.exploring.places import Consequence
from fsm_runner.exploring.preamble import WIDTH, Source, head_of, usual_reports, written
from fsm_runner.exploring.report import Explored, RowPath
from fsm_runner.exploring.search import Conversation

MAIN = """\
if __name__ == "__main__":
    raise SystemExit(pytest.main([__file__, "-W", "ignore::pytest.PytestAssertRewriteWarning"]))
"""


def script(explored: Explored, source: Source) -> str:
    """Return a Python file with a test for each row of `explored`."""
    names = names_of_tests(path.row.id for path in explored.paths)
    tests = "\n\n".join("\n".join(_test(explored.chart, path, names[path.row.id])) for path in explored.paths)
    return f"{head_of(explored, source, tests)}\n\n{tests}\n\n\n{MAIN}"


def lines_of(chart: Chart, conversation: Conversation) -> list[str]:
    """Return what a test does: the model's script, the run, and the caller's lines."""
    moves = [move for move, _ in conversation.moves]
    replies = [move.code for move in moves if isinstance(move, Reply | Fault) and move.code]
    options = "".join(f", {name}={written(value)}" for name, value in conversation.beginning.options.items())
    tools = _played((move.code for move in moves if isinstance(move, Outcome) and move.who == "tool"), '"found"')
    options += f", outcomes=[{', '.join(tools)}]" if tools else ""
    effects = {name: codes for name, usual in usual_reports(chart).items() if (codes := _effect(moves, name, usual))}
    if effects:
        played = ", ".join(f'"{name}": [{", ".join(codes)}]' for name, codes in effects.items())
        options += f", effects={{{played}}}"
    if conversation.assumed:
        options += f", assumed={written(dict(conversation.assumed))}"
    lines = [f"runner, rows = begun(model{options})"]
    for act, outcome in _calls(conversation.moves):
        lines += _line(act, outcome, moves)
    return [*_with(replies), *(f"    {line}" for line in lines)]


def names_of_tests(rows: Iterable[str]) -> dict[str, str]:
    """Return for each row the name of its test; letters that Python or pytest would not take are ``_``."""
    taken: set[str] = set()
    names: dict[str, str] = {}
    for row in rows:
        name = "test_takes_" + re.sub(r"\W", "_", row)
        while name in taken:
            name += "_"
        taken.add(name)
        names[row] = name
    return names


# ── a test ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def _test(chart: Chart, path: RowPath, name: str) -> Iterator[str]:
    row = path.row
    when = f", for {spelled(row.guard)}" if row.guard else ""
    said = f"{path.state.name} -{row.id}-> {row.target}, {'always' if row.event is None else f'on {row.event}'}{when}."
    if path.conversation is None:
        reason = f"{path.without}: {path.why}".replace("\\", "\\\\").replace('"', '\\"')
        yield f'\n@pytest.mark.skip(reason="{reason}")'
        yield f"def {name}():"
        yield f'    """{said}"""'
        return
    yield f"\ndef {name}():"
    yield f'    """{said}"""'
    yield from (f"    {line}" for line in lines_of(chart, path.conversation))
    yield ""
    yield f'    assert "{row.id}" in rows'


def _with(replies: Sequence[str]) -> list[str]:
    whole = f"with ScriptedModel([{', '.join(replies)}]) as model:"
    if len(whole) <= WIDTH - 4:
        return [whole]
    return ["script = [", *(f"    {reply}," for reply in replies), "]", "with ScriptedModel(script) as model:"]


def _calls(moves: Sequence[tuple[Move, Consequence]]) -> Iterator[tuple[Act, str | None]]:
    """Yield what the caller does, each with what it comes to; None: it is no call that anything comes of."""
    acts = [index for index, (move, _) in enumerate(moves) if isinstance(move, Act)]
    for index, end in zip(acts, [*acts[1:], len(moves)], strict=True):
        act = moves[index][0]
        assert isinstance(act, Act)
        yield act, next((done.outcome for _, done in moves[index:end] if done.outcome is not None), None)


def _line(act: Act, outcome: str | None, moves: Sequence[Move]) -> list[str]:
    if outcome is not None and outcome.startswith("raises "):
        return [f"with pytest.raises({outcome.removeprefix('raises ')}):", f"    {act.code}"]
    if act.deed == "next" and outcome == "end":
        return ["assert next(runner, None) is None"]
    if act.deed == "next" and outcome == "stream" and READ in moves:
        return [f"stream = {act.code}"]
    return [act.code]


def _effect(moves: Sequence[Move], name: str, usual: str) -> list[str]:
    return _played((move.code for move in moves if isinstance(move, Outcome) and move.who == name), usual)


def _played(codes: Iterable[str], usual: str) -> list[str]:
    """What stand-ins play, without what they end on anyway."""
    played = list(codes)
    while played and played[-1] == usual:
        played.pop()
    return played
