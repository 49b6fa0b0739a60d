"""The exercises of each chapter: a solution, cases, and wrong answers with hints."""
