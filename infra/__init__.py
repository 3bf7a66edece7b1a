"""Where the product runs: templates and packaging for AWS, and `infra.local` for a laptop."""
