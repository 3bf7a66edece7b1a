"""Request and response shapes. OpenAPI and the web's types are generated from these models."""
