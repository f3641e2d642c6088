"""What AWS does and the `ministack` emulator does not, added to it from inside its own process.

Runs under the emulator's interpreter with the standard library, ministack and botocore alone, and
imports nothing of the command line it is shipped in. Start it with `python -m extension`.
"""
