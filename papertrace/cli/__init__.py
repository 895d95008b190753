"""The command: options, plan, workers, report, manifest. One idea a file.

`papertrace.cli.app.main` calls them from top to bottom; nothing here is imported by the other packages.
"""
