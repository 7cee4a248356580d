"""Models for services: ``infer.sock`` of each, and where what it asks for runs.

Owns who may use which model how often and how much of the accelerator. Runs no model: the inference process does.
"""
