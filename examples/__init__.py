# SPDX-License-Identifier: MIT
"""Small games and clients that show how gamenet is used."""
