"""The command line: arguments become the same requests that the page and Python build."""
