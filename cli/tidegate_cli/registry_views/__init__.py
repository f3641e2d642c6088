"""What the registry's commands show to people; every text of users is inert."""
