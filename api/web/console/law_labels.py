"""Words for what law and published lists say, as officers read them.

Owns their tables, which ``labels`` takes up.
"""

from collections.abc import Mapping
from typing import Final

from api.web.console.words import mark

LABELS: Final[Mapping[str, Mapping[str, str]]] = {
    "assessment": {
        "met": mark("Met"),
        "not-met": mark("Not met"),
        "not-covered": mark("Not covered"),
        "unknown": mark("Unknown"),
    },
    "basis": {
        "verified_primary": mark("read in the law itself"),
        "verified_secondary": mark("read in a source about the law"),
        "general_knowledge": mark("general knowledge, not read"),
    },
    "law-fact": {
        "circumstances": mark("Circumstances"),
        "compelled_information": mark("Compelled information"),
        "conduct": mark("Conduct"),
        "confidentiality": mark("Confidentiality"),
        "dates_in_list": mark("Dates in the list"),
        "disclosure": mark("Disclosure to others"),
        "in_force": mark("In force since"),
        "measures": mark("Measures"),
        "mirror_route": mark("A way to follow a partner"),
        "notice": mark("Notice to the subject"),
        "outside_information": mark("Information from outside"),
        "ownership": mark("Ownership and control"),
        "parliament": mark("Parliament"),
        "partner_provision": mark("Provision of the partner"),
        "policy_factors": mark("What is weighed"),
        "publication": mark("Publication"),
        "reporting": mark("Reports"),
        "review": mark("Review"),
        "rights": mark("Rights protected"),
        "use": mark("Use so far"),
    },
    "case-kind": {
        "person": mark("A person"),
        "entity": mark("An organisation"),
        "vessel": mark("A vessel"),
    },
    "clock-event": {
        "designated": mark("Designated"),
        "urgent-designated": mark("Designated by the urgent route"),
        "urgent-renewed": mark("Urgent designation renewed"),
        "made": mark("Made"),
        "ceased": mark("Ceased"),
        "review-requested": mark("Review requested"),
        "review-decided": mark("Review decided"),
        "identity-certificate-requested": mark("Certificate of mistaken identity requested"),
        "identity-certificate-decided": mark("Certificate of mistaken identity decided"),
        "expenses-certificate-requested": mark("Certificate for expenses requested"),
        "expenses-certificate-decided": mark("Certificate for expenses decided"),
        "tabled": mark("Tabled in Parliament"),
        "reported": mark("Reported"),
        "revoked": mark("Revoked"),
    },
    "day-from": {
        "publisher": mark("the publisher"),
        "file-name": mark("the name of the file"),
        "officer": mark("the officer who brought it in"),
    },
    "entry-kind": {
        "person": mark("Person"),
        "entity": mark("Organisation"),
        "vessel": mark("Vessel"),
        "aircraft": mark("Aircraft"),
        "other": mark("Other"),
    },
    "ground-fit": {
        "close": mark("close"),
        "narrower": mark("covers less"),
        "re-argue": mark("another part, to be argued anew"),
    },
    "list-outcome": {
        "added": mark("Added"),
        "removed": mark("Removed"),
        "amended": mark("Amended"),
    },
    "list-standing": {
        "listed": mark("Listed"),
        "delisted": mark("Delisted"),
    },
    "since": {
        "list": mark("the list says so"),
        "designation": mark("a designation says so"),
        "editions": mark("first edition that has it"),
        "unknown": mark("not known"),
    },
    "strength": {
        "primary": mark("main name"),
        "strong": mark("strong alias"),
        "weak": mark("weak alias"),
        "unstated": mark("not stated"),
    },
    "subject-kind": {
        "person": mark("persons"),
        "entity": mark("organisations"),
        "vessel": mark("vessels"),
    },
}
