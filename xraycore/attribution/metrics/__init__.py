"""Is a heatmap any good? Faithfulness, robustness, randomisation, localisation, lesions put in and taken out."""
