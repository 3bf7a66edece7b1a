"""Any language model or none: one protocol over four kinds of providers, their cost, and what happens when they fail.

Importing this room loads no SDK; the one that is called is loaded at the call.
"""
