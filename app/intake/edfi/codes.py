"""Ed-Fi descriptors as FHIR codes. Pure tables.
https://hl7.org/fhir/R4/terminologies-systems.html

A descriptor that a table does not know keeps its own coding (a relation) or is left out (a use, a gender): no code
is guessed.
"""

from __future__ import annotations

from app.intake.roster.codes import ETHNICITY, RACE_AND_ETHNICITY, ROLE_CODE

__all__ = ["ETHNICITY", "RACE_AND_ETHNICITY", "ROLE_CODE"]

CONTACT_ROLE = "http://terminology.hl7.org/CodeSystem/v2-0131"
NULL_FLAVOR = "http://terminology.hl7.org/CodeSystem/v3-NullFlavor"
ORGANIZATION_TYPE = "http://terminology.hl7.org/CodeSystem/organization-type"
LANGUAGE = "urn:ietf:bcp:47"

GENDER = {"Female": "female", "Male": "male", "Non-binary": "other", "Not Selected": "unknown"}

RELATION = {
    "Aunt": ("AUNT", "aunt"),
    "Brother": ("BRO", "brother"),
    "BrotherInLaw": ("BROINLAW", "brother-in-law"),
    "CourtAppointedGuardian": ("GUARD", "guardian"),
    "Cousin": ("COUSN", "cousin"),
    "Daughter": ("DAUC", "daughter"),
    "DaughterInLaw": ("DAUINLAW", "daughter in-law"),
    "Father": ("FTH", "father"),
    "Father, step": ("STPFTH", "stepfather"),
    "FatherInLaw": ("FTHINLAW", "father-in-law"),
    "Foster parent": ("PRNFOST", "foster parent"),
    "Friend": ("FRND", "unrelated friend"),
    "Grandfather": ("GRFTH", "grandfather"),
    "Grandmother": ("GRMTH", "grandmother"),
    "Grandparent": ("GRPRN", "grandparent"),
    "Great Grandparent": ("GGRPRN", "great grandparent"),
    "Great aunt": ("EXT", "extended family member"),
    "Great uncle": ("EXT", "extended family member"),
    "Guardian": ("GUARD", "guardian"),
    "Husband": ("HUSB", "husband"),
    "Mother": ("MTH", "mother"),
    "Mother, step": ("STPMTH", "stepmother"),
    "MotherInLaw": ("MTHINLAW", "mother-in-law"),
    "Neighbor": ("NBOR", "neighbor"),
    "Nephew": ("NEPHEW", "nephew"),
    "Niece": ("NIECE", "niece"),
    "Parent": ("PRN", "parent"),
    "Parent, step": ("STPPRN", "step parent"),
    "Relative": ("FAMMEMB", "family member"),
    "Sibling": ("SIB", "sibling"),
    "SignificantOther": ("SIGOTHR", "significant other"),
    "Sister": ("SIS", "sister"),
    "SisterInLaw": ("SISINLAW", "sister-in-law"),
    "Son": ("SONC", "son"),
    "SonInLaw": ("SONINLAW", "son in-law"),
    "Spouse": ("SPS", "spouse"),
    "Uncle": ("UNCLE", "uncle"),
    "Wife": ("WIFE", "wife"),
}
"""RelationDescriptor -> v3-RoleCode and its display."""

RACE = {
    "American Indian - Alaska Native": (RACE_AND_ETHNICITY, "1002-5", "American Indian or Alaska Native"),
    "Asian": (RACE_AND_ETHNICITY, "2028-9", "Asian"),
    "Black - African American": (RACE_AND_ETHNICITY, "2054-5", "Black or African American"),
    "Native Hawaiian - Pacific Islander": (
        RACE_AND_ETHNICITY,
        "2076-8",
        "Native Hawaiian or Other Pacific Islander",
    ),
    "White": (RACE_AND_ETHNICITY, "2106-3", "White"),
    "Choose Not to Respond": (NULL_FLAVOR, "ASKU", "asked but unknown"),
}
"""RaceDescriptor -> the coding of the us-core-race category; `Other` has none and stays in the text."""


