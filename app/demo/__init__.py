"""The demonstration: members with keys, a made-up roster, and the story of one referral told over the real API."""
