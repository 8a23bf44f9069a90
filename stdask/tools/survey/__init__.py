"""Survey definitions: propose one, check one, show one."""
