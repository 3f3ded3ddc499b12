"""The door of officers: REST under /api/v1."""
