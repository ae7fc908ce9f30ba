"""What came of referrals, in figures: what is counted, how it is told, and what may be published. Pure."""
