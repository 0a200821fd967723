"""What each command does, one workflow a file; a workflow uses several rooms at once."""
