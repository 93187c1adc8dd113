#!/usr/bin/env python3
"""Marks iterations and tags memory from Python, through ctypes. Runs unchanged without leakhunt.

    python3 iterations.py 60
    leakhunt run -- python3 iterations.py 60      the history grows, in tag "history"
"""
import ctypes
import sys
from contextlib import contextmanager

process = ctypes.CDLL(None)  # everything that is loaded: leakhunt too, if it is there


def function(name, result, *parameters):
    """The function of that name, or one that does nothing."""
    try:
        found = process[name]
    except AttributeError:
        return lambda *arguments: 0
    found.restype, found.argtypes = result, parameters
    return found


end_iteration = function("leakhunt_iteration", None, ctypes.c_uint64)
tag_id = function("leakhunt_tag", ctypes.c_uint32, ctypes.c_char_p)
switch_tag = function("leakhunt_tag_switch", ctypes.c_uint32, ctypes.c_uint32)


@contextmanager
def tag(name):
    """What is allocated inside is for `name`."""
    before = switch_tag(tag_id(name.encode()))
    try:
        yield
    finally:
        switch_tag(before)


def main():
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 60
    history = []
    for i in range(count):
        with tag("history"):
            history.append(bytearray(10_000))  # kept: this is what grows
        end_iteration(i)
    print(len(history), "entries")


main()
