"""A server for one model or two: a web page, and an OpenAI-compatible API.

lane.py      the answers that one model is writing, all of them stepped together
engine.py    the thread that steps the lanes
schema.py    requests and responses as the OpenAI API words them
guard.py     who may ask: hosts, origins, headers, sizes
app.py       the routes
page.py      the web page, one HTML file from page.html, page.css and *.js
__main__.py  python -m training.serve --model DIR
"""
