"""The Lambda layers: what the functions import that is not ours, one folder for each purpose."""
