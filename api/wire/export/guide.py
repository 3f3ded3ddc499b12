"""Text of ``VERIFY.md``: what lies in an export and how to check it without trusting anyone.

Owns words only.
"""

from typing import Final

GUIDE: Final = b"""# How to check this export

This file is an audit export of one ministry's log. Nobody has to be trusted to check it: not the
ministry that made it, not the program that wrote it, not the network it came over.

## What you need

* Python 3.11 or newer and the package `cryptography` (50 or newer); no network.
* The **membership file** of the exchange, whose digest you compared with another ministry or with
  a printed copy. The copy inside this export is not enough: whoever makes up an export can make
  up a membership too.
* Best of all, a copy of `comity_verify.py` from somewhere else than this export.

## How

    python3 comity_verify.py export.zip --membership membership.json

Exit status 0 and `"ok": true` mean that

* every entry of the stated range is there, in order, none added, none removed, none changed;
* the tree they form is the one that the ministry's log signed and that as many partners as stated
  have cosigned, so that the ministry cannot show another history to somebody else;
* the manifest (who made the export, when, why, with which filter) is sealed by the ministry;
* `review.csv` says what the entries say.

Exit status 3 comes with a code, a reason and, where one entry is to blame, its index.

## What it does not mean

* Entries that a filter leaves out are proven to exist (`withheld` counts them), not shown.
* Entries without an event were erased under a recorded legal order or lost (`gaps` counts them);
  their place and their commitment stand.
* Whatever the log gained after the head in this export is not covered; `unwitnessed` in the
  manifest is the ministry's own word about it.
* That an event is recorded does not prove that its content is true, only who recorded it when, and
  that it has not changed since it was witnessed.

## By hand

The formats are public: C2SP tlog-checkpoint and tlog-cosignature for `checkpoint`, tlog-policy for
`policy`, RFC 6962 for the tree, JWS (RFC 7515) with ES384 and ML-DSA-87 for `manifest.json`. The
Ed25519 signature of the log can be checked with `openssl pkeyutl -verify -rawin`. The rest is
described in the project's documentation under `docs/protocol-export.md`.
"""
