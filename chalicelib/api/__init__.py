"""The edge: HTTP, WebSocket, MCP and queue handlers. Parses at the edge, renders at the edge, decides nothing."""
