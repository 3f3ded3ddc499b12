"""Published lists for tests: small real extracts, and invented files in published layouts.

Invented subjects are called Example, Specimen and the like.
"""

from collections.abc import Iterable
from pathlib import Path

EXTRACTS = Path(__file__).parents[1] / "data" / "lists"
OFAC_2021 = EXTRACTS / "ofac-sdn-2021-03-10.xml"
OFAC_2024 = EXTRACTS / "ofac-sdn-2024-05-07.xml"
EU_2024 = EXTRACTS / "eu-fsf-2024-05-13.xml"
CHINA_2021 = EXTRACTS / "SOR-2021-49-2021-04-08.xml"
CHINA_2025 = EXTRACTS / "SOR-2021-49-2025-07-31.xml"
CHINE = EXTRACTS / "DORS-2021-49.xml"
QUARTET = [EXTRACTS / f"ofac-2021-07-{name}.csv" for name in ("sdn", "alt", "add", "sdn_comments")]

ENHANCED = """<?xml version="1.0" encoding="utf-8"?>
<sanctionsData xmlns="https://www.treasury.gov/ofac/exports/ENHANCED_XML">
 <publicationInfo><dataAsOf>2026-10-08T00:00:00</dataAsOf><filters/></publicationInfo>
 <referenceValues/><featureTypes/>
 <entities>
  <entity id="29220">
   <generalInfo><identityId>1</identityId><entityType refId="600">Individual</entityType></generalInfo>
   <sanctionsLists><sanctionsList id="1" datePublished="2020-07-09">SDN List</sanctionsList></sanctionsLists>
   <sanctionsPrograms><sanctionsProgram id="2">GLOMAG</sanctionsProgram></sanctionsPrograms>
   <sanctionsTypes><sanctionsType id="3">Block</sanctionsType></sanctionsTypes>
   <names>
    <name id="1"><isPrimary>false</isPrimary><isLowQuality>true</isLowQuality><aliasType>A.K.A.</aliasType>
     <translations><translation id="1"><script>Latin</script><formattedFullName>SPECIMEN</formattedFullName></translation></translations></name>
    <name id="2"><isPrimary>true</isPrimary><isLowQuality>false</isLowQuality>
     <translations>
      <translation id="2"><script>Latin</script><formattedFirstName>Ada</formattedFirstName><formattedLastName>EXAMPLE</formattedLastName></translation>
      <translation id="3"><script>Chinese (Simplified)</script><formattedFullName>阿达</formattedFullName></translation>
     </translations></name>
   </names>
   <addresses><address id="9"><country>China</country></address></addresses>
   <features>
    <feature id="4"><type featureTypeId="8">Birthdate</type><value>1955</value>
     <valueDate id="5"><fromDateBegin>1955-01-01</fromDateBegin><fromDateEnd>1955-01-01</fromDateEnd>
      <toDateBegin>1955-12-31</toDateBegin><toDateEnd>1955-12-31</toDateEnd><isApproximate>false</isApproximate></valueDate></feature>
   </features>
   <identityDocuments><identityDocument id="6"><type>Passport</type><documentNumber>X1234567</documentNumber><issuingCountry>China</issuingCountry></identityDocument></identityDocuments>
   <relationships><relationship id="7"><type>Acting for or on behalf of</type><relatedEntity entityId="29300">A BUREAU</relatedEntity></relationship></relationships>
  </entity>
 </entities>
</sanctionsData>
"""

UK_HEADINGS = [
    "Last Updated",
    "Unique ID",
    "OFSI Group ID",
    "UN Reference Number",
    "Name 6",
    "Name 1",
    "Name 2",
    "Name 3",
    "Name 4",
    "Name 5",
    "Name type",
    "Alias strength",
    "Title",
    "Name non-latin script",
    "Non-latin script type",
    "Non-latin script language",
    "Regime Name",
    "Designation Type",
    "Designation source",
    "Sanctions Imposed",
    "Other Information",
    "UK Statement of Reasons",
    "Address Line 1",
    "Address Line 2",
    "Address Line 3",
    "Address Line 4",
    "Address Line 5",
    "Address Line 6",
    "Address Postal Code",
    "Address Country",
    "Phone number",
    "Website",
    "Email address",
    "Date Designated",
    "D.O.B",
    "Nationality(/ies)",
    "National Identifier number",
    "National Identifier additional information",
    "Passport number",
    "Passport additional information",
    "Position",
    "Gender",
    "Town of birth",
    "Country of birth",
    "Type of entity",
    "Subsidiaries",
    "Parent company",
    "Business registration number (s)",
    "IMO number",
    "Current owner/operator (s)",
    "Previous owner/operator (s)",
    "Current believed flag of ship",
    "Previous flags",
    "Type of ship",
    "Tonnage of ship",
    "Length of ship",
    "Year Built",
    "Hull identification number (HIN)",
]


