"""Toolsets: their members one after another in the model's order, and what happens when one fails."""

from __future__ import annotations

from typing import Any

import pytest
from anthropic.lib.tools import BetaAsyncRunnableToolset, BetaRunnableToolset, ToolError
from anthropic.tools import ToolsetContractError, ToolsetUsageError, computer

from fsm_runner.testing import reply, text
from tests.drivers.drive import SyncDrive, use, words
from tests.drivers.journals import journaled

TYPES = {"computer": "computer_toolset_20260801", "browser": "browser_toolset_20260801"}
SKIPPED = {
    "computer": "Not executed: an earlier computer action in this turn failed.",
    "browser": "Not executed: an earlier action in this turn failed.",
}


@pytest.fixture
def drive(drive, tmp_path):
    """The drive; each of its journals replays."""
    yield from journaled(drive, tmp_path)


@pytest.fixture
def ran():
    """The members that ran, in order."""
    return []


@pytest.fixture
def hands(drive, ran):
    """Make a toolset of a family; its member ``fail`` fails, the others say their name."""

    async def plainly(context: Any, name: str, given: Any) -> str:
        ran.append(name)
        if name == "fail":
            raise ToolError("out of reach")
        return f"did {name}"

    def made(family: str = "computer", member: Any = plainly) -> Any:
        base = BetaRunnableToolset if isinstance(drive, SyncDrive) else BetaAsyncRunnableToolset
        call = drive.flavoured(member)
        body = {
            "toolset_name": family,
            "to_dict": lambda self: {"type": TYPES[family]},
            "call": lambda self, context, name, given: call(context, name, given),
        }
        return type("Hands", (base,), body)()

    return made


def act(name, family="computer", **given):
    """A call of a member."""
    return {**use(name, **given), "toolset_name": family}


def results(drive, number=1):
    """The results that a request sends."""
    return drive.requests[number]["messages"][-1]["content"]


def told(drive, number=1):
    """Their contents as text, and whether they are errors."""
    return [
        (block["content"] if isinstance(block["content"], str) else words(block), block.get("is_error", False))
        for block in results(drive, number)
    ]


def test_a_toolset_is_one_entry_without_a_name(drive, hands):
    """Its members are not listed."""
    drive.run([text("done")], hands()).until_done()

    assert [{"type": "computer_toolset_20260801"}] == drive.requests[0]["tools"]


def test_results_name_the_toolset(drive, hands):
    """The API asks for it."""
    drive.run([act("click"), text("done")], hands()).until_done()
    result = results(drive)[0]

    assert ("tool_result", "toolu_0001", "computer") == (result["type"], result["tool_use_id"], result["toolset_name"])
    assert [("did click", False)] == told(drive)


def test_members_run_one_after_another_in_the_models_order(drive, hands):
    """However long each takes; the results keep the order."""
    busy, order = [], []

    async def member(context: Any, name: str, given: Any) -> str:
        assert [] == busy
        busy.append(name)
        await pause()
        order.append(busy.pop())
        return name

    pause = drive.meeting(1)
    names = ["move", "click", "type", "look"]
    drive.run([reply(*map(act, names)), text("done")], hands(member=member)).until_done()

    assert names == order
    assert [(name, False) for name in names] == told(drive)


def test_tools_and_toolsets_run_side_by_side(drive, hands):
    """A family waits for itself alone."""
    meet = drive.meeting(3)

    async def member(context: Any, name: str, given: Any) -> str:
        if name == "first":
            await meet()
        return name

    async def search(q: str) -> str:
        """Search."""
        await meet()
        return q

    calls = reply(act("first"), act("second"), use("search", q="ants"), act("first", "browser"))
    drive.run([calls, text("done")], hands(member=member), hands("browser", member), search).until_done()

    assert [("first", False), ("second", False), ("ants", False), ("first", False)] == told(drive)


@pytest.mark.parametrize("family", TYPES)
def test_after_a_failed_member_the_later_ones_do_not_run(drive, hands, ran, family):
    """They were planned as a sequence; the model is told, in the family's words."""
    calls = reply(*(act(name, family) for name in ("click", "fail", "type", "look")))
    drive.run([calls, text("done")], hands(family)).until_done()

    assert ["click", "fail"] == ran
    assert [("did click", False), ("out of reach", True), *[(SKIPPED[family], True)] * 2] == told(drive)
    assert [family] * 4 == [block["toolset_name"] for block in results(drive)]


