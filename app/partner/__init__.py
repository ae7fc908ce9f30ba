"""Light partners: providers without software, who answer a referral on a page behind a link and a one-time code."""
