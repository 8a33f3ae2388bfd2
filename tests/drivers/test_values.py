"""Values that enter a run: whatever a tool, the caller or the model gives, every request can be sent."""

from __future__ import annotations

import base64
import decimal
import io
import json
import math
from typing import Any

import pydantic
import pytest
from anthropic.lib.tools import ToolError
from anthropic.types.beta import BetaTextBlock
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import fsm_runner
from fsm_runner.adapters.anthropic.calls import Work
from fsm_runner.adapters.anthropic.json_values import NotJson
from fsm_runner.testing import ScriptedModel, reply, text, tool_use
from tests.drivers.drive import ASKED, SyncDrive, use

BLOCK = {"type": "text", "text": "a"}
WAY_OUT = "(return text, a list of content blocks, or None)"


class Found(pydantic.BaseModel):
    """A model that is no block."""

    rows: int = 1


@pytest.fixture(params=[False, "stream", "eager"], ids=["message", "stream", "eager"])
def result_of(drive, request):
    """Returns the result that the model gets for a tool that returns a value, streaming and not."""

    def played(value: object, **arguments: Any) -> dict[str, Any]:
        async def fetch() -> str:
            """Fetch."""
            if isinstance(value, Exception):
                raise value
            return value  # type: ignore[return-value]

        how = {"stream": bool(request.param), "run_tools_eagerly": request.param == "eager"} if request.param else {}
        drive.run([tool_use("fetch"), text("done")], fetch, **how, **arguments).until_done()
        (result,) = drive.model.requests[1].tool_results
        return dict(result)

    return played


@pytest.mark.parametrize(
    "value",
    [list, tuple, iter, lambda blocks: (BetaTextBlock(**block) for block in blocks)],
    ids=["list", "tuple", "iterator", "generator of models"],
)
def test_blocks_are_a_result(result_of, value):
    """In any iterable, as dicts or as the SDK's models."""
    result = result_of(value([BLOCK]))

    assert [BLOCK] == result["content"]
    assert "is_error" not in result


@pytest.mark.parametrize(
    ("value", "named"),
    [
        ({"status": "ok"}, "dict"),
        (BLOCK, "dict"),
        (b"hi", "bytes"),
        (bytearray(b"hi"), "bytearray"),
        (7, "int"),
        (True, "bool"),
        (1.5, "float"),
        ({"a", "b"}, "set"),
        (Found(), "Found"),
        (BetaTextBlock(type="text", text="a"), "BetaTextBlock"),
        (("alpha", "beta"), "tuple with str at [0]"),
        ([BLOCK, 3], "list with int at [1]"),
        ([{"text": "a"}], "list with dict at [0]"),
        ([Found()], "list with Found at [0]"),
        (object(), "object"),
        (io.StringIO("words"), "StringIO"),
    ],
)
def test_what_is_no_result_is_an_error_that_names_tool_and_type(result_of, value, named):
    """The model is told, and what to return; nothing of the value itself."""
    result = result_of(value)

    assert f"Error: tool 'fetch' returned no tool result: {named} {WAY_OUT}" == result["content"]
    assert result["is_error"] is True


@pytest.mark.parametrize(
    ("value", "place"),
    [
        ([{**BLOCK, "score": decimal.Decimal(1)}], "list[0].score: Decimal is no JSON"),
        ([{**BLOCK, "score": math.nan}], "list[0].score: nan is no JSON"),
        (({**BLOCK, "at": {"x": [object()]}},), "tuple[0].at.x[0]: object is no JSON"),
        ([{"type": "image", "source": {"type": "base64", "data": b"x"}}], "list[0].source.data: bytes is no JSON"),
    ],
)
def test_what_json_cannot_hold_in_a_result_is_an_error_that_says_where(result_of, value, place):
    """For that call alone."""
    result = result_of(value)

    assert f"Error: tool 'fetch' returned no tool result: {place}" in result["content"]
    assert result["is_error"] is True


@pytest.mark.parametrize("levels", [319, 400, 10_000])
def test_a_result_that_nests_too_deep_is_an_error(result_of, levels):
    """It states the limit."""
    deep: object = "end"
    for _ in range(levels):
        deep = [deep]

    assert "nests deeper than 320 levels" in result_of([{**BLOCK, "tree": deep}])["content"]


def test_a_tool_error_is_held_to_the_same(result_of):
    """What was raised is named, too."""
    result = result_of(ToolError([{"text": "no type"}]))  # type: ignore[list-item,typeddict-item]

    assert f"Error: tool 'fetch' raised no tool result: list with dict at [0] {WAY_OUT}" == result["content"]
    assert result["is_error"] is True


