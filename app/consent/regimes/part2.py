"""42 CFR Part 2: consent to disclose substance use disorder records. https://www.ecfr.gov/current/title-42/part-2"""

from __future__ import annotations

from app.consent.codes import ACT_CODE, PART2
from app.consent.regimes.declaration import Element, Notice, Regime

REGIME = Regime(
    code=PART2,
    display="42 CFR Part 2: consent to disclose substance use disorder records (2.31)",
    policy_uris=("https://www.ecfr.gov/current/title-42/section-2.31",),
    codings=((ACT_CODE, PART2),),
    requires={
        Element.SIGNED_ON: "42 CFR 2.31(a)(9)",
        Element.SIGNER: "42 CFR 2.31(a)(8)",
        Element.EVIDENCE: "42 CFR 2.31(a)(8)",
        Element.DISCLOSER: "42 CFR 2.31(a)(2)",
        Element.RECIPIENT: "42 CFR 2.31(a)(4)",
        Element.CONTENT: "42 CFR 2.31(a)(3)",
        Element.PURPOSE: "42 CFR 2.31(a)(5)",
        Element.EXPIRY: "42 CFR 2.31(a)(7)",
        Element.INTERMEDIARY: "42 CFR 2.31(a)(4)(ii)",
    },
    opens_only=frozenset({PART2}),
    endless=frozenset({"TREAT", "HPAYMT", "HOPERAT"}),  # 42 CFR 2.31(a)(7): treatment, payment, health care operations
    classes_treat="42 CFR 2.31(a)(4)(ii)(B)",
    notice=Notice(
        "notice-42-cfr-part-2",
        "Substance use disorder records (42 CFR 2.32)",
        "42 CFR part 2 prohibits unauthorized use or disclosure of these records.",
    ),
)
