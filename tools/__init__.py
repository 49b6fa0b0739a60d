"""What keeps the project in order. Nothing here is part of the package."""
