"""Mutation: every small fault in a row of a shipped chart, and who sees it.

mutants     the faults: a chart with one of them in one row
decisions   what the tests' runs decided, with the answers of all facts
judging     each mutant compared with its chart, checked, diffed and tested
claims      why no run shows the faults that neither the check nor a test sees
page        docs/reference/mutation.md

python -m tools.mutation               write the page; it takes three minutes
python -m tools.mutation --check       compare it; exit 1 when it is stale
python -m tools.mutation NAME...       only these charts, printed
"""
