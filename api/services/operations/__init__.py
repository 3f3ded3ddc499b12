"""What an operator sees: status, readiness, what needs attention, refusals."""
