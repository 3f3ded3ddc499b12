"""Exhibit stores: a local folder and S3-compatible services."""
