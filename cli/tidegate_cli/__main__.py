"""`python -m tidegate_cli`: the same as the `tidegate` command."""

from tidegate_cli.main import app

if __name__ == "__main__":
    app()
