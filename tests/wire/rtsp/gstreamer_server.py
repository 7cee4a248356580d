"""Serves a file with GStreamer's RTSP server. Runs under the system's Python, which has its bindings.

Usage: gstreamer_server.py PORT FILE h264|h265 [USER PASSWORD]. Prints the port (0 takes a free one).
"""

import sys

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtspServer  # noqa: E402

Gst.init(None)
port, path, codec = sys.argv[1:4]
server = GstRtspServer.RTSPServer()
server.set_address("127.0.0.1")
server.set_service(port)
factory = GstRtspServer.RTSPMediaFactory()
pay = "h264parse ! rtph264pay" if codec == "h264" else "h265parse ! rtph265pay"
factory.set_launch(f'( filesrc location="{path}" ! qtdemux ! {pay} name=pay0 pt=96 config-interval=-1 )')
if len(sys.argv) > 5:
    auth = GstRtspServer.RTSPAuth()
    auth.set_supported_methods(GstRtspServer.RTSPAuth.get_supported_methods(auth))
    token = GstRtspServer.RTSPToken()
    token.set_string("media.factory.role", "user")
    auth.add_digest(sys.argv[4], sys.argv[5], token) if hasattr(auth, "add_digest") else None
    auth.add_basic(GstRtspServer.RTSPAuth.make_basic(sys.argv[4], sys.argv[5]), token)
    permissions = GstRtspServer.RTSPPermissions()
    permissions.add_permission_for_role("user", "media.factory.access", True)
    permissions.add_permission_for_role("user", "media.factory.construct", True)
    factory.set_permissions(permissions)
    server.set_auth(auth)
server.get_mount_points().add_factory("/live", factory)
server.attach(None)
print(server.get_bound_port(), flush=True)
GLib.MainLoop().run()
