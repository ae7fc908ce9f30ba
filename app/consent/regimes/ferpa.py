"""FERPA: consent to disclose education records. https://www.ecfr.gov/current/title-34/section-99.30"""

from __future__ import annotations

from app.consent.regimes.declaration import Element, Notice, Regime

REGIME = Regime(
    code="FERPA",
    display="FERPA: consent to disclose education records (34 CFR 99.30)",
    policy_uris=("https://www.ecfr.gov/current/title-34/section-99.30",),
    requires={
        Element.SIGNED_ON: "FERPA 34 CFR 99.30(a)",
        Element.SIGNER: "FERPA 34 CFR 99.30(a)",
        Element.EVIDENCE: "FERPA 34 CFR 99.30(a)",
        Element.DISCLOSER: "FERPA 34 CFR 99.30(a)",
        Element.RECIPIENT: "FERPA 34 CFR 99.30(b)(3)",
        Element.CONTENT: "FERPA 34 CFR 99.30(b)(1)",
        Element.PURPOSE: "FERPA 34 CFR 99.30(b)(2)",
    },
    education_records=True,
    notice=Notice(
        "notice-ferpa",
        "Education records released with consent (34 CFR 99.33)",
        "This record was released from an education record for the purpose that its release names. Who receives it"
        " may use it for that purpose only, and may not disclose it to any other party without the prior consent of"
        " the parent or eligible student, unless 34 CFR Part 99 allows it.",
    ),
)
