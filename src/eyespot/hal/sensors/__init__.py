"""Where packets enter: RTSP, files, V4L2 and a synthetic scene, behind one contract (``contract.Sensor``)."""
