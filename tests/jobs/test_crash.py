"""kill -9 in the middle of jobs: what was acknowledged goes on after the next start."""

from __future__ import annotations

import os
import subprocess
import sys
from functools import partial
from pathlib import Path

from tests.jobs.kinds import Counting

from hornburg.archive.job_store import IndexJobStore
from hornburg.index.names import Names
from hornburg.index.sqlite import SqliteIndex
from hornburg.jobs.engine import Jobs
from hornburg.jobs.states import State

_SERVER = """
import asyncio, pathlib, sys
from hornburg.archive.job_store import IndexJobStore
from hornburg.index.names import Names
from hornburg.index.sqlite import SqliteIndex
from hornburg.jobs.engine import Jobs
from tests.jobs.kinds import Counting

async def main():
    index = SqliteIndex(pathlib.Path(sys.argv[1]), Names({}, {}))
    await index.open()
    jobs = Jobs(store=IndexJobStore(index))
    await jobs.start()
    async def submit(number):
        print(await jobs.submit(Counting(1, name=str(number)), priority=number), flush=True)
    await asyncio.gather(*map(submit, range(20)))
    print("ready", flush=True)
    await asyncio.sleep(60)

asyncio.run(main())
"""


async def test_every_acknowledged_job_goes_on_after_a_crash(tmp_path: Path) -> None:
    root = Path(__file__).parents[2]
    path = os.pathsep.join((str(root), str(root / "src")))
    ids = []
    with subprocess.Popen(
        [sys.executable, "-c", _SERVER, str(tmp_path)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": path},
    ) as server:
        assert server.stdout is not None
        for line in server.stdout:
            if line.strip() == "ready":
                break
            ids.append(line.strip())
        server.kill()
    assert len(ids) == 20

    back: list[Counting] = []
    index = SqliteIndex(tmp_path, Names({}, {}))
    await index.open()
    jobs = Jobs(store=IndexJobStore(index))
    await jobs.start({"Counting": partial(Counting.load, tools=back)})
    assert jobs.ids() == sorted(ids)
    assert sorted(int(job.name) for job in back) == list(range(20))
    counts = jobs.counts()
    assert (counts[State.RUNNING], counts[State.PENDING]) == (2, 18)
    await jobs.close()
    await index.close()
