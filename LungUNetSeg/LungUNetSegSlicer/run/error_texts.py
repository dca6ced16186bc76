"""What the user is told of errors in Slicer's own process."""

from __future__ import annotations

from slicer.i18n import tr as _

from LungUNetSegLib.errors import LungUNetSegError, one_line


def error_text(error: Exception) -> str:
    """Return the message for an error; of memory that ran out and of a bug the error itself may say nothing."""
    return str(error) if isinstance(error, LungUNetSegError) else one_line(error, has_debug=False)


def folder_text(error: OSError) -> str:
    """Return the message for a run that cannot use Slicer's temporary folder."""
    return _(
        "Slicer's temporary folder cannot be used ({reason}). Free some disk space, or choose another folder in the "
        "application settings."
    ).format(reason=error)
