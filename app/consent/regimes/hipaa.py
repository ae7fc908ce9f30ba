"""HIPAA: authorization to disclose health information. https://www.ecfr.gov/current/title-45/section-164.508"""

from __future__ import annotations

from app.consent.codes import CONSENT_POLICY
from app.consent.regimes.declaration import Element, Notice, Regime

REGIME = Regime(
    code="HIPAA",
    display="HIPAA: authorization to disclose health information (45 CFR 164.508)",
    policy_uris=("https://www.ecfr.gov/current/title-45/section-164.508",),
    codings=((CONSENT_POLICY, "hipaa-auth"),),
    requires={
        Element.SIGNED_ON: "HIPAA 45 CFR 164.508(c)(1)(vi)",
        Element.SIGNER: "HIPAA 45 CFR 164.508(c)(1)(vi)",
        Element.EVIDENCE: "HIPAA 45 CFR 164.508(c)(1)(vi)",
        Element.DISCLOSER: "HIPAA 45 CFR 164.508(c)(1)(ii)",
        Element.RECIPIENT: "HIPAA 45 CFR 164.508(c)(1)(iii)",
        Element.CONTENT: "HIPAA 45 CFR 164.508(c)(1)(i)",
        Element.PURPOSE: "HIPAA 45 CFR 164.508(c)(1)(iv)",
        Element.EXPIRY: "HIPAA 45 CFR 164.508(c)(1)(v)",
    },
    redisclosable=True,
    notice=Notice(
        "notice-hipaa",
        "Health records released under an authorization (45 CFR 164.508)",
        "This record was released under a signed authorization, for the purpose that it names. The authorization can"
        " be revoked. What was released may be subject to redisclosure rules of the law that its recipient is under.",
    ),
)
