"""New York's law on HIV related information. https://www.nysenate.gov/legislation/laws/PBH/A27-F"""

from __future__ import annotations

from app.consent.regimes.declaration import Element, Notice, Regime

REGIME = Regime(
    code="NY-27F",
    display="New York: release of confidential HIV related information (Public Health Law 2780)",
    policy_uris=("https://www.nysenate.gov/legislation/laws/PBH/2780",),
    requires={
        Element.SIGNED_ON: "NY PHL 2780(9)",
        Element.SIGNER: "NY PHL 2780(9)",
        Element.RECIPIENT: "NY PHL 2780(9)",
        Element.PURPOSE: "NY PHL 2780(9)",
        Element.EXPIRY: "NY PHL 2780(9)",
    },
    paths={"verification": "NY PHL 2780(9)"},
    opens_only=frozenset({"HIV"}),
    notice=Notice(
        "notice-ny-27f",
        "Confidential HIV related information (NY PHL 2782(5))",
        "State law prohibits you from making any further disclosure of this information without the specific written"
        " consent of the person to whom it pertains, or as otherwise permitted by law.",
    ),
)
