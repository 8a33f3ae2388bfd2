"""Export: a chart in the languages of other tools.

    markup     the keywords of a plain `transitions.Machine`, as data
    xstate     the configuration of an XState v5 machine, which Stately's editor opens
    promela    the input of SPIN, a model checker that knows nothing of our check

Rows keep their order, so the first that holds is taken there, too.  Facts are questions that the other side answers:
a guard becomes a condition with a name.  Only SPIN, which tries every answer, is told what they can be.

Sources: https://stately.ai/docs/machines, and the JSON schema of xstate 5; the language reference of SPIN 6,
https://spinroot.com/spin/Man/promela.html.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from fsm_runner.engine.chart import AlwaysReaches, Chart, Moment, Never, Pattern, Precedes, Row, State
from fsm_runner.engine.check.tables import REACHED
from fsm_runner.engine.domain import Vocabulary

# ── pytransitions ───────────────────────────────────────────────────────────────────────────────────────────────────


ALWAYS = "always"
"""The trigger of rows without an event: call it after entering a state, until no row holds."""


def markup(chart: Chart) -> dict[str, object]:
    """Return `chart` as keywords of a plain `transitions.Machine`.

    Its model has a method for each condition, such as ``turn_is_wants_tools``.  Effects, outputs, limits and supplies
    have no word there, and are left out.
    """
    return {
        "name": chart.name,
        "states": [{"name": state.name, "final": state.final} for state in chart.states],
        "initial": chart.initial,
        "transitions": [
            {
                "trigger": row.event or ALWAYS,
                "source": state.name,
                "dest": row.target,
                "conditions": conditions(row.guard),
            }
            for state in chart.states
            for row in state.rows
        ],
        "auto_transitions": False,
        "send_event": True,
    }


def conditions(guard: Pattern) -> list[str]:
    """Return the names of a guard's conditions: ``turn_is_finished_or_unreadable``."""
    return [f"{name}_is_{'_or_'.join(answers)}" for name, answers in guard]


# ── XState ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def xstate(chart: Chart) -> dict[str, object]:
    """Return `chart` as the configuration of an XState v5 machine.

    Every guard is the one named ``answers``, whose parameters are the answers that it requires; an effect is an invoked
    actor that sends the events it reports.  Rows keep their ids in ``description``, phases are tags, and what a row
    spends, consumes or hands out is in ``meta``.
    """
    return {
        "id": chart.name,
        "initial": chart.initial,
        "context": {"limits": {limit.name: limit.value for limit in chart.limits}},
        "states": {state.name: _xstate_state(state) for state in chart.states},
    }


def _xstate_state(state: State) -> dict[str, object]:
    made: dict[str, object] = {"tags": [state.phase]}
    if state.final:
        made["type"] = "final"
    if state.effect is not None:
        made["invoke"] = {"src": state.effect, "id": state.effect}
    if state.always:
        made["always"] = [_xstate_row(state, row) for row in state.always]
    if state.events:
        made["on"] = {
            event: [_xstate_row(state, row) for row in state.transitions if row.event == event]
            for event in state.events
        }
    return made


def _xstate_row(state: State, row: Row) -> dict[str, object]:
    made: dict[str, object] = {"target": row.target, "description": row.id}
    if row.guard:
        made["guard"] = {"type": "answers", "params": {name: list(answers) for name, answers in row.guard}}
    if row.target == state.name:
        made["reenter"] = True  # its effect starts anew
    meta = {"output": row.output, "spends": row.spends, "consumes": row.consumes}
    if known := {name: value for name, value in meta.items() if value is not None}:
        made["meta"] = known
    return made


# ── SPIN ────────────────────────────────────────────────────────────────────────────────────────────────────────────

COMPLETE, BOUNDED = "complete", "bounded"
"""The claims that every chart has."""


def promela(chart: Chart, vocabulary: Vocabulary, impossible: Sequence[Pattern] = ()) -> str:
    """Return `chart` as a Promela model.

    Wherever a row is chosen, each fact that counts there gives any of its answers, so SPIN tries every run that there
    can be.  The model prints each step, ``inspect finish turn=5``, which is enough to take the path of a trail again.
    Its LTL claims:

        complete      each event finds a row, for every combination of answers
        bounded       no run takes, from some step on, only rows that use up nothing, or what comes anew
        rule_NAME     for each `precedes` and `never`; `always_reaches` speaks of what could be, which LTL cannot

    Args:
        chart: each of its names resolves.
        vocabulary: which fact is about limits, and what renews which supply.
        impossible: answers that facts never give together.
    """
    return "\n".join([*_Model(chart, vocabulary, impossible).lines(), ""])


def claim_of(name: str) -> str:
    """Return what the claim of the rule `name` is called."""
    return f"rule_{name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Monitor:
    """A rule, as what it watches: immutable.  The moments are those of `engine.check.rules`."""

    name: str
    frees: Moment | None
    forbidden: Moment
    binds: Moment | None
    bound: bool


