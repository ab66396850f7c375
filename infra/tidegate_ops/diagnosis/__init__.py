"""`tidegate doctor`: whether a machine, a project and what is deployed to it are as they should be."""
