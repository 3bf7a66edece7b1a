"""Tools: typed questions to a cluster, served alike to chat, REST and MCP."""
