"""What every package needs and none owns: text, paths, files, progress, checkpoints."""
