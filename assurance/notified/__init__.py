"""Subscribers end with everything, whatever fails meanwhile: `python -m assurance.notified --referrals 1000`."""
