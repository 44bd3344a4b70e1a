"""What a heatmap is worth: faithfulness, robustness, randomisation, localisation, lesions."""
