"""Requests that this server makes: to peers, to providers of identities, for scripts."""
