"""Events on the camera host: the store they are kept in, and the writer that stores and then publishes them.

Who finds events: vision (scene and picture health), media (signal, storage), the supervisor (processes, clock).
"""
