"""Figures of the modcog paper."""
