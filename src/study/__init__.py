"""What ran and judged the experiments of the book: runs, records, rules, verdicts, and the ledger."""
