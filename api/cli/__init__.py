"""The ``comity`` command, one module per group, over a small API client.

Owns arguments, output and exit codes (DESIGN §10); decides nothing that a node decides. Officers'
commands go through the REST interface; operators' commands on the node's machine use ``bootstrap``.
"""
