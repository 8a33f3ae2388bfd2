"""The scripted model of the research assistant: a function of the request, which really uses the results of its tools.

It lists and searches in one turn, reads the pages of the two best hits in the next, and quotes what fits best.
"""

from __future__ import annotations

import re

import anthropic

from examples.research.tools import passages, words_in
from fsm_runner.testing import Block, Reply, ScriptedModel, ScriptedRequest, reply, text, tool_use

FILLERS = frozenset(
    {"the", "and", "for", "what", "when", "does", "how", "why", "happens", "with", "which", "who", "are"}
)
"""Words of a question that are not worth a search."""


def client() -> anthropic.AsyncAnthropic:
    """Return a client whose model is the function below."""
    return ScriptedModel(answer).client()


def answer(request: ScriptedRequest) -> Reply:
    """Reply to a request by what its tools have found so far."""
    question = str(request.messages[0]["content"])
    found = results(request)
    if not found:
        both = tool_use("list_documents"), tool_use("search_documents", {"words": keywords(question)})
        return said(request, text("I'll see which pages there are, and search them."), *both)
    if hits := found.get("search_documents"):
        read = list(dict.fromkeys(re.findall(r"^([^:\s]+\.md):\d+: ", hits[0], re.MULTILINE)))[:2]
        if not read:
            return said(request, text("The documentation says nothing about that."))
        reading = [tool_use("read_document", {"page": page}) for page in read]
        plan = "I'll read that page." if len(read) == 1 else f"I'll read that page and {read[1]}."
        return said(request, text(f"The best hit is in {read[0]}. {plan}"), *reading)
    return said(request, text(quoted(question, found["read_document"], asked_for(request))))


def quoted(question: str, documents: list[str], names: list[str]) -> str:
    """Return an answer that quotes the sentences that fit the question best."""
    wanted = words_in(keywords(question))
    sentences = [
        (len(wanted & words_in(sentence)), name, sentence)
        for name, document in zip(names, documents, strict=True)
        for _, passage in passages(document)
        for sentence in re.split(r"(?<=[.!?]) +", passage)
    ]
    _, name, sentence = max(sentences, key=lambda each: each[0])
    return f'{name} says:\n"{sentence}"'


def keywords(question: str) -> str:
    """Return the words of a question that are worth a search."""
    return " ".join(word for word in re.findall(r"[a-z]{3,}", question.lower()) if word not in FILLERS)


def results(request: ScriptedRequest) -> dict[str, list[str]]:
    """Return what the last turn's tools gave, by the tool's name."""
    names = {call["id"]: call["name"] for call in calls(request)}
    found: dict[str, list[str]] = {}
    for result in request.tool_results:
        found.setdefault(names[result["tool_use_id"]], []).append(str(result["content"]))
    return found


def asked_for(request: ScriptedRequest) -> list[str]:
    """Return the pages that the last turn read."""
    return [call["input"]["page"] for call in calls(request)]


def calls(request: ScriptedRequest) -> list[Block]:
    """Return the tool calls of the last reply."""
    spoken = [message for message in request.messages if message["role"] == "assistant"][-1:]
    return [block for message in spoken for block in message["content"] if block["type"] == "tool_use"]


def said(request: ScriptedRequest, *blocks: Block) -> Reply:
    """Return a reply with about as many tokens as a model would count: four characters each."""
    usage = {"input_tokens": len(str(request.body["messages"])) // 4, "output_tokens": len(str(blocks)) // 4}
    return reply(*blocks, usage=usage)
