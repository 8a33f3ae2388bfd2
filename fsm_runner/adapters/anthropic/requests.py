"""Requests: the machine's orders as requests, and responses as the SDK's own messages.

Requests go out through ``client.beta.messages.create``.  The response is parsed here, because the SDK's ``parse`` would
name another helper in the request's header.  Nothing here retries: the client does, and after that the chart decides.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias, cast

import anthropic
import httpx2
import pydantic
from anthropic.types.beta import BetaMessage
from anthropic.types.beta.parsed_beta_message import ParsedBetaMessage, ParsedBetaTextBlock
from anthropic.types.beta.parsed_beta_message import ResponseFormatT as FormatT  # None when replies are not parsed

from fsm_runner.adapters.anthropic.plain import message_data
from fsm_runner.engine.errors import ReplyError, RunError
from fsm_runner.loop.effects import SendRequest, Summarise
from fsm_runner.loop.events import Json
from fsm_runner.loop.messages import summary_problem
from fsm_runner.loop.stop import SAID

Timeout: TypeAlias = float | httpx2.Timeout | None
"""Seconds, or a timeout of httpx2; None: no timeout."""

__all__ = [
    "HELPER_HEADER",
    "THREADS_BETA",
    "FormatT",
    "OutputFormat",
    "OutputFormatError",
    "ReplyReading",
    "RequestOptions",
    "Timeout",
    "check_summary",
    "is_final",
    "parsed",
    "parsed_text",
    "reading",
    "request_arguments",
    "summary_arguments",
    "unparsed",
]

HELPER_HEADER = "x-stainless-helper"
"""The header in which the SDK's helpers name themselves."""

THREADS_BETA = "message-threads-2026-08-12"
"""The beta of server-side threads.  Source: anthropic 2.12."""

_RUNNER = "BetaToolRunner"
_THREADS = "message-thread"
_STREAM_HEADERS = {"x-stainless-helper-method": "stream", "x-stainless-stream-helper": "beta.messages"}
_SUMMARY_HEADERS = {"X-Stainless-Helper": "compaction"}


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestOptions:
    """What every request of a run carries besides its parameters: immutable.

    Attributes:
        headers, query, body: ``extra_headers``, ``extra_query`` and ``extra_body`` of the SDK's methods.
        timeout: the timeout of one request; if `has_timeout` is false, the SDK's own default applies.
    """

    headers: Mapping[str, object] = field(default_factory=dict)
    query: Mapping[str, object] | None = None
    body: object = None
    timeout: Timeout = None
    has_timeout: bool = False

    def arguments(self, headers: Mapping[str, object]) -> dict[str, object]:
        """Return the options as keyword arguments.  The caller's headers win over `headers`."""
        arguments: dict[str, object] = {"extra_headers": _merged(headers, self.headers)}
        if self.query is not None:
            arguments["extra_query"] = self.query
        if self.body is not None:
            arguments["extra_body"] = self.body
        if self.has_timeout:
            arguments["timeout"] = self.timeout
        return arguments


def _merged(ours: Mapping[str, object], theirs: Mapping[str, object]) -> dict[str, object]:
    """Return `ours` updated with `theirs`; names are compared without case, and the names of helpers add up.

    Source: anthropic 2.12 appends to the helper header and takes the later value of any other."""
    merged = dict(ours)
    for name, value in theirs.items():
        known = next((key for key in merged if key.lower() == name.lower()), None)
        if known is not None and name.lower() == HELPER_HEADER and isinstance(value, str):
            merged[known] = f"{merged[known]}, {value}"
            continue
        if known is not None:
            del merged[known]
        merged[name] = value
    return merged


class OutputFormat:
    """The caller's ``output_format``: the type into which replies are parsed."""

    def __init__(self, type_: object) -> None:
        """Read the type's JSON schema.

        Raises:
            TypeError: pydantic can make no schema of `type_`.
        """
        if isinstance(type_, Mapping):
            raise TypeError(
                "`output_format` must be a type; pass a schema dict as `output_config={'format': ...}` instead"
            )
        self.type = type_
        try:
            self._adapter: pydantic.TypeAdapter[object] = pydantic.TypeAdapter(cast(Any, type_))
            schema = anthropic.transform_schema(self._adapter.json_schema())
        except pydantic.errors.PydanticSchemaGenerationError as error:
            raise TypeError(
                "`output_format`: no JSON schema can be made of it; give a type that pydantic.TypeAdapter takes"
            ) from error
        self.param: dict[str, object] = {"type": "json_schema", "schema": schema}

    @property
    def name(self) -> str:
        """The type's name, by which the context and the journal refer to it."""
        return getattr(self.type, "__qualname__", None) or repr(self.type)

    def parse(self, text: str) -> object:
        """Return `text` parsed into the type.

        Raises:
            pydantic.ValidationError: `text` does not fit the type.  A validator of the type may raise other errors.
        """
        return self._adapter.validate_json(text)


