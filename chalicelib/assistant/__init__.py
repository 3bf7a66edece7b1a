"""The assistant: questions in English answered from the cluster, with evidence, without a language model."""

from chalicelib.assistant.context import Answer, AssistantContext, Step
from chalicelib.assistant.conversation import answer
from chalicelib.assistant.frames import failure, frames_of
from chalicelib.assistant.memory import Memory, title_of

__all__ = ["Answer", "AssistantContext", "Memory", "Step", "answer", "failure", "frames_of", "title_of"]
