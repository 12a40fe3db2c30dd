import { createInterface } from "node:readline";
import { expect } from "vitest";
import { initData } from "../src/testkit/data.ts";
import type { TestData } from "../src/testkit/data.ts";
import { openDoor } from "../src/testkit/door.ts";
import type { ServiceProcess } from "../src/testkit/process.ts";
import { spawnService } from "../src/testkit/process.ts";
import { OK_ANSWER, speaker } from "../src/testkit/speaker.ts";
import { startRawTarget, startTarget } from "../src/testkit/target.ts";
import { requestHead } from "../src/testkit/wire.ts";
import { ask, BOUND_MS, within } from "./fuzz-run.ts";

/** How many invocations may be under way in all: more than one run has. */
const PLACES = 48;

const LIMITS = {
  "head-timeout-ms": 2_000,
  "body-idle-ms": 2_000,
  "answer-timeout-ms": 2_000,
  "idle-timeout-ms": 2_000,
  "reader-idle-ms": 2_000,
  "total-timeout-ms": 8_000,
  "connect-timeout-ms": 2_000,
  "keep-alive-ms": 2_000,
  "idle-pool-ms": 1_000,
  // Whatever is still under way holds up the end for longer than anybody waits.
  "shutdown-ms": 10 * BOUND_MS,
  invocations: PLACES,
};

/** A service in a process of its own, with limits that are soon reached, and a requester and a target that are as they should be. */
export interface FuzzWorld extends AsyncDisposable {
  readonly port: number;
  readonly tokens: TestData["tokens"];
  /** Exports a target and gives its token. */
  open(target: object): Promise<string>;
  /** The process lives and complains of nothing; it is healthy, and somebody else gets the very answer of another target. */
  expectUnharmed(): Promise<void>;
  /** Every place for an invocation is free, and the process ends when it is told to, with nothing to wait for. */
  expectNothingUnderWay(): Promise<void>;
}

export async function startFuzzWorld(): Promise<FuzzWorld> {
  const data = await initData();
  const other = await startTarget((request, response) => void response.end(`other ${request.url}`));
  const complaints: string[] = [];
  let service = await start(data, complaints);
  const open: FuzzWorld["open"] = async (target) =>
    (await openDoor({ url: service.url, tokens: data.tokens }, target)).door;
  const otherDoor = await open({ uri: other.url, allowQuery: true });
  let asked = 0;

  const expectHealthy = async (): Promise<void> => {
    asked += 1;
    const health = requestHead(undefined, { line: "GET /healthz HTTP/1.1" });
    expect((await ask(service.port, health)).body).toBe('{"status":"ok"}');
    const answer = await ask(service.port, requestHead(otherDoor, { line: `GET /?${asked} HTTP/1.1` }));
    expect(answer.body).toBe(`other /?${asked}`);
    expect(complaints).toEqual([]);
  };
  return {
    get port() {
      return service.port;
    },
    tokens: data.tokens,
    open,
    async expectUnharmed() {
      try {
        await expectHealthy();
      } catch (error) {
        // Another one takes its place, so that a smaller case can be looked for.
        const { code, signal } = await service.end("SIGKILL");
        const said = complaints.splice(0).join("\n");
        service = await start(data, complaints);
        throw new Error(`harmed, ended with ${code ?? signal}, having said: ${said}`, { cause: error });
      }
    },
    async expectNothingUnderWay() {
      const waiting: (() => void)[] = [];
      await using target = await startRawTarget(
        speaker("", (socket) => {
          waiting.push(() => void socket.write(OK_ANSWER));
          if (waiting.length === PLACES) for (const answer of waiting) answer();
        }),
      );
      const door = await open({ uri: target.url, timeoutMs: BOUND_MS });
      const asking = Array.from({ length: PLACES }, () => ask(service.port, requestHead(door)));
      for (const { start: status } of await Promise.all(asking)) expect(status).toBe("HTTP/1.1 200 OK");
      const ended = await within(service.end("SIGTERM"), "the end of the process");
      expect(ended).toEqual({ code: 0, signal: null });
      expect(complaints).toEqual([]);
    },
    async [Symbol.asyncDispose]() {
      await service[Symbol.asyncDispose]();
      await other[Symbol.asyncDispose]();
      await data[Symbol.asyncDispose]();
    },
  };
}

/** `complaints`: where the lines go that are none of the log, or that say of a fault in it. */
async function start(data: TestData, complaints: string[]): Promise<ServiceProcess> {
  const limits = Object.entries(LIMITS).flatMap(([name, value]) => [`--${name}`, String(value)]);
  const service = await spawnService(data.path, { flags: limits });
  createInterface({ input: service.stderr }).on("line", (line) => {
    if (!isOrdinary(line)) complaints.push(line);
  });
  return service;
}

/** Pino's level of an error, which is what a fault is logged with. */
const ERROR_LEVEL = 50;

function isOrdinary(line: string): boolean {
  if (!line.startsWith("{")) return false;
  const { level } = JSON.parse(line) as { readonly level: number };
  return level < ERROR_LEVEL;
}
