"""Tools that keep the project in order. They are not part of the package."""
