"""Every unit that crosses a room, process or machine boundary, as pure typed data: packets, detections, tracks, events,
status, and the wire form of packets.

Owns shapes and their encodings, no behaviour. Everyone may import it; it imports the kernel alone.
"""
