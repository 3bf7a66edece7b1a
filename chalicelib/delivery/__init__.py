"""Sends things out: frames to open WebSockets today; messages, mail and reports have their place here."""