NAME_USE = {"Nickname": "nickname", "Previous Legal Name": "old"}
"""OtherNameTypeDescriptor -> HumanName.use; any other is `usual`."""

ADDRESS = {
    "Billing": {"use": "billing"},
    "Home": {"use": "home"},
    "Mailing": {"type": "postal"},
    "Physical": {"type": "physical"},
    "Temporary": {"use": "temp"},
    "Work": {"use": "work"},
}
"""AddressTypeDescriptor -> Address.use or type. The types that tell of homelessness are not passed on."""

TELEPHONE = {
    "Fax": {"system": "fax"},
    "Home": {"system": "phone", "use": "home"},
    "Mobile": {"system": "phone", "use": "mobile"},
    "Work": {"system": "phone", "use": "work"},
}
"""TelephoneNumberTypeDescriptor -> ContactPoint; any other is a phone without a use."""

MAIL_USE = {"Home/Personal": "home", "Organization": "work", "Work": "work"}

CLOSED = frozenset({"Closed", "Inactive"})
"""OperationalStatusDescriptor of a school that is not active."""

_TWO_LETTERS = """
aar:aa abk:ab afr:af aka:ak alb:sq amh:am ara:ar arg:an arm:hy asm:as ava:av ave:ae aym:ay aze:az bak:ba bam:bm baq:eu
bel:be ben:bn bih:bh bis:bi bod:bo bos:bs bre:br bul:bg bur:my cat:ca ces:cs cha:ch che:ce chi:zh chu:cu chv:cv cor:kw
cos:co cre:cr cym:cy cze:cs dan:da deu:de div:dv dut:nl dzo:dz ell:el eng:en epo:eo est:et eus:eu ewe:ee fao:fo fas:fa
fij:fj fin:fi fra:fr fre:fr fry:fy ful:ff geo:ka ger:de gla:gd gle:ga glg:gl glv:gv gre:el grn:gn guj:gu hat:ht hau:ha
heb:he her:hz hin:hi hmo:ho hrv:hr hun:hu hye:hy ibo:ig ice:is ido:io iii:ii iku:iu ile:ie ina:ia ind:id ipk:ik isl:is
ita:it jav:jv jpn:ja kal:kl kan:kn kas:ks kat:ka kau:kr kaz:kk khm:km kik:ki kin:rw kir:ky kom:kv kon:kg kor:ko kua:kj
kur:ku lao:lo lat:la lav:lv lim:li lin:ln lit:lt ltz:lb lub:lu lug:lg mac:mk mah:mh mal:ml mao:mi mar:mr may:ms mkd:mk
mlg:mg mlt:mt mon:mn mri:mi msa:ms mya:my nau:na nav:nv nbl:nr nde:nd ndo:ng nep:ne nld:nl nno:nn nob:nb nor:no nya:ny
oci:oc oji:oj ori:or orm:om oss:os pan:pa per:fa pli:pi pol:pl por:pt pus:ps que:qu roh:rm ron:ro rum:ro run:rn rus:ru
sag:sg san:sa sin:si slk:sk slo:sk slv:sl sme:se smo:sm sna:sn snd:sd som:so sot:st spa:es sqi:sq srd:sc srp:sr ssw:ss
sun:su swa:sw swe:sv tah:ty tam:ta tat:tt tel:te tgk:tg tgl:tl tha:th tib:bo tir:ti ton:to tsn:tn tso:ts tuk:tk tur:tr
twi:tw uig:ug ukr:uk urd:ur uzb:uz ven:ve vie:vi vol:vo wel:cy wln:wa wol:wo xho:xh yid:yi yor:yo zha:za zho:zh zul:zu
"""
LANGUAGE_TAG: dict[str, str] = dict(pair.split(":") for pair in _TWO_LETTERS.split())
"""ISO 639-2 code, as LanguageDescriptor has it -> the two letters that BCP 47 asks for where a language has them."""
NO_LANGUAGE = frozenset({"mis", "mul", "und", "zxx"})
