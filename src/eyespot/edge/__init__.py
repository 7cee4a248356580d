"""The camera as a device: composes the libraries into processes (supervisor, media, vision, api) and serves people.

Does not own algorithms. Called by ``cli`` alone.
"""
