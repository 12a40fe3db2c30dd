import { createInterface } from "node:readline";
import { expect } from "vitest";
import { initDataDirectory } from "../../../testkit/src/data-directory.ts";
import type { TestDataDirectory } from "../../../testkit/src/data-directory.ts";
import { exportTarget } from "../../../testkit/src/exported-capability.ts";
import type { ServiceProcess } from "../../../testkit/src/process.ts";
import { spawnService } from "../../../testkit/src/process.ts";
import { OK_RESPONSE, rawResponder } from "../../../testkit/src/raw-responder.ts";
import { startRawTarget, startTarget } from "../../../testkit/src/target.ts";
import { requestHead } from "../../../testkit/src/raw-connection.ts";
import { sendRequest, MAX_WAIT_MS, within } from "./fuzz-run.ts";

/** How many invocations may be in flight in total, more than one run has. */
const MAX_INVOCATIONS = 48;

const LIMITS = {
  "request-header-timeout-ms": 2_000,
  "request-rate-window-ms": 2_000,
  "upstream-response-timeout-ms": 2_000,
  "upstream-idle-timeout-ms": 2_000,
  "response-rate-window-ms": 2_000,
  "invocation-timeout-ms": 8_000,
  "upstream-connect-timeout-ms": 2_000,
  "keep-alive-timeout-ms": 2_000,
  "upstream-pool-idle-ms": 1_000,
  // Requests still in flight would delay the stop for longer than the test waits.
  "shutdown-timeout-ms": 10 * MAX_WAIT_MS,
  "max-concurrent-invocations": MAX_INVOCATIONS,
};

/** A service in a separate process with low limits, and a valid client and target. */
export interface FuzzEnv extends AsyncDisposable {
  readonly port: number;
  readonly tokens: TestDataDirectory["tokens"];
  /** Exports a target and returns the token. */
  open(target: object): Promise<string>;
  /** Expects that the process runs, logged no fault and is healthy, and that another client gets the exact response of its target. */
  expectUnharmed(): Promise<void>;
  /** Expects that no invocation is in flight, and that the process ends at SIGTERM at once. */
  expectNothingInFlight(): Promise<void>;
}

export async function startFuzzEnv(): Promise<FuzzEnv> {
  const data = await initDataDirectory();
  const other = await startTarget((request, response) => void response.end(`other ${request.url}`));
  const complaints: string[] = [];
  let service = await start(data, complaints);
  const open: FuzzEnv["open"] = async (target) =>
    (await exportTarget({ url: service.url, tokens: data.tokens }, target)).token;
  const otherToken = await open({ uri: other.url, allowQuery: true });
  let asked = 0;

  const expectHealthy = async (): Promise<void> => {
    asked += 1;
    const health = requestHead(undefined, { line: "GET /healthz HTTP/1.1" });
    expect((await sendRequest(service.port, health)).body).toBe('{"status":"ok"}');
    const response = await sendRequest(
      service.port,
      requestHead(otherToken, { line: `GET /?${asked} HTTP/1.1` }),
    );
    expect(response.body).toBe(`other /?${asked}`);
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
        // Another service is started, so that a smaller failing case can be found.
        const { code, signal } = await service.end("SIGKILL");
        const said = complaints.splice(0).join("\n");
        service = await start(data, complaints);
        throw new Error(`harmed, ended with ${code ?? signal}, having said: ${said}`, { cause: error });
      }
    },
    async expectNothingInFlight() {
      const waiting: (() => void)[] = [];
      await using target = await startRawTarget(
        rawResponder("", (socket) => {
          waiting.push(() => void socket.write(OK_RESPONSE));
          if (waiting.length === MAX_INVOCATIONS) for (const response of waiting) response();
        }),
      );
      const token = await open({ uri: target.url, timeoutMs: MAX_WAIT_MS });
      const asking = Array.from({ length: MAX_INVOCATIONS }, () =>
        sendRequest(service.port, requestHead(token)),
      );
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

/** @param complaints gets the lines that are not log events, and those that report a fault. */
async function start(data: TestDataDirectory, complaints: string[]): Promise<ServiceProcess> {
  const limits = Object.entries(LIMITS).flatMap(([name, value]) => [`--${name}`, String(value)]);
  const service = await spawnService(data.path, { flags: limits });
  createInterface({ input: service.stderr }).on("line", (line) => {
    if (!isOrdinary(line)) complaints.push(line);
  });
  return service;
}

/** Log levels below that of a fault, which is `error` or `fatal`. */
const ORDINARY_LEVELS: ReadonlySet<string> = new Set(["debug", "info", "warn"]);

function isOrdinary(line: string): boolean {
  if (!line.startsWith("{")) return false;
  const { level } = JSON.parse(line) as { readonly level: string };
  return ORDINARY_LEVELS.has(level);
}
