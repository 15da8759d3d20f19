"""A model that exists, fitted to a user's own cases in minutes, and old against new."""
