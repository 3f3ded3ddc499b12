"""Templates of the TOML forms: every member with its meaning and the words allowed.

Owns the text that ``comity … new`` writes. A test fills each template in and builds it, so that no
template names a member that the protocol does not know.
"""

from typing import Final, get_args

from api.wire.payloads.evidence_package_v1 import EvidenceKind
from api.wire.payloads.law import Conduct, Involvement

_KINDS: Final = ", ".join(get_args(EvidenceKind))
_CONDUCT: Final = ", ".join(get_args(Conduct))
_PARTS: Final = ", ".join(get_args(Involvement))

_SUBJECT: Final = """
[[subjects]]
key = "s1"                       # the rest of this form names the subject by it: s1, s2, ...
schema = "Person"                # Person, Organization, PublicBody, Company, LegalEntity, Vessel
names = [
  { text = "FAMILY Given", script = "Latn" },
  # { text = "...", script = "Hans", kind = "alias" },
]
# birth_dates = [{ value = "1958-01", source = "public register" }]    # as precise as known
# birth_place = "Town, Country"
# countries = ["CN"]
# identifiers = [{ scheme = "passport", value = "..." }]
# positions = [{ title = "...", from = "2016", to = "2021-12" }]
"""

_FACTS: Final = f"""
# What happened, as recorded facts: the law of each country is asked about these and nothing else.
# [[case_facts]]
# conduct = "torture"            # {_CONDUCT}
# part = "responsible"           # {_PARTS}
# subjects = ["s1"]              # all of them if left out
# victims = "others"             # rights-defenders, others, not-known
# state = "CN"
"""

PACKAGE: Final = f"""# An evidence package. Fill in, then:
#   comity package build FOLDER --description THIS --out FILE
title = ""
summary = ""
language = "en"                  # of the package: en, fr, zh-Hans, ...
exculpatory = ""                 # what speaks for the subjects; say "None known." if so
legal_basis = ""                 # the authority under which it may be disclosed
compelled = false                # whether any of it was obtained by compulsion of law
# supersedes = "sha256:..."      # an earlier package that this one takes the place of
{_SUBJECT}
[[claims]]
subject = "s1"
act = ""                         # what the subject did
ground = ""                      # why that is a reason for listing
exhibits = []                    # labels of the exhibits that show it
# note = ""
{_FACTS}"""

EXHIBIT: Final = f"""
[[exhibits]]
file = "{{file}}"
label = "{{label}}"
kind = ""                        # {_KINDS}
source = ""                      # where it comes from
# collected = {{{{ by = "...", at = "2020-08-01", how = "..." }}}}
# custody = [{{{{ at = "2020-08-01", by = "...", act = "handed over" }}}}]
# translation_of = "..."         # label of the exhibit that this one translates
"""

PROPOSAL: Final = f"""# A designation proposal. Then: comity proposal new --body THIS
title = ""
regime = ""                      # see comity regimes list
measures = ["asset-freeze", "entry-ban"]
{_SUBJECT}
[[grounds]]
ground = ""                      # see comity regimes show
evidence = []                    # [{{ package = "sha256:...", exhibits = ["label"] }}]

[grounds.threshold]
wording = ""                     # the finding to be made, in the law's words
met = true
by = ""                          # who found it

[reasons]
releasable = ""                  # may be told to partners
# internal = ""                  # never leaves the ministry
{_FACTS}"""

DESIGNATION: Final = f"""# A designation. Then: comity designation state --to MINISTRY --body THIS
jurisdiction = ""                # such as UK
regime = ""                      # see comity regimes list
instrument = ""
list_reference = ""
grounds = [""]                   # see comity regimes show
measures = ["asset-freeze", "entry-ban"]

[subject]
{_SUBJECT.split("key = ", 1)[1].split(chr(10), 1)[1]}
[instants]
in_force = {{ at = "2026-11-28", zone = "Europe/London" }}
# made = {{ at = "2026-11-28", zone = "Europe/London" }}
# registered, published, announced likewise

[reasons]
releasable = ""
"""

AMENDMENT: Final = """# An amendment of a designation. Then: comity designation amend ID --body THIS
# note = ""

[changes]                        # what takes the place of the designation's own members
# measures = ["asset-freeze"]
# grounds = [""]

[instants]                       # of the amending act
in_force = { at = "2026-11-28", zone = "Europe/London" }
"""

REQUEST: Final = f"""# A mirror request. Then: comity mirror request --to MINISTRY --body THIS
title = ""
authority = ""                   # the authority under which this is disclosed
permitted_use = [""]             # what the addressee may use it for
respond_by = 2027-01-31T17:00:00Z
evidence = []                    # [{{ release = "sha256:...", package = "sha256:..." }}]
{_SUBJECT}
[designations]
s1 = "sha256:..."                # your designation of the subject

[reasons]
releasable = ""
{_FACTS}"""
