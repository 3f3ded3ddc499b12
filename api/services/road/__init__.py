"""The road between nodes: delivering, receiving, applying, answering, comparing."""
