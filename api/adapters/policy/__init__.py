"""Implementation of the policy port on Cedar, and the reading of the policy directory."""
