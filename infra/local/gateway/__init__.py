"""An API Gateway for one machine: ASGI in front of the product's Chalice app, with API Gateway's limits.

It serves the REST routes, the WebSocket with its `@connections` endpoint, and the built web interface from
one loopback port. It knows Chalice's app object and nothing of the product's subject.
"""
