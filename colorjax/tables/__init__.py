"""How measured numbers are shown: tables, charts, a report. The numbers come from `colorjax/evaluation/`."""
