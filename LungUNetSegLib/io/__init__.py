"""Scans and label maps from and to files."""

from LungUNetSegLib.io.images import read_image
from LungUNetSegLib.io.labels import check_writable, read_labels, write_labels
from LungUNetSegLib.io.scan import Scan

__all__ = ["Scan", "check_writable", "read_image", "read_labels", "write_labels"]
