"""What a model's output tensors mean: one file a head, each turning arrays into detections. Pure numpy."""
