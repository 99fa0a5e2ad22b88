"""HighLevel's triggers, one file a category."""
