// `node bench/websockets.js [COUNT] [tls]`: what idle WebSockets cost the service: memory, open files, and processor time while
// nothing happens. With `tls`, clients and target use TLS.
import { readdir } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { makeTarget, openWebSocket } from "./load/websockets.js";
import { createMembrane, exportThrough, initStore, serve } from "./gateways/membrane.js";
import { endAll, endProgram } from "./gateways/start.js";
import { anonymousBytes, cpuSeconds } from "./measure/process.js";

const count = Number(process.argv[2] ?? 1_000);
const secure = process.argv[3] === "tls";

/** How long nothing happens, in seconds. */
const IDLE_SECONDS = 10;

const KIB = 1024;

try {
  const target = await makeTarget(secure);
  const store = await initStore();
  const plain = await serve(store);
  const membrane = await createMembrane(plain, store.create, "websockets");
  const tls = secure ? { tls: { rejectUnauthorized: false } } : {};
  const token = await exportThrough(plain, membrane.export, { uri: target.url, ...tls });
  await endProgram(plain);
  const flags = ["--max-concurrent-invocations-per-capability", String(count * 2)];
  const service = await serve(store, { secure, flags });
  const warm = await openAll(service.url, token, 100);
  for (const socket of warm) socket.destroy();
  // Those whose target has not ended its side are given up after ten seconds.
  await sleep(12_000);

  const before = await measure(service.pid);
  await openAll(service.url, token, count);
  await sleep(2_000);
  const opened = await measure(service.pid);
  await sleep(IDLE_SECONDS * 1_000);
  const idle = await measure(service.pid);
  console.table([
    {
      "idle WebSockets": count,
      "KiB each": Math.round((opened.bytes - before.bytes) / count / KIB),
      "open files each": (opened.files - before.files) / count,
      "processor ms a second": Math.round(((idle.cpu - opened.cpu) / IDLE_SECONDS) * 10_000) / 10,
    },
  ]);
} catch (error) {
  console.error(error);
} finally {
  await endAll();
  // The target and its connections would keep this process running.
  process.exit();
}

/** @param {string} url @param {string} token @param {number} wanted */
async function openAll(url, token, wanted) {
  /** @type {import("node:net").Socket[]} */
  const sockets = [];
  // A few at a time: a thousand TLS handshakes at once would wait for each other.
  while (sockets.length < wanted) {
    const batch = Array.from({ length: Math.min(20, wanted - sockets.length) }, () =>
      openWebSocket(url, token),
    );
    sockets.push(...(await Promise.all(batch)));
  }
  return sockets;
}

/** @param {number} pid */
async function measure(pid) {
  const { length: files } = await readdir(`/proc/${pid}/fd`);
  return { bytes: anonymousBytes(pid), cpu: cpuSeconds(pid), files };
}
