import { once } from "node:events";
import { readFileSync } from "node:fs";
import type { IncomingMessage } from "node:http";
import { request as httpRequest } from "node:http";
import { Readable } from "node:stream";
import { expect, test } from "vitest";
import { firstTokens } from "../../../testkit/src/data-directory.ts";
import { temporaryDirectory } from "../../../testkit/src/temporary-directory.ts";
import { exportTarget } from "../../../testkit/src/exported-capability.ts";
import type { ServiceProcess } from "../../../testkit/src/process.ts";
import { spawnService } from "../../../testkit/src/process.ts";
import { startStreamingTarget } from "../../../testkit/src/target.ts";

const MIB = 1024 * 1024;
const GIB = 1024 * MIB;
const CHUNK = Buffer.alloc(64 * 1024, "membrane");
const SAMPLE_EVERY = 8 * MIB;

/** Bytes of a first body, after which connections are open and code is compiled. */
const WARM_UP = 16 * MIB;

/** Reads the anonymous memory of a process in bytes, without mapped files (the store, its program). */
function anonymousMemory(pid: number): number {
  const line = /^RssAnon:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"));
  return Number(line?.[1]) * 1024;
}

function* chunks(total: number): Generator<Buffer> {
  for (let sent = 0; sent < total; sent += CHUNK.length) yield CHUNK;
}

/** Reads a body to its end, and calls `sample` every few megabytes. */
async function count(body: AsyncIterable<Buffer>, sample: () => void): Promise<number> {
  let bytes = 0;
  let next = 0;
  for await (const chunk of body) {
    bytes += chunk.length;
    if (bytes < next) continue;
    next = bytes + SAMPLE_EVERY;
    sample();
  }
  return bytes;
}

async function start(
  data: string,
  service: ServiceProcess,
  target: { readonly url: string },
): Promise<string> {
  const { create } = await firstTokens(data);
  return (await exportTarget({ url: service.url, tokens: { create } }, { uri: target.url })).token;
}

async function send(service: ServiceProcess, token: string, body?: Readable): Promise<IncomingMessage> {
  const request = httpRequest(service.url, {
    method: body === undefined ? "GET" : "POST",
    headers: {
      authorization: `Bearer ${token}`,
      ...(body === undefined ? {} : { "transfer-encoding": "chunked" }),
    },
  });
  if (body === undefined) request.end();
  else body.pipe(request);
  const [response] = (await once(request, "response")) as [IncomingMessage];
  return response;
}

test("a gibibyte up and another down increase the service's memory by less than 32 MB", async () => {
  await using directory = await temporaryDirectory();
  await using service = await spawnService(directory.path);
  let peak = 0;
  const sample = (): void => void (peak = Math.max(peak, anonymousMemory(service.pid)));
  let size = WARM_UP;
  await using target = await startStreamingTarget((request, response) => {
    if (request.method === "GET") return void Readable.from(chunks(size)).pipe(response);
    void count(request, sample).then((bytes) => response.end(String(bytes)));
  });
  const token = await start(directory.path, service, target);
  const upload = async (): Promise<unknown> =>
    (await send(service, token, Readable.from(chunks(size)))).setEncoding("latin1").toArray();
  const download = async (): Promise<number> => count(await send(service, token), sample);
  await upload();
  await download();

  size = GIB;
  peak = 0;
  const before = anonymousMemory(service.pid);
  expect(await upload()).toEqual([String(GIB)]);
  expect(peak - before).toBeLessThan(32 * MIB);
  expect(await download()).toBe(GIB);
  expect(peak - before).toBeLessThan(32 * MIB);
  expect(peak).toBeGreaterThan(0);
});
