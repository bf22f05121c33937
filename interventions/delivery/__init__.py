"""Pilots who are not looking are reached: the log is read on, notices are written, and sent by each channel."""
