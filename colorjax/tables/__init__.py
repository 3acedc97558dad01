"""Present measured numbers: tables, charts, a report. The numbers come from `colorjax.evaluation`."""
