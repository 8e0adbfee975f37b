"""Figures of the moduli paper."""
