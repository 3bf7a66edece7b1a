"""Random tests draw the same examples in every run, so that a failure stands for a change and can be repeated.

`make bench` draws new ones: `--hypothesis-profile=random`.
"""

from hypothesis import settings

settings.register_profile("fixed", derandomize=True, deadline=None)
settings.register_profile("random", deadline=None)
settings.load_profile("fixed")
