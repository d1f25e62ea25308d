"""The one exception for what a user can mend."""


class UserError(Exception):
    """A mistake or a circumstance that the user can mend.

    The message is one sentence that names the key or the file and says what to do. Scripts and
    command lines print it without a traceback and exit with status 1.
    """
