"""The codes of problems: each kind of fault that a chart can have, what it means, and what to do about it.

Codes are stable: scripts and editors may rely on them.  Those of the file come from the loader, all others from
`check`, which finds the same faults in a chart made in Python.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

GROUPS: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "The file": {
            "unreadable-file": "the file cannot be opened; check its name and its permissions",
            "unknown-chart": "no file and no shipped chart has that name; give a path, or one of the shipped names",
            "too-large": "the file is over 1 MB, or has over 1,000 states or 4,000 rows; a chart is a page or two",
            "not-utf8": "the file is not UTF-8 text; save it as UTF-8",
            "syntax": "the text is not YAML; the message says what the parser met",
            "empty-chart": "the file holds no chart; start with the schema, a name and an initial state",
            "several-documents": "the file holds more than one document; keep one chart a file",
            "alias": "anchors and aliases are refused, so that what is read is what is there; write the value out",
            "tag": "tags are refused; a chart is plain words, lists and keys",
            "duplicate-key": "a key is written twice in one place; keep one, or rename one",
            "too-deep": "the text is nested over 32 levels deep; a chart needs 6",
        },
        "The shape": {
            "unknown-schema": "the chart is of another format or version; write the schema that the message names",
            "unknown-key": "the key means nothing here; correct it, or start it with x- to keep it for yourself",
            "missing-key": "a key that is required is not there; add it",
            "wrong-type": "the value is of the wrong kind; the message says what belongs there",
            "wrong-name": "a name is a word of letters, digits and _ that starts with a letter or _; rename it",
            "wrong-number": "a limit is a whole number from 0, or null for none",
            "no-answers": "a fact, a guard or an effect lists nothing; list at least one answer or event",
            "wrong-rule": "a rule holds exactly one of precedes, never and always_reaches; write a rule for each",
            "duplicate-answer": "a list names the same thing twice; keep one",
        },
        "The names": {
            "duplicate-id": "two rows have one id; the journal refers to rows by id, so rename one",
            "unknown-initial": "the initial state is not declared; name one of the states",
            "unknown-target": "a row leads to a state that is not declared; correct it, or declare the state",
            "unknown-fact": "a guard asks a fact that is not declared; correct it, or declare the fact under facts",
            "unknown-answer": "a guard wants an answer that the fact does not give; correct it, or add the answer",
            "unknown-limit": "a row spends a limit that is not declared; correct it, or declare it under limits",
            "unknown-output": "a row hands over something that does not exist; outputs are message and stream",
            "unknown-effect": "the effect is neither built in nor declared; correct it, or declare it under effects",
            "unknown-event": "nothing reports the event; correct it, or let a declared effect report it",
            "unknown-state": "a rule names a state that is not declared; correct it",
            "unknown-row": "a rule names a row that no state has; correct it",
            "fact-without-code": "no code answers the fact; pass the fact to the runner, or correct its name",
            "fact-answers": "the chart and the fact's code differ in the answers; list the answers of the code",
        },
        "The graph": {
            "no-final-state": "no state is final, so no run can end; mark one with final: true",
            "final-with-rows": "a final state ends the run, so its rows are never tried; delete them, or final",
            "final-with-effect": "a final state ends the run, so its effect never starts; delete it, or final",
            "unreachable-state": "no rows lead from the initial state to the state; lead one there, or delete it",
            "no-way-out": "nothing leaves the state, and it is not final; add rows, or final: true",
            "dead-end": "rows leave the state, but none leads on to a final state; add one that does",
        },
        "The rows": {
            "missing-event": "an event that can happen in the state has no row; add one",
            "incomplete": "no row holds for some combination of answers; add a row, or a last one without guard",
            "dead-row": "earlier rows hold whenever the row does; move it up, narrow those, or delete it",
            "impossible-row": "the row's guard wants answers that cannot happen together; correct or delete it",
            "overlap": "two rows hold at once and their order decides; fine, unless you want each row to stand alone",
            "too-many-combinations": "a table asks facts of over 1,048,576 combinations; ask fewer facts in one state",
            "always-loop": "always rows lead back to where they began under the same answers; guard one of them",
        },
        "The bounds": {
            "unbounded-cycle": "a cycle neither spends a limit nor consumes a supply; add spends or consumes to a row",
            "limit-ignored": "a cycle goes on when its limit is reached; guard a row of it with limit: free",
            "limit-is-null": "the limit has no value, so a run has to set one to be bounded",
            "renewed-supply": "the cycle renews what it consumes, so it never ends; let one of its rows spend a limit",
        },
        "The rules": {
            "rule-precedes": "a path meets the rule's then without its first; change a row on the path, or the rule",
            "rule-never": "a path meets what the rule forbids; change a row on the path, or the rule",
            "rule-always-reaches": "a path leads to where none of the rule's states can be reached; lead a row out",
            "idle-rule": "the rule holds because what it speaks of never happens; correct it, or delete it",
        },
        "What is idle": {
            "unused-limit": "no row spends the limit; delete it, or spend it",
            "unused-fact": "no guard asks the fact; delete it, or ask it",
            "unused-effect": "no state has the effect; delete it, or use it",
        },
    }
)
"""The codes in groups, each with what it means and what to do."""

CODES: Mapping[str, str] = MappingProxyType({code: says for group in GROUPS.values() for code, says in group.items()})
"""Each code, with what it means and what to do."""

NOTES = frozenset({"overlap", "limit-is-null", "idle-rule", "unused-limit", "unused-fact", "unused-effect"})
"""The codes of notes, with which a chart can still run.  With ``strict``, an ``overlap`` is a problem."""
