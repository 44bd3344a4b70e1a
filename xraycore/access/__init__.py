"""Who is asking, what he may do, and which paths he may name; Streamlit is not known here.

Example::

    from xraycore.access import Action, decide_access, may

    access = decide_access("127.0.0.1", settings=None, open_to_everybody=False)
    may(access.user(), Action.TRAIN)
"""

from xraycore.access.modes import Access, Mode, decide_access
from xraycore.access.roles import Action, Role, User, may, roles_that_may

__all__ = ["Access", "Action", "Mode", "Role", "User", "decide_access", "may", "roles_that_may"]
