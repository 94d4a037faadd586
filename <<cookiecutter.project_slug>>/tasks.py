"""The commands of this service: `python3 tasks.py TASK`, or `invoke TASK` inside the virtual environment."""

import os
import shutil
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
try:
    from toolkit.dev import bootstrap
except ModuleNotFoundError:
    # A wheel is to be in the folder's place: uv makes the environment that has it, and starts this file in there.
    places = (str(HERE / ".venv" / "bin"), str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath))
    uv = shutil.which("uv", path=os.pathsep.join(places))
    if uv is None or "TOOLKIT_ENTERED" in os.environ:
        sys.exit("The toolkit is missing: name its wheel in pyproject.toml, install uv, then run this again.")
    os.environ["TOOLKIT_ENTERED"] = "1"
    os.execv(uv, [uv, "run", "--project", str(HERE), "python", str(HERE / "tasks.py"), *sys.argv[1:]])  # noqa: S606

bootstrap.enter(HERE)

import invoke

from toolkit import arguments, tasks

namespace = invoke.Collection.from_module(tasks, config={"project": str(HERE)})

# Tasks of your own: a function with @invoke.task, then namespace.add_task(FUNCTION).

# % if cookiecutter.auth != "none"
namespace.add_task(tasks.token)
# % endif
# % if cookiecutter.auth == "accounts"
namespace.add_collection(tasks.keys)
namespace.add_collection(tasks.user)
# % endif

if __name__ == "__main__":
    invoke.Program(name="tasks", binary="python3 tasks.py", namespace=namespace).run(arguments.read(sys.argv))
