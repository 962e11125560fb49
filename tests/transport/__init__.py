# SPDX-License-Identifier: MIT
"""Tests of gamenet.transport: the shell, its limits and its models, without sockets."""
