"""The commands of this service: `python3 tasks.py TASK`, or `invoke TASK` inside the virtual environment."""

from pathlib import Path

from toolkit.dev import bootstrap

HERE = Path(__file__).resolve().parent
bootstrap.enter(HERE)

from invoke import Collection, Context, Program, task

from toolkit import tasks

namespace = Collection.from_module(tasks, config={"project": str(HERE)})

# Tasks of your own: a function with @task, then namespace.add_task(FUNCTION).


# % if cookiecutter.auth == "jwt"
@task(iterable=["scope"])
def token(_: Context, scope: list[str], all: bool = False) -> None:
    """Print a token for development, with the scopes named or with --all."""
    from toolkit.dev import tokens

    tokens.show(scope, everything=all)


namespace.add_task(token)

# % endif
if __name__ == "__main__":
    Program(name="tasks", binary="python3 tasks.py", namespace=namespace).run()
