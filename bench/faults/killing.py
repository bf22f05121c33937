"""Processes of ours that die: servers mid-decision, a server between commit and answer, the worker."""

import asyncio
import time

import httpx
import orjson

from bench.faults.stage import Finding, Stage, timed
from bench.load import Load

KILLS = 60


async def a_server_a_second(at: Stage, working: Load, found: Finding) -> None:
    """kill -9 of a server in turn, once a second for a minute; each is started again at once."""
    interrupted = 0
    began = time.monotonic()
    for number in range(KILLS):
        server = at.cluster.servers[number % len(at.cluster.servers)]
        interrupted += sum(each.outcome == "unknown" and not each.status for each in working.journal.operations[-40:])
        server.kill()
        server.start()
        await asyncio.sleep(max(0.0, began + number + 1 - time.monotonic()))
    for server in at.cluster.servers:
        await asyncio.to_thread(server.wait_until_ready)
    found.figures.append(f"{KILLS} kills of {len(at.cluster.servers)} servers in {time.monotonic() - began:.0f} s")


async def before_the_answer(at: Stage, working: Load, found: Finding) -> None:
    """Killed when the answer to a decision is on its way, after its commit: the same again gets the stored one."""
    name, token = next(iter(at.pilots.items()))
    headers = {"Authorization": f"Bearer {token}"}
    agent = {"Authorization": f"Bearer {at.key}"}
    lost = stored = 0
    for number in range(20):
        server, other = at.cluster.servers[number % 2], at.cluster.servers[1 - number % 2]
        request_id = f"cut-{number}"
        async with httpx.AsyncClient(timeout=20) as client:
            draft = {
                "request_id": request_id,
                "uow_id": "cut",
                "title": f"Cut {number}",
                "intervention_type": "clarification",
            }
            (await client.post(f"{other.address}/api/interventions", json=draft, headers=agent)).raise_for_status()
        operation = working.journal.begin("approve", request_id, {"action_reason": f"cut off {number}"}, name)
        if await _decide_and_kill(server, request_id, operation.asked, token):
            lost += 1
        async with httpx.AsyncClient(timeout=20) as client:
            path = f"/api/interventions/{request_id}/approve"
            again = await client.post(f"{other.address}{path}", json=operation.asked, headers=headers)
        told = orjson.loads(again.content)
        operation.end("ok" if again.is_success else "refused", again.status_code, told)
        stored += again.status_code == 200 and told["action_reason"] == operation.asked["action_reason"]
        server.start()
        await asyncio.to_thread(server.wait_until_ready)
    found.figures.append(f"{lost} of 20 answers never arrived; asked again, {stored} got the decision that was stored")
    if stored != 20:
        found.broken.append(f"I2 {20 - stored} retries did not get the stored decision")


async def _decide_and_kill(server: object, request_id: str, body: dict[str, str], token: str) -> bool:
    """Sends the decision and kills the server at the first byte of its answer; True where the answer was not read."""
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port, limit=1)  # type: ignore[attr-defined]
    content = orjson.dumps(body)
    head = (
        f"POST /api/interventions/{request_id}/approve HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {token}\r\n"
    )
    writer.write(f"{head}Content-Type: application/json\r\nContent-Length: {len(content)}\r\n\r\n".encode() + content)
    await writer.drain()
    await reader.read(1)
    server.kill()  # type: ignore[attr-defined]
    writer.transport.abort()
    return True


async def the_worker(at: Stage, working: Load, found: Finding) -> None:
    """No worker for a minute: what is due stays undecidable, and is marked as soon as there is one again."""
    async with httpx.AsyncClient(timeout=20, headers={"Authorization": f"Bearer {at.key}"}) as client:
        at.cluster.worker.kill()
        due = [
            {
                "request_id": f"due-{n}",
                "uow_id": "due",
                "title": "Due",
                "intervention_type": "resume",
                "expires_in_seconds": 2,
            }
            for n in range(200)
        ]
        (
            await client.post(f"{at.cluster.addresses[0]}/api/interventions/batch", json={"interventions": due})
        ).raise_for_status()
        await asyncio.sleep(5)
        token = next(iter(at.pilots.values()))
        late = await client.post(
            f"{at.cluster.addresses[0]}/api/interventions/due-0/approve",
            json={},
            headers={"Authorization": f"Bearer {token}"},
        )
        said = f"{late.status_code} {orjson.loads(late.content).get('code')}"
        found.figures.append(f"a decision after the deadline, nobody to mark it: {said}")
        if said != "409 expired":
            found.broken.append("I4 a decision after the deadline was not refused as expired")
        await asyncio.sleep(55)
        at.cluster.worker.start()
        with timed(found, "200 marked, from the start of the worker on, after"):
            while (await _status(client, at, "due-199")) != "EXPIRED":
                await asyncio.sleep(0.05)


async def _status(client: httpx.AsyncClient, at: Stage, request_id: str) -> str:
    answer = await client.get(f"{at.cluster.addresses[0]}/api/interventions/{request_id}")
    status: str = orjson.loads(answer.content)["status"]
    return status
