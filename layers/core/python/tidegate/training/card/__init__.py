"""The model card: facts -> Markdown, in which the text of users is inert."""
