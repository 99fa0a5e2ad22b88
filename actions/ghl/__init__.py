"""HighLevel's actions, one file a category."""
