# SPDX-License-Identifier: BSD-3-Clause
"""The parts of the tool zstack: how it speaks with a program (client), and one module per subcommand."""
