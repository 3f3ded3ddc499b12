"""Bodies of statements, one module for each type and version; `api.wire.types` lists them."""