class OutputFormatError(RunError):
    """The run's final reply does not fit its output format.  The reply itself is kept, counted and journaled.

    Attributes:
        message: the reply, whose ``parsed_output`` is None.
    """

    def __init__(self, problem: str, message: ParsedBetaMessage[Any]) -> None:
        super().__init__(problem)
        self.args = (problem, message)
        self.message = message


def request_arguments(
    order: SendRequest,
    options: RequestOptions,
    *,
    tools: object,
    output_format: OutputFormat | None,
    threads: bool = False,
) -> dict[str, object]:
    """Return the keyword arguments of ``client.beta.messages.create`` for `order`.

    Args:
        order: the request to send.
        options: what every request carries.
        tools: the tools to send, as definitions or as the SDK's tool objects; None: send none.
        output_format: the type into which replies are parsed.
        threads: whether the run was made to use a server-side thread.
    """
    params = {key: value for key, value in order.params.items() if key != "output_format"}
    if output_format is not None and order.purpose == "reply":
        config = params.get("output_config")
        params["output_config"] = {**(config if isinstance(config, Mapping) else {}), "format": output_format.param}
    helper = {HELPER_HEADER: _RUNNER}
    arguments: dict[str, object] = {
        **params,
        "messages": order.messages,
        **options.arguments({**_STREAM_HEADERS, **helper} if order.stream else helper),
    }
    if tools is not None:
        arguments["tools"] = tools
        if order.tools is None:  # the server's thread has them; the SDK still reads the helpers' names off them
            body = arguments.get("extra_body")
            arguments["extra_body"] = {**(body if isinstance(body, Mapping) else {}), "tools": anthropic.omit}
    if order.thread is not None:
        arguments["thread"] = order.thread
    if threads:
        _say_threads(arguments, asked=order.thread is not None)
    if order.stream:
        arguments["stream"] = True
    return arguments


def _say_threads(arguments: dict[str, object], *, asked: bool) -> None:
    """Name the helper for threads; if the request uses a thread, add the beta, also to a header of the caller's."""
    headers = _merged(cast("dict[str, object]", arguments["extra_headers"]), {HELPER_HEADER: _THREADS})
    if asked:
        betas = arguments.get("betas")
        known = list(betas) if isinstance(betas, Iterable) else []
        arguments["betas"] = known if THREADS_BETA in known else [*known, THREADS_BETA]
        name = next((name for name in headers if name.lower() == "anthropic-beta"), None)
        if name is not None:
            given = [each.strip() for each in str(headers[name]).split(",")]
            headers[name] = ",".join(given if THREADS_BETA in given else [*given, THREADS_BETA])
    arguments["extra_headers"] = headers


def summary_arguments(order: Summarise) -> dict[str, object]:
    """Return the keyword arguments of ``client.beta.messages.create`` for a summary.

    Source: anthropic 0.75 sends exactly these."""
    return {
        "model": order.model,
        "messages": list(order.messages),
        "max_tokens": order.max_tokens,
        "extra_headers": _SUMMARY_HEADERS,
    }


def check_summary(message: Mapping[str, object]) -> None:
    """Refuse a summary that is cut off, refused or empty, since it would replace the history.

    Raises:
        ReplyError: it is one of these.
    """
    problem = summary_problem(message)
    if problem is not None:
        raise ReplyError(f"the summary cannot be used: {problem}; the history stays as it was", message)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplyReading:
    """A reply as it was read: immutable.

    Attributes:
        message: the message that the SDK's runner would hand out.
        data: the same message as plain data.
        problem: the error, if it does not fit the output format; else None.
    """

    message: ParsedBetaMessage[Any]
    data: dict[str, object]
    problem: OutputFormatError | None = None


