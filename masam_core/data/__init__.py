"""Cases with expert masks, and the layouts in which data sets lie on disk."""
