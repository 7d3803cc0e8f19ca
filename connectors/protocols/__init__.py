"""Readers of the wire forms that several sources share; none of them knows a source."""
