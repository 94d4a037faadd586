"""The task `template.propose`: the template's changes as a pull request, opened by a scheduled job of the pipeline."""
