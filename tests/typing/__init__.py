"""How the types look to a user: mypy checks these files, and nothing in them runs."""
