"""Pure rules: values in, decisions out. Standard library and pydantic only; `now`, zones and seeds are arguments."""
