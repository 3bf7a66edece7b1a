"""Actions: what can be asked for, one entry each."""

from chalicelib.safety.actions.registry import Action, Arguments, Draft, action, actions, find_action

__all__ = ["Action", "Arguments", "Draft", "action", "actions", "find_action"]
