"""The embedded stack: one supervisor that runs the whole product on loopback.

`python -m infra.local` starts an embedded AWS, the gateway, and the worker, and stops them together.
Everything it keeps lies in one private folder (`.local/`). Nothing here ships to AWS.
"""
