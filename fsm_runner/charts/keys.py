"""The keys of a chart file: what belongs under each, written once.

The loader fits files to this table, the JSON Schema is made from it, and a test compares the reference with it.  What
names mean is not known here; that is the check's.
"""

from __future__ import annotations

from collections.abc import Mapping

from fsm_runner.charts.shapes import TITLE, Count, Either, Fixed, Flag, Key, Keys, Listed, Named, Word
from fsm_runner.core.chart import SCHEMA
from fsm_runner.core.facts import FACTS
from fsm_runner.core.vocabulary import EFFECTS, EVENTS, LIMITS, OUTPUTS, SUPPLIES


def _answer(*known: str) -> Word:
    return Word(pattern=TITLE, flag=True, known=tuple(_plain(answer) for answer in known))


def _answers(*known: str) -> Listed:
    return Listed(item=_answer(*known), wants="a list of answers", least=1)


def _wanted(*known: str) -> Either:
    return Either(one=_answer(*known), more=_answers(*known), wants="an answer or a list of answers")


def _plain(answer: str) -> str | bool:
    return answer == "true" if answer in {"true", "false"} else answer


GUARD = Named(
    title="Guard",
    item=_wanted(),
    wants="a group of facts with the answers wanted, such as {turn: paused}",
    known={name: _wanted(*fact.answers) for name, fact in FACTS.items()},
)

ROW_KEYS: Mapping[str, Key] = {
    "id": Key(holds=Word(), says="unique in the chart and stable; the journal refers to it", required=True),
    "guard": Key(holds=GUARD, says="facts and the answers that the row requires of them, all of which must hold"),
    "target": Key(holds=Word(), says="the state it leads to", required=True),
    "output": Key(holds=Word(empty=True, known=OUTPUTS), says="what it hands to the caller"),
    "spends": Key(holds=Word(empty=True, known=LIMITS), says="the limit of which it spends one"),
    "consumes": Key(
        holds=Word(empty=True, known=tuple(SUPPLIES)), says="the finite supply that it uses up, or a word of your own"
    ),
}

ALWAYS_ROW = Keys(
    title="AlwaysRow",
    says="A row that is tried on entering its state, without an event.",
    wants="a row: a group of keys, such as id and target",
    keys=ROW_KEYS,
    free=True,
)

EVENT = Key(holds=Word(known=tuple(sorted(EVENTS))), says="the event that it waits for", required=True)

EVENT_ROW = Keys(
    title="EventRow",
    says="A row that waits for an event.",
    wants="a row: a group of keys, such as id, event and target",
    keys={**ROW_KEYS, "event": EVENT},
    free=True,
)

STATE = Keys(
    title="State",
    says="Where a run can be.",
    wants="a group of keys, such as phase and transitions",
    keys={
        "phase": Key(holds=Word(), says="the group it belongs to", required=True),
        "effect": Key(
            holds=Word(empty=True, known=tuple(sorted(EFFECTS))), says="what a driver does while the run is here"
        ),
        "final": Key(holds=Flag(), says="whether a run ends here"),
        "always": Key(
            holds=Listed(item=ALWAYS_ROW, wants="a list of rows"),
            says="rows tried on entering; the first that holds is taken",
        ),
        "transitions": Key(
            holds=Listed(item=EVENT_ROW, wants="a list of rows"),
            says="rows tried, in order, when their event arrives",
        ),
    },
    free=True,
)

STATES_NAMED = Listed(item=Word(), wants="a list of states", least=1)
ROWS_NAMED = Listed(item=Word(), wants="a list of rows' ids", least=1)

MOMENT = Either(
    title="Moment",
    one=Word(wants="a state"),
    more=STATES_NAMED,
    wants="a state, a list of states, or a group such as {row: ask}",
    group=Keys(
        title="Transition",
        says="A transition of which all that is written here holds.",
        wants="a group of keys, such as state, row and guard",
        keys={
            "state": Key(
                holds=Either(one=Word(), more=STATES_NAMED, wants="a state or a list of states"),
                says="the state that is entered, or one of these",
            ),
            "row": Key(
                holds=Either(one=Word(), more=ROWS_NAMED, wants="a row's id or a list of them"),
                says="the row that is taken, or one of these",
            ),
            "guard": Key(holds=GUARD, says="the answers that facts give when the row is chosen"),
        },
    ),
)

RULE = Keys(
    title="Rule",
    says="What must be so on every path through the chart.",
    wants="a group with one key: precedes, never or always_reaches",
    keys={
        "precedes": Key(
            says="first happens before then",
            holds=Keys(
                title="Precedes",
                says="No run meets `then` without having met `first`, since the start and since the last `since`.",
                wants="a group of keys: first, then, and perhaps since",
                keys={
                    "first": Key(holds=MOMENT, says="what must have happened", required=True),
                    "then": Key(holds=MOMENT, says="what must not happen before it", required=True),
                    "since": Key(holds=MOMENT, says="when it must happen anew; left out: once a run is enough"),
                },
            ),
        ),
        "never": Key(
            says="what must not happen",
            holds=Keys(
                title="Never",
                says="No run meets `enter`; with `after`, none does later than that, up to `until`.",
                wants="a group of keys: enter, and perhaps after and until",
                keys={
                    "enter": Key(holds=MOMENT, says="what must not happen", required=True),
                    "after": Key(holds=MOMENT, says="from when on; left out: from the start"),
                    "until": Key(holds=MOMENT, says="when it may happen again; left out: never"),
                },
            ),
        ),
        "always_reaches": Key(says="from wherever a run can be, rows lead to one of these states", holds=STATES_NAMED),
    },
    single=True,
)

CHART = Keys(
    title="Chart",
    says="A tool loop as a chart.",
    wants="a group of keys, such as name, initial and states",
    keys={
        "schema": Key(holds=Fixed(word=SCHEMA), says="the format's name and version", required=True),
        "name": Key(holds=Word(pattern=TITLE), says="what the chart is called; journals carry it", required=True),
        "initial": Key(holds=Word(), says="the state in which every run starts", required=True),
        "limits": Key(
            holds=Named(
                item=Count(),
                wants="a group of limits by name, each a whole number or null",
                known={name: Count() for name in LIMITS},
            ),
            says="how many times rows may spend something in one run; null: no limit",
        ),
        "facts": Key(
            holds=Named(
                item=_answers(),
                wants="a group of facts by name, each with a list of answers",
                known={name: _answers(*fact.answers) for name, fact in FACTS.items()},
            ),
            says="the facts that guards ask, and all of their answers",
        ),
        "effects": Key(
            holds=Named(
                item=Listed(item=Word(), wants="a list of events", least=1),
                wants="a group of effects by name, each with a list of events",
            ),
            says="effects of your own, and the events that each can report",
        ),
        "rules": Key(
            holds=Named(item=RULE, wants="a group of rules by name, each with one key, such as precedes"),
            says="what must be so on every path, proved by the check",
        ),
        "states": Key(
            holds=Named(item=STATE, wants="a group of states by name, at least one", least=1),
            says="all states, by name",
            required=True,
        ),
    },
    free=True,
)