def reading(message: BetaMessage, output_format: OutputFormat | None) -> ReplyReading:
    """Return a reply as it was read.

    Raises:
        NotJson: it nests too deep.
    """
    data = message_data(message)
    if output_format is None and isinstance(message, ParsedBetaMessage):  # it came the short way
        return ReplyReading(message=message, data=data)
    reply = parsed(message, output_format)
    return ReplyReading(message=reply, data=data, problem=unparsed(reply, output_format))


def parsed(message: BetaMessage, output_format: OutputFormat | None) -> ParsedBetaMessage[Any]:
    """Return a reply as the SDK's runner hands it out.  The text of a final reply is parsed into the output format.

    The parts of `message` are reused: copying them, as the SDK does, costs a fifth of a turn.
    """
    wanted = output_format if is_final(message) else None
    blocks = [
        remade(ParsedBetaTextBlock, block, parsed_output=parsed_text(block.text, wanted))
        if block.type == "text"
        else block
        for block in message.content
    ]
    reply: ParsedBetaMessage[Any] = remade(ParsedBetaMessage, message, content=blocks)
    # Public despite their underscores: the SDK's documentation says so.
    reply._request_id = message._request_id
    reply._workspace_id = message._workspace_id
    return reply


def is_final(message: BetaMessage) -> bool:
    """Whether an output format applies to a reply: it is complete, ends the model's turn, and holds no call."""
    reason = SAID.get(message.stop_reason or "")
    return reason is not None and reason.whole and not any(block.type == "tool_use" for block in message.content)


def parsed_text(text: str, output_format: OutputFormat | None) -> object:
    """Return `text` parsed into the output format; None if it does not fit, or there is no format."""
    if output_format is None:
        return None
    try:
        return output_format.parse(text)
    except Exception:  # the caller's validator may raise anything; `unparsed` reports it where it matters
        return None


def unparsed(reply: ParsedBetaMessage[Any], output_format: OutputFormat | None) -> OutputFormatError | None:
    """Return the error for a final reply of which no text fits the output format; None for any other reply."""
    texts = [block.text for block in reply.content if block.type == "text"]
    if output_format is None or not texts or not is_final(reply):
        return None
    first: Exception | None = None
    for text in texts:
        try:
            output_format.parse(text)
        except Exception as error:  # as above
            first = first or error
        else:
            return None
    problem = f"output_format: '{output_format.name}': the last reply is not of it: {_why(first)}"
    wrong = OutputFormatError(f"{problem} (the reply is this error's `message`)", reply)
    wrong.__cause__ = first
    return wrong


def _why(error: Exception | None) -> str:
    if not isinstance(error, pydantic.ValidationError):
        return type(error).__name__
    details = error.errors(include_url=False, include_input=False, include_context=False)
    where = ".".join(str(step) for step in details[0]["loc"])
    return f"{where}: {details[0]['msg'].lower()}" if where else details[0]["msg"].lower()


def remade(cls: Any, model: pydantic.BaseModel, **changes: object) -> Any:
    """Make a model of type `cls` from the fields of `model`, without validation."""
    fields = {name: value for name, value in model.__dict__.items() if name in type(model).model_fields}
    values = {**fields, **(model.model_extra or {}), **changes}
    return _UNREAD(cls, set(model.model_fields_set) | {k for k, v in changes.items() if v is not None}, **values)


_UNREAD = cast(Any, pydantic.BaseModel.model_construct).__func__


def restored(reply: Json, output_format: OutputFormat | None) -> ParsedBetaMessage[Any]:
    """Return a reply as it was handed out when it came, except for the ids of its HTTP response.

    Args:
        reply: the API's message object.
        output_format: what its text is parsed into.
    """
    message = BetaMessage.construct(**cast(Any, reply))
    # Public despite their underscores: the SDK's documentation says so.
    message._request_id = message._workspace_id = None
    return parsed(message, output_format)


def end_of_life(model: object) -> str | None:
    """Return the day on which a deprecated model ends, as the SDK writes it; None for any other model.

    The SDK's table is not documented.  Where it is missing, the answer is None."""
    try:
        from anthropic.resources.messages import DEPRECATED_MODELS
    except ImportError:
        return None
    return DEPRECATED_MODELS.get(model) if isinstance(model, str) else None
