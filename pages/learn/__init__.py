"""The Learn page: guided lessons, and what a class made of them."""
