"""The Model Context Protocol over any registry: Streamable HTTP, stateless, one POST in and one JSON answer out."""
