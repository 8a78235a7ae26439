"""The commands, one module a kind. They are thin: parse, call, print, return the exit code."""
