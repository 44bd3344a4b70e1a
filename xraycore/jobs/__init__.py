"""Long work as processes of their own, and how they tell where they are."""
