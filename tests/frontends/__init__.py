"""Every frontend, with the real tool, on a CPU machine and on an A100: the rows of docs/reference/frontends.md."""


def all_rows() -> None:
    """Fill ``rows.ROWS``: importing the modules does."""
    from frontends import checkout_rows, pip_rows, project_rows, uv_rows  # noqa: F401, PLC0415
