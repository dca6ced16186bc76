"""The panel: its sections, choices, texts and what it may install."""
