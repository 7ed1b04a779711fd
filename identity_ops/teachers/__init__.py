"""Teachers write the conversations: one small interface, a module for each provider."""
