"""Mutation: makes every small mistake in the rows of the shipped charts, and records what notices it.

mutants     makes the mutants: a chart with one mistake in one row
decisions   the decisions of the tests' runs, with the answers of all facts
judging     compares, checks, diffs and tests each mutant
claims      why no run can show the mistakes that neither the check nor a test notices
page        writes docs/reference/mutation.md

python -m tools.mutation               write the page; it takes three minutes
python -m tools.mutation --check       compare it; exit 1 when it is stale
python -m tools.mutation NAME...       only these charts, printed
"""
