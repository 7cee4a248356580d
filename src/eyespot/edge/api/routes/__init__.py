"""The routes by subject, each a small router; thin: they read the request, ask a part, and shape the answer."""