@pytest.mark.parametrize("value", ["half \ud83d", [{"type": "text", "text": "half \ud83d"}]])
def test_half_a_character_in_a_result_is_replaced(result_of, value):
    """Text or block."""
    content = result_of(value)["content"]

    assert "half \ufffd" == (content if isinstance(content, str) else content[0]["text"])


def test_a_file_in_a_result_is_sent_in_base64(result_of):
    """As the SDK sends one of the caller's."""
    image = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": io.BytesIO(b"png")}}

    assert base64.b64encode(b"png").decode() == result_of([image])["content"][0]["source"]["data"]


# ── what the caller gives ───────────────────────────────────────────────────────────────────────────────────────────


def message(value: object) -> dict[str, Any]:
    """A message of the caller's."""
    return {"role": "user", "content": [{**BLOCK, "extra": value}]}


GIVEN = [
    ({"messages": [message("a"), message(decimal.Decimal(1))]}, "messages[1].content[0].extra: Decimal is no JSON"),
    ({"messages": [message(math.inf)]}, "messages[0].content[0].extra: inf is no JSON"),
    ({"messages": ["hi"]}, "messages[0]: a message is a dict with 'role' and 'content', got str"),
    ({"system": [{**BLOCK, "extra": b"x"}]}, "system[0].extra: bytes is no JSON"),
    ({"metadata": {"user_id": decimal.Decimal(1)}}, "metadata.user_id: Decimal is no JSON"),
    ({"stop_sequences": [decimal.Decimal(1)]}, "stop_sequences[0]: Decimal is no JSON"),
    ({"tools": [{"name": "a", "input_schema": {"default": math.nan}}]}, "tools[0].input_schema.default: nan is no"),
    ({"tools": [7]}, "tools[0]: a tool is one of the SDK's tool objects or a dict, got int"),
    ({"extra_body": {"a": [decimal.Decimal(1)]}}, "extra_body.a[0]: Decimal is no JSON"),
]


@pytest.mark.parametrize(("given_", "said"), GIVEN, ids=[said.split(":")[0] for _, said in GIVEN])
def test_what_the_caller_gives_is_refused_at_the_call(drive, given_, said):
    """A TypeError that says where; nothing is sent."""
    with pytest.raises(TypeError) as refused:
        drive.run([], **given_)

    assert str(refused.value).startswith(said)


def test_acts_are_refused_at_the_call(drive):
    """And the run is as it was."""
    run = drive.run([text("done")])
    before = run.snapshot
    for act in (
        lambda: run.append_messages(message("a"), message(object())),
        lambda: run.set_messages_params(lambda params: {**params, "metadata": {"user_id": object()}}),
        lambda: run.set_messages_params({**ASKED, "messages": [message(object())]}),
        lambda: run.compact_before_next_turn({"type": object()}),
        lambda: run.add_tools({"name": "a", "input_schema": object()}),
    ):
        with pytest.raises(TypeError, match=r"(messages\[\d\]\S+|metadata.user_id|compaction.type|input_schema): obj"):
            act()

    assert before == run.snapshot
    run.until_done()


def test_an_edit_in_place_is_refused_where_it_is_read(drive):
    """Before the next request; once it is mended, the run goes on."""
    metadata: dict[str, Any] = {"user_id": "a"}
    run = drive.run([tool_use("search"), text("done")], search, metadata=metadata)
    next(run)
    metadata["user_id"] = decimal.Decimal(1)
    with pytest.raises(TypeError, match=r"metadata\.user_id: Decimal is no JSON"):
        next(run)
    metadata["user_id"] = "b"
    run.until_done()

    assert "b" == drive.requests[1]["metadata"]["user_id"]
    metadata["user_id"] = "a"


async def search(q: Any = "") -> str:
    """Search."""
    return "found"


@pytest.mark.parametrize("given_", ["system", "content", "messages", "stop_sequences"])
def test_what_can_be_read_once_is_read_once(drive, given_):
    """Every request has it, not only the first."""
    blocks = ({"type": "text", "text": each} for each in "ab")
    arguments: dict[str, Any] = {
        "system": {"system": blocks},
        "content": {"messages": iter([{"role": "user", "content": blocks}])},
        "messages": {"messages": (each for each in ASKED["messages"])},
        "stop_sequences": {"stop_sequences": iter(["x", "y"])},
    }[given_]
    run = drive.run([tool_use("search"), text("done")], search, **arguments)
    run.until_done()
    first, second = drive.requests

    assert first["messages"] == second["messages"][:1]
    assert {**first, "messages": []} == {**second, "messages": []}
    assert first[{"content": "messages"}.get(given_, given_)]