class _Model:
    """Writes one model."""

    def __init__(self, chart: Chart, vocabulary: Vocabulary, impossible: Sequence[Pattern]) -> None:
        self.chart = chart
        self.vocabulary = vocabulary
        self.answers = {fact.name: fact.answers for fact in chart.facts}
        self.impossible = [clean for pattern in impossible if (clean := self._declared(pattern))]
        self.states = {state.name: state for state in chart.states}
        self.number = {row.id: number for number, row in enumerate(chart.rows, 1)}
        self.monitors = [_monitor(rule) for rule in chart.rules if not isinstance(rule, AlwaysReaches)]

    def _declared(self, pattern: Pattern) -> Pattern:
        """Return `pattern` in the answers that are declared; empty when it asks for others."""
        kept = [(name, tuple(a for a in some if a in self.answers.get(name, ()))) for name, some in pattern]
        return tuple(kept) if all(some for _, some in kept) else ()

    def lines(self) -> Iterator[str]:
        yield f"/* {self.chart.name}: a chart of fsm_runner.  Claims: {', '.join(self.claims())} */"
        for number, state in enumerate(self.chart.states):
            yield f"#define S_{state.name} {number}"
        for id, number in self.number.items():
            yield f"#define R_{id} {number}"
        yield ""
        yield f"byte state = S_{self.chart.initial};"
        yield "short row = 0;     /* the row taken last; 0: none */"
        yield "bit entered = 1;   /* whether its rows without an event come next */"
        yield "bit used = 1;      /* whether that row used up what does not come anew, or the run has ended */"
        yield "bit spent = 0;     /* whether a limit is reached, for good */"
        yield "bit stuck = 0;     /* whether no row held */"
        for each in self.monitors:
            yield f"bit bound_{claim_of(each.name)} = {int(self._bound_at_start(each))};"
            yield f"bit broken_{claim_of(each.name)} = {int(self._broken_at_start(each))};"
        yield ""
        yield "active proctype chart()"
        yield "{"
        yield from (f"  byte {_fact(name)};" for name in self.answers)
        yield "  do"
        yield "  :: !spent -> spent = 1"
        for state in self.chart.states:
            yield from self._state(state)
        yield "  od;"
        yield "  goto end;"
        yield "none: used = 1;     /* nothing that can happen: facts never answer so */"
        yield "end: skip"
        yield "}"
        yield ""
        yield from self._ltl()

    def claims(self) -> tuple[str, ...]:
        return (COMPLETE, BOUNDED, *(claim_of(each.name) for each in self.monitors))

    def _state(self, state: State) -> Iterator[str]:
        here = f"state == S_{state.name}"
        if state.final:
            yield f"  :: {here} -> used = 1; break"
            return
        rests = state.effect is not None or bool(state.transitions)
        if state.always:
            yield from self._table(state, f"{here} && entered", None, state.always, rests=rests)
        else:
            yield f"  :: {here} && entered -> entered = 0"
        for event in self._events(state):
            rows = [row for row in state.transitions if row.event == event]
            yield from self._table(state, f"{here} && !entered", event, rows, rests=False)

    def _events(self, state: State) -> tuple[str, ...]:
        """What rows take here, and what must be taken because the effect reports it or the caller may ask it."""
        own = {effect.name: effect.reports for effect in self.chart.effects}
        words, wanted = self.vocabulary, list(state.events)
        kind = words.effects.get(state.effect or "")
        if state.effect is not None:
            wanted += [*own.get(state.effect, words.reports(state.effect)), *words.failure]
        if (kind is not None and kind.asks) or (state.effect is None and state.transitions):
            wanted.append(words.asks[0])
        return tuple(dict.fromkeys(wanted)) if state.rows else ()

    def _table(self, state: State, when: str, event: str | None, rows: Sequence[Row], *, rests: bool) -> Iterator[str]:
        """The rows that are tried together: answers are given, and the first row whose guard holds is taken."""
        names = self._asked(rows)
        yield f"  :: atomic {{ {when} ->  /* {event or 'always'} */"
        for name in names:
            some = enumerate(self.answers[name], 1)
            choices = " ".join(f":: {_fact(name)} = {number} /* {each} */" for number, each in some)
            yield f"       if {choices} fi;"
        never = [self._guard(pattern) for pattern in self.impossible if all(name in names for name, _ in pattern)]
        if (limit := self.vocabulary.limit) in names and REACHED in self.answers[limit]:
            never.append(f"spent && !{self._guard(((limit, (REACHED,)),))}")
        for each in never:
            yield f"       if :: {each} -> goto none :: else fi;"
        if not rows:
            yield "       stuck = 1; used = 1; goto end }"
            return
        yield "       if"
        before: list[str] = []
        for row in rows:
            held = self._guard(row.guard)
            yield f"       :: {' && '.join([*(f'!({each})' for each in before), held])} ->"
            yield from (f"            {line}" for line in self._taking(state, row, names))
            before.append(held)
        other = "entered = 0" if rests else "stuck = 1; used = 1; goto end"
        yield f"       :: else -> {other}"
        yield "       fi;"
        yield "       " + " ".join(f"{_fact(name)} = 0;" for name in names) + " skip }"

    def _asked(self, rows: Sequence[Row]) -> list[str]:
        """The facts that `rows` ask, those that rules ask of them, and those tied to either by what is impossible."""
        moments = [moment for each in self.monitors for moment in (each.frees, each.forbidden, each.binds) if moment]
        guards = [row.guard for row in rows]
        guards += [moment.guard for moment in moments if any(self._named(moment, row) for row in rows)]
        names = {name for guard in guards for name, _ in guard}
        while more := {
            name for p in self.impossible for name, _ in p if any(n in names for n, _ in p) and name not in names
        }:
            names |= more
        return [name for name in self.answers if name in names]

    def _taking(self, state: State, row: Row, names: Iterable[str]) -> Iterator[str]:
        values = ", ".join(map(_fact, names))
        form = "".join(f" {name}=%d" for name in names)
        yield f'printf("@ {state.name} {row.id}{form}\\n"{", " if values else ""}{values});'
        for each in self.monitors:
            bound, broken = f"bound_{claim_of(each.name)}", f"broken_{claim_of(each.name)}"
            yield from self._when(each.frees, row, "1", f"{bound} = 0")
            yield from self._when(each.forbidden, row, bound, f"{broken} = 1")
            yield from self._when(each.binds, row, "1", f"{bound} = 1")
        yield f"used = {self._uses(row)};"
        yield f"row = R_{row.id}; state = S_{row.target}; entered = 1"

    def _uses(self, row: Row) -> str:
        if row.consumes is not None:
            return "0" if row.consumes in self.vocabulary.renewed_by else "1"
        return "!spent" if row.spends is not None else "0"

    def _when(self, moment: Moment | None, row: Row, also: str, then: str) -> Iterator[str]:
        if moment is not None and self._named(moment, row):
            yield f"if :: {also} && {self._guard(moment.guard)} -> {then} :: else fi;"

    def _named(self, moment: Moment, row: Row) -> bool:
        return (not moment.states or row.target in moment.states) and (not moment.rows or row.id in moment.rows)

    def _at_start(self, moment: Moment | None) -> bool:
        return moment is not None and not moment.rows and not moment.guard and self.chart.initial in moment.states

    def _broken_at_start(self, each: _Monitor) -> bool:
        return each.bound and not self._at_start(each.frees) and self._at_start(each.forbidden)

    def _bound_at_start(self, each: _Monitor) -> bool:
        return (each.bound and not self._at_start(each.frees)) or self._at_start(each.binds)

    def _guard(self, guard: Pattern) -> str:
        return " && ".join(self._gives(name, answers) for name, answers in guard) or "1"

    def _gives(self, name: str, answers: Iterable[str]) -> str:
        every = self.answers[name]
        some = (f"{_fact(name)} == {every.index(answer) + 1} /* {answer} */" for answer in answers)
        return f"({' || '.join(some)})"

    def _ltl(self) -> Iterator[str]:
        yield f"ltl {COMPLETE} {{ [] !stuck }}"
        endless = ["<>[] !used"]
        for events in dict.fromkeys(self.vocabulary.renewed_by.values()):
            supplies = [supply for supply, anew in self.vocabulary.renewed_by.items() if anew == events]
            taken = self._one_of(row for row in self.chart.rows if row.consumes in supplies)
            anew = self._one_of(row for row in self.chart.rows if row.event in events)
            endless.append(f"([]<> {anew} || <>[] !{taken})")
        yield f"ltl {BOUNDED} {{ !({' && '.join(endless)}) }}"
        for each in self.monitors:
            yield f"ltl {claim_of(each.name)} {{ [] !broken_{claim_of(each.name)} }}"

    def _one_of(self, rows: Iterable[Row]) -> str:
        return "(" + (" || ".join(f"row == R_{row.id}" for row in rows) or "false") + ")"


def _monitor(rule: Precedes | Never) -> _Monitor:
    if isinstance(rule, Precedes):
        return _Monitor(name=rule.name, frees=rule.first, forbidden=rule.then, binds=rule.since, bound=True)
    return _Monitor(name=rule.name, frees=rule.until, forbidden=rule.enter, binds=rule.after, bound=rule.after is None)


def _fact(name: str) -> str:
    """A fact's variable: its name alone may be a word of Promela."""
    return f"f_{name}"