def test_a_failure_stops_neither_tools_nor_another_toolset(drive, hands, ran):
    """Nor does a tool that fails stop a toolset."""

    async def search(q: str) -> str:
        """Search."""
        raise ToolError("nothing")

    calls = reply(use("search", q="a"), act("fail"), act("look", "browser"), use("search", q="b"), act("look"))
    drive.run([calls, text("done")], hands(), hands("browser"), search).until_done()

    assert ["fail", "look"] == sorted(ran)
    assert ["nothing", "out of reach", "did look", "nothing", SKIPPED["computer"]] == [each for each, _ in told(drive)]


def test_a_failure_counts_for_its_own_turn(drive, hands, ran):
    """In the next one, members run again."""
    drive.run([reply(act("fail"), act("look")), act("look"), text("done")], hands()).until_done()

    assert ["fail", "look"] == ran
    assert [("did look", False)] == told(drive, 2)


def test_a_member_that_raises_anything_else_is_an_error_that_the_model_reads(drive, hands):
    """The run goes on."""

    async def member(context: Any, name: str, given: Any) -> str:
        raise OSError("no screen")

    drive.run([act("look"), text("done")], hands(member=member)).until_done()
    (said, is_error), *_ = told(drive)

    assert is_error
    assert "no screen" in said


def test_wrong_use_of_a_toolset_is_for_the_caller(drive, hands, ran):
    """It is raised, and the run goes on from there when it is iterated again."""
    wrong = [True]

    async def member(context: Any, name: str, given: Any) -> str:
        if wrong:
            raise ToolsetUsageError("not like this")
        return "did it"

    run = drive.run([act("look"), text("done")], hands(member=member))
    next(run)
    with pytest.raises(ToolsetUsageError, match="not like this"):
        next(run)
    wrong.clear()

    assert "done" == words(run.until_done())
    assert [("did it", False)] == told(drive)


# ── which toolset, which tool ───────────────────────────────────────────────────────────────────────────────────────


def test_a_tool_may_have_the_name_of_a_member(drive, hands, ran):
    """What counts is whether the call names the toolset."""

    async def look() -> str:
        """Look."""
        return "the tool looked"

    drive.run([reply(act("look"), use("look")), text("done")], hands(), look).until_done()

    assert [("did look", False), ("the tool looked", False)] == told(drive)
    assert ["look"] == ran


def test_a_toolset_that_is_not_there_is_reported(drive, hands, ran):
    """To the caller at its line, and to the model; each time."""
    run = drive.run([reply(act("look", "browser"), act("look")), text("done")], hands())
    expected = r"Toolset 'browser' \(member 'look'\) not found in tool runner\. It has: computer"
    with pytest.warns(UserWarning, match=expected) as warned:
        run.until_done()

    assert 1 == len(warned)
    assert [("Error: Toolset 'browser' member 'look' not found", True), ("did look", False)] == told(drive)


def test_a_toolset_that_the_parameters_leave_out_runs_no_more(drive, hands, ran):
    """As a tool would not."""
    run = drive.run([act("look"), text("done")], hands())
    run.set_messages_params(lambda params: {**params, "tools": [{"name": "x", "input_schema": {"type": "object"}}]})
    with pytest.warns(UserWarning, match="Toolset 'computer'"):
        run.until_done()

    assert [] == ran


def test_a_toolset_of_the_other_flavour_is_refused_before_anything_is_sent(drive):
    """The error says which client takes it."""
    other = BetaAsyncRunnableToolset if isinstance(drive, SyncDrive) else BetaRunnableToolset
    body = {"toolset_name": "computer", "to_dict": lambda self: {}, "call": lambda self, *_: ""}
    with pytest.raises(ToolsetContractError, match=r"tool_runner\. Create the runner from an"):
        drive.run([], type("Wrong", (other,), body)())


@pytest.mark.parametrize(
    ("act_", "match"),
    [
        (lambda run, toolset: run.add_tools(toolset), r"add_tools\(\) can't add the 'computer' toolset"),
        (
            lambda run, toolset: run.add_tools({"type": "computer_toolset_20260801"}),
            r"add_tools\(\) can't replace the 'computer' toolset",
        ),
        (
            lambda run, toolset: run.add_tools({"name": "computer", "input_schema": {"type": "object"}}),
            "can't add a tool named 'computer'",
        ),
        (lambda run, toolset: run.remove_tools(toolset), r"remove_tools\(\) can't remove the 'computer' toolset"),
        (lambda run, toolset: run.remove_tools("computer"), "can't remove the 'computer' toolset"),
    ],
)
def test_toolsets_are_fixed(drive, hands, act_, match):
    """They can be neither added, replaced nor removed during a run; nothing has changed then."""
    toolset = hands()
    run = drive.run([text("done")], toolset)
    with pytest.raises(ToolsetContractError, match=match):
        act_(run, toolset)
    run.until_done()

    assert (1, "user") == (len(drive.requests[0]["messages"]), drive.requests[0]["messages"][0]["role"])


