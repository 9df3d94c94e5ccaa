"""Network definitions; nothing here reads files or settings."""
