"""Generated events and contexts, with any JSON inside."""

from __future__ import annotations

from hypothesis import strategies as st

from fsm_runner.loop import context as ctx
from fsm_runner.loop import events as ev
from fsm_runner.loop.history import History

texts = st.text(max_size=8)
leaves = st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False)
values = st.recursive(
    leaves | texts, lambda inner: st.lists(inner, max_size=2) | st.dictionaries(texts, inner, max_size=2), max_leaves=4
)
objects = st.dictionaries(texts, values, max_size=3)
several = st.lists(objects, max_size=2).map(tuple)
words = st.lists(texts, max_size=2).map(tuple)
sets = st.frozensets(texts, max_size=2)

failures = st.builds(
    ev.Failed, error=texts, text=texts, status=st.none() | st.integers(100, 599), code=st.none() | texts
)
events = st.one_of(
    st.builds(ev.Replied, message=objects),
    st.builds(ev.Opened),
    st.builds(ev.MovedOn, call=objects),
    st.builds(ev.ToolFinished, id=texts, result=objects),
    st.builds(ev.Summarised, message=objects),
    failures,
    st.builds(ev.Reported, name=texts, data=objects, results=several),
    st.builds(ev.Continued),
    st.builds(ev.AnswerAsked),
    st.builds(ev.Appended, messages=several),
    st.builds(
        ev.ParamsReplaced,
        params=objects,
        messages=st.none() | several,
        tools=st.none() | several,
        runnable=words,
        toolsets=words,
    ),
    st.builds(ev.ResultsEdited, results=several),
    st.builds(ev.ToolsChanged, blocks=several, added=words, removed=words),
    st.builds(ev.CompactionAsked, config=objects),
    st.builds(ev.CallDeferred, id=texts),
    st.builds(ev.Closed),
)

histories = st.lists(objects, max_size=2).map(History)
calls = st.builds(
    ctx.Call,
    id=texts,
    name=texts,
    block=objects,
    toolset=st.none() | texts,
    status=st.sampled_from(["waiting", "running", "done"]),
    held=st.booleans(),
    result=st.none() | objects,
)
many_calls = st.lists(calls, max_size=2).map(tuple)
counts = st.dictionaries(texts, st.integers(0, 9), max_size=2)
whole = st.integers(0, 10**6)

contexts = st.builds(
    ctx.Context,
    conversation=st.builds(
        ctx.Conversation, history=histories, draft=st.none() | histories, owned=st.booleans(), changes=several
    ),
    turn=st.builds(
        ctx.Turn,
        reply=st.none() | objects,
        calls=many_calls,
        arriving=many_calls,
        unread=st.booleans(),
        answered=st.booleans(),
        starting=words,
    ),
    compaction=st.builds(
        ctx.Compaction,
        asked=st.none() | objects,
        config=st.none() | objects,
        sent=whole,
        response=st.none() | objects,
        tokens=whole,
        fresh=st.booleans(),
    ),
    settings=st.builds(
        ctx.Settings,
        params=objects,
        tools=st.none() | several,
        runnable=sets,
        toolsets=sets,
        stream=st.booleans(),
        eager=st.booleans(),
        summary=st.none() | st.builds(ctx.SummaryControl, threshold=whole, model=st.none() | texts, prompt=texts),
        changes=several,
    ),
    counters=st.builds(
        ctx.Counters,
        limits=st.dictionaries(texts, st.none() | whole, max_size=2),
        spent=counts,
        staked=st.none() | texts,
        resends=whole,
        usage=st.builds(ctx.Usage, input_tokens=whole, output_tokens=whole, replies=whole),
    ),
    stand=st.builds(
        ctx.RunStatus,
        closed=st.booleans(),
        awaits=st.sampled_from(["nothing", "more", "answer"]),
        failure=st.none() | failures,
        failed_effect=st.none() | texts,
        effect=st.none() | texts,
    ),
    reports=st.dictionaries(texts, objects, max_size=2),
    notes=st.lists(
        st.builds(ctx.Note, level=st.sampled_from(["info", "warning"]), code=texts, text=texts), max_size=2
    ).map(tuple),
)
