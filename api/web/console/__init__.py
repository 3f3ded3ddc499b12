"""The console: pages for officers, in English and French, made on the node.

One door among others: it calls use cases and shows what they return. It knows no table, no other
door, and nothing of the command line. ``docs/console.md`` says how a page is added.
"""
