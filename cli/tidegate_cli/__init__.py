"""The tidegate command, the local cloud and the console; never deployed."""
