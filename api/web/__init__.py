"""HTTP only: doors that turn requests into use cases and refusals into problem documents."""
