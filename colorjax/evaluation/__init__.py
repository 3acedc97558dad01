"""Evaluation: from methods and photographs to a table, its CSV files and its report, under one protocol."""
