"""Everything behind the tasks: development, resources and deployment. See README.md."""
