"""SQLAlchemy Core: one module per aggregate, and the unit of work that ties changes to events."""
