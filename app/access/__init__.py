"""Who may ask the server for what: users, logins, the guard around every request."""
