"""Services: functions that are published to the camera. See docs/design/services.md."""
