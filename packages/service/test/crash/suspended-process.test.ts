import { readFile } from "node:fs/promises";
import { connect } from "node:net";
import type { Socket } from "node:net";
import { afterEach, expect, test, vi } from "vitest";
import { call, createMembrane, exportThrough, expectStatus } from "../../../testkit/src/client.ts";
import { initDataDirectory } from "../../../testkit/src/data-directory.ts";
import { PATIENT_WRITES, spawnService } from "../../../testkit/src/process.ts";
import type { ServiceProcess } from "../../../testkit/src/process.ts";
import { PATIENT, startTestService } from "../../../testkit/src/service.ts";
import { startRawTarget } from "../../../testkit/src/target.ts";
import { openRawConnection, requestHead } from "../../../testkit/src/raw-connection.ts";

const ROUNDS = 4;

/** Longer than a running process may take to end a stream after a revoke. */
const PAUSE_MS = 1_200;

/** Stops a process (SIGSTOP) and waits until its state in /proc/PID/stat is T (proc(5)). */
async function pause({ pid }: ServiceProcess): Promise<void> {
  process.kill(pid, "SIGSTOP");
  await expect
    .poll(async () => / \(.*\) (\S)/.exec(await readFile(`/proc/${pid}/stat`, "utf8"))?.[1])
    .toBe("T");
}

test(`data that waits for a paused process passes in neither direction if it resumes after a revoke, ${ROUNDS} times`, async () => {
  await using data = await initDataDirectory();
  await using paused = await spawnService(data.path, { flags: PATIENT_WRITES });
  await using other = await spawnService(data.path, { flags: PATIENT_WRITES });
  let latest: Socket | undefined;
  await using target = await startRawTarget((socket) => {
    latest = socket;
    let head = "";
    socket.on("data", (chunk) => {
      head += chunk.toString("latin1");
      if (head.startsWith("GET") && head.endsWith("\r\n\r\n")) {
        head = "";
        socket.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n6\r\nbefore\r\n");
      }
    });
  });
  for (let round = 0; round < ROUNDS; round += 1) {
    const membrane = await createMembrane(other, data.tokens.create, `round ${round}`);
    const token = await exportThrough(other, membrane.export, { uri: target.url });

    await using reading = await openRawConnection(paused.port);
    reading.send(requestHead(token));
    await reading.until((text) => text.includes("before"));
    const stream = latest!;

    await using sending = await openRawConnection(paused.port);
    const headers = ["Content-Length: 1000000"];
    sending.send(`${requestHead(token, { line: "POST / HTTP/1.1", headers })}before-${round}`);
    await expect.poll(() => target.received()).toContain(`before-${round}`);

    await pause(paused);
    expectStatus(await call(other, membrane.revoke), 202);
    stream.write(`5\r\nafter\r\n`);
    sending.send(`after-${round}`);
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    process.kill(paused.pid, "SIGCONT");

    await reading.closed;
    await sending.until((text) => text.includes(" 401 "));
    expect(reading.received()).not.toContain("after");
    expect(target.received()).not.toContain(`after-${round}`);
  }
});

afterEach(() => void vi.useRealTimers());

/** The system decides whether a process that resumes handles timers or bytes first. Here it is always the bytes. */
test("no event before the timers of a resumed process passes: a piece, an end, a head, a piece of a body", async () => {
  vi.useFakeTimers({ toFake: ["setInterval", "Date"] });
  await using service = await startTestService({ limits: PATIENT });
  await using other = await spawnService(service.directory, { flags: PATIENT_WRITES });
  const wakes = ["5\r\nafter\r\n", "0\r\n\r\n", "HTTP/1.1 200 OK\r\nX-After: 1\r\n\r\n", "sent"];
  for (const [index, late] of wakes.entries()) {
    let latest: Socket | undefined;
    await using target = await startRawTarget((socket) => {
      latest = socket;
      if (index > 1) return;
      socket.once("data", () =>
        socket.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n6\r\nbefore\r\n"),
      );
    });
    const membrane = await createMembrane(service, service.tokens.create, `wake ${index}`);
    const token = await exportThrough(service, membrane.export, { uri: target.url });
    await using connection = await openRawConnection(service.port);
    const line = index === 3 ? "POST / HTTP/1.1" : "GET / HTTP/1.1";
    connection.send(requestHead(token, { line, headers: index === 3 ? ["Content-Length: 1000000"] : [] }));
    if (index === 3) connection.send("first");
    if (index < 2) await connection.until((text) => text.includes("before"));
    else await expect.poll(() => target.received()).toContain(index === 3 ? "first" : "\r\n\r\n");

    expectStatus(await call(other, membrane.revoke), 202);
    vi.setSystemTime(Date.now() + 60_000);
    if (late === "sent") connection.send("after");
    else latest!.write(late);
    if (index < 2) await connection.closed;
    else await connection.until((text) => text.includes(" 401 "));
    expect([late, connection.received().toLowerCase().includes("after:")]).toEqual([late, false]);
    expect(connection.received()).not.toMatch(/5\r\nafter|\r\n0\r\n\r\n$/);
    expect(target.received()).not.toContain("after");
  }
});

test("a request whose head waited for a paused process is refused if it resumes after a revoke", async () => {
  await using data = await initDataDirectory();
  await using paused = await spawnService(data.path, { flags: PATIENT_WRITES });
  await using other = await spawnService(data.path, { flags: PATIENT_WRITES });
  await using target = await startRawTarget((socket) => {
    socket.on("data", () => void socket.write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"));
  });
  const membrane = await createMembrane(other, data.tokens.create, "m");
  const token = await exportThrough(other, membrane.export, { uri: target.url });
  expectStatus(await call(paused, token), 200);
  const asked = target.received().length;
  await using connection = await openRawConnection(paused.port);
  await pause(paused);
  connection.send(requestHead(token));
  // The connection also waits until the process accepts it.
  const late = connect(paused.port, "127.0.0.1");
  late.write(requestHead(token));
  expectStatus(await call(other, membrane.revoke), 202);
  process.kill(paused.pid, "SIGCONT");
  await connection.until((text) => text.includes(" 401 "));
  late.destroy();
  expect(target.received().length).toBe(asked);
});
