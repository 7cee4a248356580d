"""What leaves the camera for a service: a filtering proxy on a socket of its own, and the journal of every connection.

Owns the decision which address may be reached, and nothing of who was granted what: it is told. Called by ``kept`` for
each start of a service. The proxy sees bytes, never what is in them: TLS is between the service and the other end.
"""
