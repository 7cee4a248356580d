"""The archive: segments of fragmented MP4 on disk, their index, retention, recovery, playback and export.

Does not own AI or the network. Called by the media process (writing) and the api process (reading).
"""
