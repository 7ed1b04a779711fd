"""The pages of Airflow's web UI: what ran, how it went over time, which models are published.

`data` finds what to show, `trends` draws it over time, `pages` renders. Plain HTML without a
script, each text escaped. Nothing here knows who asks: `plugins/identity_web.py` serves the pages
behind Airflow's own permission checks.
"""