def test_half_a_character_of_the_callers_is_replaced(drive):
    """In messages, parameters, tools, and keys."""
    run = drive.run(
        [text("done")],
        tools=[{"name": "a", "description": "x\ud800", "input_schema": {"type": "object"}}],
        system="be \udc00brief",
        metadata={"k\ud800": "v"},
    )
    run.append_messages(message("\udfff"))
    run.until_done()
    (body,) = drive.requests

    assert ["x\ufffd", "be \ufffdbrief", {"k\ufffd": "v"}] == [
        body["tools"][0]["description"],
        body["system"],
        body["metadata"],
    ]
    assert "\ufffd" == body["messages"][-1]["content"][0]["extra"]


# ── what the model says ─────────────────────────────────────────────────────────────────────────────────────────────


def test_half_a_character_in_a_call_is_replaced(drive):
    """The tool gets what is in the history, and the next request can be sent."""
    got = []

    async def look(q: str) -> str:
        """Look."""
        got.append(q)
        return q

    drive.run([reply(use("look", q="half \ud83d")), text("done")], look).until_done()

    assert ["half \ufffd"] == got
    assert "half \ufffd" == drive.requests[1]["messages"][1]["content"][0]["input"]["q"]


@pytest.mark.parametrize("stream", [False, True])
def test_half_a_character_in_the_models_words_is_replaced(drive, stream):
    """Streaming and not."""
    drive.run([reply(text("half \ud83d"), use("search")), text("done")], search, stream=stream).until_done()

    assert "half \ufffd" == drive.requests[1]["messages"][1]["content"][0]["text"]


@pytest.mark.parametrize("levels", [100, 260, 310])
def test_a_call_that_nests_deep_is_run(drive, levels):
    """Also where pydantic does not dump it any more."""
    got = []

    async def dig(tree: Any) -> str:
        """Dig."""
        got.append(tree)
        return "found"

    deep: Any = "end"
    for _ in range(levels):
        deep = {"a": deep}
    drive.run([tool_use("dig", {"tree": deep}), text("done")], dig).until_done()

    assert [deep] == got
    assert {"tree": deep} == drive.requests[1]["messages"][1]["content"][0]["input"]


@pytest.mark.parametrize("levels", [330, 400])
def test_a_reply_that_nests_too_deep_fails_the_run(drive, levels):
    """The request is on record as failed, the error states the limit, and going on asks again."""
    deep: Any = "end"
    for _ in range(levels):
        deep = [deep]
    run = drive.run([tool_use("search", {"q": deep}), text("done")], search)
    with pytest.raises(NotJson, match=r"^the reply: it nests deeper than 320 levels"):
        next(run)

    assert ("failed", 0) == (run.stop.reason, run.usage.replies)
    assert "done" == run.until_done().content[0].text


# ── whatever it is ──────────────────────────────────────────────────────────────────────────────────────────────────

ODD = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters(codec=None))
    | st.binary()
    | st.sampled_from([decimal.Decimal(1), object(), Found(), BetaTextBlock(type="text", text="a"), {1, 2}]),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(st.characters(codec=None)), inner) | st.tuples(inner),
    max_leaves=8,
)


@given(ODD | st.lists(st.fixed_dictionaries({"type": st.just("text"), "text": ODD})))
def test_whatever_a_tool_returns_the_model_gets_a_result(value):
    """Text, blocks or null, which can be sent; an error otherwise."""
    result = Work(id="t", name="fetch").done(value)
    sent = json.loads(json.dumps(result, allow_nan=False, ensure_ascii=False).encode())

    assert result == sent
    assert isinstance(sent["content"], str | list | None)
    if isinstance(sent["content"], list):
        assert all(isinstance(block["type"], str) for block in sent["content"])


@settings(max_examples=25, suppress_health_check=[HealthCheck.too_slow])
@given(ODD)
def test_whatever_is_given_a_run_is_sent_or_refused(value):
    """With every further request; never at the wire."""
    drive = SyncDrive()
    try:
        run = drive.run([tool_use("search"), text("done")], search, messages=[message(value)])
    except NotJson:
        return
    run.until_done()

    assert "completed" == run.stop.reason


def test_a_run_that_goes_on_is_held_to_the_same(tmp_path):
    """Parameters given to `resume`."""
    drive = SyncDrive()
    run = drive.run([tool_use("search"), text("done")], search, journal=tmp_path / "run.jsonl")
    next(run)
    run = None
    model = ScriptedModel([])
    with pytest.raises(TypeError, match=r"metadata\.user_id: object is no JSON"):
        fsm_runner.resume(
            tmp_path / "run.jsonl",
            model.sync_client(),
            tools=[drive.tool(search)],
            params={"metadata": {"user_id": object()}},
        )
