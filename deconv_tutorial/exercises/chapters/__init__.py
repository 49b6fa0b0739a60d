"""The exercises of each chapter: solutions, cases, and wrong answers with hints."""
