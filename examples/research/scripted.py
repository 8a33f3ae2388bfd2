"""The scripted model of the research assistant.  Its replies depend on what the tools have found so far.

It lists and searches in one turn, reads the pages of the two best hits in the next, and quotes the best sentence.
"""

from __future__ import annotations

import re

import anthropic

from examples.research.tools import passages, words_in
from fsm_runner.testing import Block, Reply, ScriptedModel, ScriptedRequest, reply, text, tool_use

FILLERS = frozenset({"the", "and", "for", "what", "when", "does", "how", "why", "happens", "with", "which", "who"})
"""Words of a question that are not worth a search."""


def client() -> anthropic.AsyncAnthropic:
    """Return a client whose model is a `Reader`."""
    return ScriptedModel(Reader()).client()


class Reader:
    """A model that remembers what it was asked and which calls it made, as the server does for a message thread."""

    def __init__(self) -> None:
        self.question = ""
        self.calls: dict[str, Block] = {}

    def __call__(self, request: ScriptedRequest) -> Reply:
        """Reply to a request."""
        found = self.results(request)
        if not found:
            self.question = str(request.messages[0]["content"])
            search = self.call("search_documents", words=keywords(self.question))
            return said(text("I'll see which pages there are, and search them."), self.call("list_documents"), search)
        if hits := found.get("search_documents"):
            read = list(dict.fromkeys(re.findall(r"^([^:\s]+\.md):\d+: ", hits[0][1], re.MULTILINE)))[:2]
            if not read:
                return said(text("The documentation says nothing about that."))
            plan = "I'll read that page." if len(read) == 1 else f"I'll read that page and {read[1]}."
            reading = [self.call("read_document", page=page) for page in read]
            return said(text(f"The best hit is in {read[0]}. {plan}"), *reading)
        pages = {str(call["input"]["page"]): content for call, content in found["read_document"]}
        return said(text(quoted(self.question, pages)))

    def call(self, name: str, **arguments: str) -> Block:
        """Return a call of a tool, and remember it."""
        call = tool_use(name, arguments, id=f"toolu_{len(self.calls) + 1:04}")
        self.calls[call["id"]] = call
        return call

    def results(self, request: ScriptedRequest) -> dict[str, list[tuple[Block, str]]]:
        """Return the results of the last turn's tools, each with its call, by the tool's name."""
        found: dict[str, list[tuple[Block, str]]] = {}
        for result in request.tool_results:
            call = self.calls[result["tool_use_id"]]
            found.setdefault(call["name"], []).append((call, str(result["content"])))
        return found


def quoted(question: str, pages: dict[str, str]) -> str:
    """Return an answer that quotes the sentence that fits the question best."""
    wanted = words_in(keywords(question))
    sentences = [
        (len(wanted & words_in(sentence)), name, sentence)
        for name, content in pages.items()
        for _, passage in passages(content)
        for sentence in re.split(r"(?<=[.!?]) +", passage)
    ]
    _, name, sentence = max(sentences, key=lambda each: each[0])
    return f'{name} says:\n"{sentence}"'


def keywords(question: str) -> str:
    """Return the words of a question that are worth a search."""
    return " ".join(word for word in re.findall(r"[a-z]{3,}", question.lower()) if word not in FILLERS)


def said(*blocks: Block) -> Reply:
    """Return a reply with about as many tokens as a model would count: four characters each."""
    return reply(*blocks, usage={"output_tokens": sum(len(str(block)) for block in blocks) // 4})
