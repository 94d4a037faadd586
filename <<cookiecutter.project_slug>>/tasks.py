"""The commands of this service: `python3 tasks.py TASK`, or `invoke TASK` inside the virtual environment."""

from pathlib import Path

from toolkit.dev import bootstrap

HERE = Path(__file__).resolve().parent
bootstrap.enter(HERE)

import invoke

from toolkit import tasks

namespace = invoke.Collection.from_module(tasks, config={"project": str(HERE)})

# Tasks of your own: a function with @invoke.task, then namespace.add_task(FUNCTION).

# % if cookiecutter.auth == "jwt"
namespace.add_task(tasks.token)
# % endif

if __name__ == "__main__":
    invoke.Program(name="tasks", binary="python3 tasks.py", namespace=namespace).run()
