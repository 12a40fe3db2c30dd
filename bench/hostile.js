// `npm run bench:hostile`: what one tenant's attacks cost another tenant. A service with a heap of 1 GB is attacked while another
// tenant sends a steady load; its p99 is compared with its p99 without an attack, in the same run. Only the ratio counts. If the
// quiet stretches before and after an attack differ, the machine was too noisy for a result.
import { createServer } from "node:net";
import { rootCertificates } from "node:tls";
import { begin, createMembrane, createTenant, exportThrough, serve } from "./gateways/membrane.js";
import { endAll, endProgram, startProgram, startTarget } from "./gateways/start.js";
import { latency } from "./measure/latency.js";
import { anonymousBytes } from "./measure/process.js";
import { fileURLToPath } from "node:url";

const ATTACKER = fileURLToPath(new URL("load/attacker.js", import.meta.url));
const HEAP = "--max-old-space-size=1024";
const MIB = 1024 * 1024;

/** The load of the tenant that is not attacked. */
const steady = { rate: 50, seconds: Number(process.env["SECONDS"] ?? 10), connections: 16 };
/** How long an attack runs before its effect is measured. */
const SETTLE_MS = 10_000;
/** If the quiet stretches differ by more than this ratio, there is no result. */
const NOISE = 1.5;
/** During an attack the other tenant's p99 may be at most this many times as high. */
const GOAL = 3;
const [only] = process.argv.slice(2);

const AWS4 = { awsAccessKeyId: "AKIABENCH", region: "bench", service: "lambda", secretAccessKey: "secret" };
const hmac = { "aws4-hmac-sha256": AWS4 };

/** As many headers of a few characters as a request may carry. */
const HEADERS = Object.fromEntries(Array.from({ length: 900 }, (_, i) => [`x-${i.toString(36)}`, "a"]));

/** Certificates of public CAs, as many as a target may bring, in an order of their own.
 *
 * @param {number} i */
function materialOf(i) {
  const from = i % rootCertificates.length;
  const turned = [...rootCertificates.slice(from), ...rootCertificates.slice(0, from)];
  let text = "";
  for (const certificate of turned) {
    if (text.length + certificate.length + 1 > 60_000) break;
    text += `${certificate}\n`;
  }
  return text;
}

/** A target that takes a connection and says nothing. */
const mute = createServer((socket) => {
  socket.on("error", () => undefined);
  socket.pause();
});
/** One that answers in chunks of one byte, without end. */
const drip = createServer((socket) => {
  socket.on("error", () => undefined);
  socket.resume();
  socket.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
  const piece = "1\r\nx\r\n".repeat(10_000);
  const pour = () => {
    while (socket.writable && socket.write(piece));
    socket.once("drain", pour);
  };
  pour();
});

try {
  const port = await startTarget();
  const begun = await begin();
  const hostile = await createTenant(begun, "hostile");
  const service = await serve(begun, { node: [HEAP] });
  const url = `http://127.0.0.1:${port}/`;
  const victim = await exportThrough(
    service,
    (await createMembrane(service, begun.create, "steady")).export,
    { uri: url },
  );
  const own = await createMembrane(service, hostile.create, "hostile");
  const door = (/** @type {object} */ body) => exportThrough(service, own.export, body);
  const [muteUrl, dripUrl] = [await urlOf(mute), await urlOf(drip)];
  const slow = await door({ uri: muteUrl });

  /** @type {readonly (readonly [string, () => Promise<readonly string[]>])[]} */
  const attacks = [
    ["held bodies that never end", async () => [await door({ uri: url, hmac })]],
    ["held bodies in chunks of one byte", async () => [await door({ uri: url, hmac })]],
    ["management bodies in chunks of one byte", async () => [hostile.create]],
    ["streamed bodies in chunks of one byte", async () => [slow]],
    ["pipelining", async () => [slow]],
    ["readers that do not read", async () => [await door({ uri: dripUrl })]],
    [
      "pools with other TLS material",
      () => many(200, (i) => door({ uri: muteUrl.replace("http:", "https:"), tls: { ca: materialOf(i) } })),
    ],
    [
      "capabilities with costly configurations",
      () => many(400, (i) => door({ uri: `${url}?${i}`, headers: HEADERS, hmac })),
    ],
  ];
  const quiet = () => latency({ ...service, token: victim }, steady);
  await quiet();
  const report = [];
  for (const [attack, prepare] of attacks.filter(([name]) => only === undefined || name.includes(only))) {
    const tokens = await prepare();
    const before = await quiet();
    const attacker = await startProgram("attacker", [ATTACKER], {
      ATTACK: JSON.stringify({ attack, port: service.port, tokens }),
    });
    // What it holds, it holds by now.
    await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
    let most = 0;
    const look = setInterval(async () => {
      most = Math.max(most, await anonymousBytes(service.pid));
    }, 200);
    const during = await quiet().catch((/** @type {Error} */ error) => ({
      p50: Number.NaN,
      p99: Number.NaN,
      error,
    }));
    clearInterval(look);
    await endProgram(attacker);
    const after = await quiet();
    const [low, high] = [before.p99, after.p99].toSorted((a, b) => a - b);
    const ratio = during.p99 / Math.max(1, (before.p99 + after.p99) / 2);
    const isNoisy = Number(high) > NOISE * Math.max(1, Number(low));
    report.push({
      attack,
      "p99 quiet, ms": `${before.p99}, ${after.p99}`,
      "p99 attacked, ms": during.p99,
      ratio: ratio.toFixed(2),
      "memory, MB": Math.round(most / MIB),
      verdict: Number.isNaN(during.p99)
        ? "others failed"
        : ratio <= GOAL
          ? "held"
          : isNoisy
            ? "too noisy to say"
            : `over ${GOAL}`,
    });
    console.table(report.slice(-1));
  }
  console.table(report);
} finally {
  await endAll();
  for (const server of [mute, drip]) server.close();
  process.exit();
}

/** @param {import("node:net").Server} server */
async function urlOf(server) {
  await new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve(undefined)));
  const address = server.address();
  if (address === null || typeof address === "string") throw new TypeError("a server listens on an address");
  return `http://127.0.0.1:${address.port}/`;
}

/**
 * @param {number} count
 * @param {(i: number) => Promise<string>} make
 */
async function many(count, make) {
  const made = [];
  for (let i = 0; i < count; i += 1) made.push(await make(i));
  return made;
}