def uk_csv(rows: Iterable[dict[str, str]], day: str = "08-Oct-2026") -> str:
    """An invented UK list in the layout of 2026: the report's date, 58 columns, a line per name."""
    lines = [f"Report Date: {day}", ",".join(UK_HEADINGS)]
    for row in rows:
        unknown = row.keys() - set(UK_HEADINGS)
        assert not unknown, unknown
        cells = (row.get(heading, "").replace('"', '""') for heading in UK_HEADINGS)
        lines.append(",".join(f'"{cell}"' for cell in cells))
    return "\r\n".join(lines) + "\r\n"


UK_ROWS = [
    {
        "Unique ID": "GHR0001",
        "Name 6": "BEISPIEL",
        "Name 1": "Ada",
        "Name type": "Primary name variation",
        "Regime Name": "Global Human Rights",
        "Designation Type": "Individual",
        "Sanctions Imposed": "Asset freeze|Travel Ban",
        "Date Designated": "22/03/2021",
        "D.O.B": "00/00/1975",
        "UK Statement of Reasons": 'Said "so",\nin two lines.',
    },
    {
        "Unique ID": "GHR0001",
        "Name 6": "EXAMPLE",
        "Name 1": "Ada",
        "Name type": "Primary Name",
        "Name non-latin script": "阿达",
        "Non-latin script language": "Chinese",
        "Regime Name": "Global Human Rights",
        "Designation Type": "Individual",
        "Date Designated": "22/03/2021",
    },
    {
        "Unique ID": "RUS2176",
        "Name 6": "SPECIMEN",
        "Name type": "Primary Name",
        "Regime Name": "Russia",
        "Designation Type": "Ship",
        "IMO number": "IMO 9999999",
        "Date Designated": "24/02/2022",
    },
]

UN = """<?xml version="1.0" encoding="utf-8"?>
<CONSOLIDATED_LIST dateGenerated="2026-02-27T00:00:01">
 <INDIVIDUALS><INDIVIDUAL><DATAID>1</DATAID><VERSIONNUM>1</VERSIONNUM><FIRST_NAME>ADA</FIRST_NAME>
  <SECOND_NAME>EXAMPLE</SECOND_NAME><UN_LIST_TYPE>Testland</UN_LIST_TYPE>
  <REFERENCE_NUMBER>TLi.001</REFERENCE_NUMBER><LISTED_ON>2017-06-01</LISTED_ON>
  <NAME_ORIGINAL_SCRIPT>아다</NAME_ORIGINAL_SCRIPT><COMMENTS1>Invented.</COMMENTS1>
  <DESIGNATION><VALUE>Head of a bureau</VALUE></DESIGNATION><NATIONALITY><VALUE>Testland</VALUE></NATIONALITY>
  <INDIVIDUAL_ALIAS><QUALITY>Low</QUALITY><ALIAS_NAME>Ada E</ALIAS_NAME></INDIVIDUAL_ALIAS>
  <INDIVIDUAL_DATE_OF_BIRTH><TYPE_OF_DATE>BETWEEN</TYPE_OF_DATE><FROM_YEAR>1955</FROM_YEAR><TO_YEAR>1957</TO_YEAR></INDIVIDUAL_DATE_OF_BIRTH>
  <INDIVIDUAL_DOCUMENT><TYPE_OF_DOCUMENT>Passport</TYPE_OF_DOCUMENT><NUMBER>X1</NUMBER></INDIVIDUAL_DOCUMENT></INDIVIDUAL></INDIVIDUALS>
 <ENTITIES><ENTITY><DATAID>2</DATAID><FIRST_NAME>A BUREAU</FIRST_NAME><UN_LIST_TYPE>Testland</UN_LIST_TYPE>
  <REFERENCE_NUMBER>TLe.001</REFERENCE_NUMBER><ENTITY_ALIAS><ALIAS_NAME>The Bureau</ALIAS_NAME></ENTITY_ALIAS></ENTITY></ENTITIES>
</CONSOLIDATED_LIST>
"""

# The same two records in Canada's three vocabularies.
CANADA_WORDS = {
    "2020": (
        "Country",
        "LastName",
        "GivenName",
        "Entity",
        "Title",
        "DateOfBirth",
        "Aliases",
        "Schedule",
        "Item",
    ),
    "2025": (
        "Country",
        "LastName",
        "GivenName",
        "EntityOrShip",
        "TitleOrShip",
        "DateOfBirthOrShipBuildDate",
        "Aliases",
        "Schedule",
        "Item",
    ),
    "2026": (
        "Country-Pays",
        "LastName-NomDeFamille",
        "GivenName-Prenom",
        "EntityOrShip-EntiteOuNavire",
        "TitleOrShipType-TitreOuTypeDeNavire",
        "DateOfBirthOrShipBuildDate-DateDeNaissanceOuDateDeConstructionDuNavire",
        "Aliases-Alias",
        "Schedule-Annexe",
        "Item-NumeroDarticle",
    ),
}


def canada_xml(words: str, records: Iterable[tuple[str, ...]]) -> str:
    """An invented Canadian list; a record's values stand in the order of the vocabulary."""
    names = CANADA_WORDS[words]
    told = "".join(
        "<record>"
        + "".join(f"<{n}>{v}</{n}>" for n, v in zip(names, record, strict=True) if v)
        + "</record>\n"
        for record in records
    )
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<data-set>\n{told}</data-set>\n'
