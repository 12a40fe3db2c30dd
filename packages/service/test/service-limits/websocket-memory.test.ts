import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { firstTokens } from "../../../testkit/src/data-directory.ts";
import { exportTarget } from "../../../testkit/src/exported-capability.ts";
import { spawnService } from "../../../testkit/src/process.ts";
import { temporaryDirectory } from "../../../testkit/src/temporary-directory.ts";
import { openWebSocket, startWebSocketTarget } from "../../../testkit/src/websocket.ts";

const MIB = 1024 * 1024;
const ECHOED = 100 * MIB;
const MESSAGE = Buffer.alloc(256 * 1024, "membrane");
const WARM_UP = 8 * MIB;

/** Reads the anonymous memory of a process in bytes, without mapped files (the store, its program). */
function anonymousMemory(pid: number): number {
  const line = /^RssAnon:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"));
  return Number(line?.[1]) * 1024;
}

test("an echo of 100 MB in each direction increases the service's memory by less than 32 MB", async () => {
  await using directory = await temporaryDirectory();
  await using service = await spawnService(directory.path);
  await using target = await startWebSocketTarget({ perMessageDeflate: false });
  const tokens = await firstTokens(directory.path);
  const { token } = await exportTarget({ url: service.url, tokens }, { uri: target.url });
  const socket = await openWebSocket(service, token, { perMessageDeflate: false });
  let peak = 0;
  const echo = async (total: number): Promise<number> => {
    let received = 0;
    const done = new Promise<void>((resolve) => {
      socket.on("message", (data: Buffer) => {
        received += data.length;
        if (received % (8 * MIB) === 0) peak = Math.max(peak, anonymousMemory(service.pid));
        if (received === total) resolve();
      });
    });
    for (let sent = 0; sent < total; sent += MESSAGE.length)
      await new Promise((resolve) => {
        socket.send(MESSAGE, resolve);
      });
    await done;
    socket.removeAllListeners("message");
    return received;
  };
  await echo(WARM_UP);
  peak = 0;
  const before = anonymousMemory(service.pid);
  expect(await echo(ECHOED)).toBe(ECHOED);
  expect(peak).toBeGreaterThan(0);
  expect(peak - before).toBeLessThan(32 * MIB);
  socket.terminate();
});
