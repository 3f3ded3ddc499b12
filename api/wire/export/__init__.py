"""The bytes of an audit export: container, manifest, lines, guide."""
