"""The lesions of a scene and the worker that segments them."""
