"""Properties are about answers, not about time: a busy machine does not fail them."""

from hypothesis import settings

settings.register_profile("hallpass", deadline=None)
settings.load_profile("hallpass")
