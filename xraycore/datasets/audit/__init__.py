"""What is wrong with a data set: copies, leaks, shortcuts, and an overview of its films."""
