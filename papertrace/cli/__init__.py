"""What ``pipeline.py`` is made of: options, plan, workers, report, manifest. One idea a file.

`pipeline.main` calls them from top to bottom; nothing here is imported by the other packages.
"""
