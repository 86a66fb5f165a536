"""Messages of other servers' protocols."""
