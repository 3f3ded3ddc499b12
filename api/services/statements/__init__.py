"""Statements in the making: drafts, previews, approvals, and effects."""
