"""Runs killed at every moment, and resumed until they are done.

python -m tests.crash [KILLS]
"""
