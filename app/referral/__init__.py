"""The life of a referral: one table of states and transitions, and what each of them needs. Pure."""
