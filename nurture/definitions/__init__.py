"""YAML and JSON to the domain's documents and back: strict loading, every fault with its place, lint, comparison, JSON schema."""
