"""What pages share; beside the pages the only place that imports streamlit."""
