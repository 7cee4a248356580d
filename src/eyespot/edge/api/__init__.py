"""The process people meet: HTTP API, web app, accounts and sessions, live view, playback, export, thumbnails.

Owns who may see what. Does not own footage, events or config: it reads them through ``record``, ``edge.events`` and
``edge.config_file``, and takes live packets from the media process. Started by the supervisor as
``python -m eyespot.edge.api``.
"""