# ── calls in the wrong form ─────────────────────────────────────────────────────────────────────────────────────────

BATCH = [{"action": f"a{number}"} for number in range(12)]
START = "Error: the 'computer' toolset could not run this call"
END = "; nothing in the batch was executed"


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({}, ": the call has no 'actions' list"),
        ({"action": "look"}, ": the call has no 'actions' list (action: 'look')"),
        ({"actions": "look"}, ": 'actions' is text, not a list of actions"),
        ({"actions": 3}, ": 'actions' is not a list of actions"),
        ({"actions": []}, ": the 'actions' list is empty"),
        ({"actions": [{"action": "look"}, "click"]}, ": action 1 must be an object with a string 'action' field"),
        ({"actions": BATCH[:2]}, ": its actions could not be run as sent (actions: 'a0', 'a1')"),
        (
            {"actions": BATCH},
            f": its actions could not be run as sent (actions: {', '.join(repr(f'a{at}') for at in range(10))}, "
            "and 2 more)",
        ),
    ],
)
def test_a_call_named_like_a_toolset_is_one_in_the_wrong_form(drive, hands, ran, given, problem):
    """Nothing of it runs, the model is told what is wrong, and nobody is warned of an unknown tool."""
    drive.run([use("computer", **given), text("done")], hands()).until_done()

    assert [(f"{START}{problem}{END}", True)] == told(drive)
    assert [] == ran


def test_a_call_in_the_wrong_form_has_its_place_among_the_members(drive, hands, ran):
    """It fails, so later members do not run."""
    drive.run([reply(act("click"), use("computer"), act("look")), text("done")], hands()).until_done()

    assert ["click"] == ran
    assert [False, True, True] == [is_error for _, is_error in told(drive)]


# ── while the reply streams ─────────────────────────────────────────────────────────────────────────────────────────


def test_members_run_early_in_their_order(drive, hands, ran):
    """Each once the model has moved on from it."""
    run = drive.run(
        [reply(act("click"), act("look"), text("so")), text("done")], hands(), stream=True, run_tools_eagerly=True
    )
    seen = [(event.type, list(ran)) for event in next(run)]
    run.until_done()

    assert ["click", "look"] == ran == seen[-1][1]
    assert ["click"] in [known for _, known in seen]


def test_after_a_member_that_failed_early_the_later_ones_are_skipped(drive, hands, ran):
    """They wait for the end of the reply, and are answered then."""
    calls = reply(act("fail"), act("look"), act("click"))
    drive.run([calls, text("done")], hands(), stream=True, run_tools_eagerly=True).until_done()

    assert ["fail"] == ran
    assert ["out of reach", *[SKIPPED["computer"]] * 2] == [said for said, _ in told(drive)]


def test_a_deferred_member_holds_those_after_it(drive, hands, ran):
    """The order of the family comes first."""
    calls = reply(act("click"), act("look"), text("so"))
    run = drive.run([calls, text("done")], hands(), stream=True, run_tools_eagerly=True)
    for event in next(run):
        if event.type == "content_block_start" and event.index == 0:
            run.defer_tool_call(event.content_block)
    before = list(ran)
    run.until_done()

    assert ([], ["click", "look"]) == (before, ran)


# ── the SDK's own toolsets ──────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("allowed", [True, False])
def test_the_sdks_computer_toolset_asks_before_it_types(drive, allowed):
    """What the caller's `confirm` declines is not done, and stops what was planned after it."""
    typed, asked = [], []

    async def confirm(context: Any) -> bool:
        asked.append(context.member)
        return allowed

    async def typing(self: Any, context: Any, given: Any) -> Any:
        typed.append(given.text)

    abstract = computer.BetaAsyncAbstractComputerToolset20260801
    if isinstance(drive, SyncDrive):
        abstract = computer.BetaAbstractComputerToolset20260801
    toolset = type("Desk", (abstract,), {"type": drive.flavoured(typing)})(confirm=drive.flavoured(confirm))
    calls = reply(act("type", text="hello"), act("type", text="world"))
    drive.run([calls, text("done")], toolset).until_done()

    assert ["hello", "world"] * allowed == typed
    assert [not allowed] * 2 == [is_error for _, is_error in told(drive)]
    assert ["computer"] * 2 == [block["toolset_name"] for block in results(drive)]
    assert 2 if allowed else 1 == len(asked)
