"""A package file that its author built and signed elsewhere, handed in whole.

Owns the way from a built file (``comity package build``) to a package: the file is judged as the
command line judges it, its exhibits are stored, then its draft is submitted. Whatever is refused,
no package is made; exhibits that were stored by then are listed by nothing.
"""

import json
from typing import IO

from api.domain.errors import Invalid
from api.domain.verification.package import verify_draft
from api.ports.policy import Action
from api.services import visibility
from api.services.authorising import Caller, authorise
from api.services.desk import evidence, exhibits
from api.services.node import Node
from api.wire.errors import WireError
from api.wire.limits import ENVELOPE
from api.wire.package_file import DRAFT, PackageFile, exhibit_name


def hand_in(node: Node, caller: Caller, source: IO[bytes]) -> str:
    """Submit a built package file; returns the package's id.

    Raises:
        Refused: the caller prepares no packages, or signed with a key that is not theirs here.
        Invalid: ``package.sealed``: this is no draft.
        WireError: the code of the first check that failed, ``package.*`` or ``endorsement.*``.
    """
    fresh = visibility.package_resource(node, None, frozenset(), frozenset())
    authorise(node, caller, Action.PACKAGE_SUBMIT, fresh, form="jws")
    source.seek(0)
    file = PackageFile(source)
    if not file.is_draft:
        raise Invalid("package.sealed", "This package is sealed already; hand in a built draft.")
    failed = next(iter(verify_draft(source).failed), None)
    if failed is not None:
        code = failed.code or "package.failed"
        raise WireError(code, f"{failed.check.label}: {failed.detail}")
    draft = json.loads(file.read(DRAFT, ENVELOPE))
    for digest, size in file.exhibits.items():
        chunks = file.chunks(exhibit_name(digest))
        exhibits.store_exhibit(node, caller, digest, size, chunks)
    return evidence.submit(node, caller, draft).id
