# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later


class ExperimentError(Exception):
    """The experiment could not be carried out; that says nothing about the director."""
