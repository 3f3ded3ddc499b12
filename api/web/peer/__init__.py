"""The door of partners' nodes."""
