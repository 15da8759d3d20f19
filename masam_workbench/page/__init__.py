"""The page in the browser: static files, and nothing that runs on the server."""
