"""The report: self-contained pages made of saved results, verdicts first, and their summary."""
