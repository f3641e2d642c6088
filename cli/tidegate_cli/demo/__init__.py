"""`tidegate demo`: the whole loop on real flights, told line by line while it happens."""
