import { randomUUID } from "node:crypto";
import { Validator } from "@seriousme/openapi-schema-validator";
import { FORWARDABLE_METHODS } from "capability-protocol";
import { afterAll, beforeAll, expect, test } from "vitest";
import { parse } from "yaml";
import type { Purpose } from "../../src/http/error-table.ts";
import { ERRORS } from "../../src/http/error-table.ts";
import type { ErrorCode } from "../../src/http/wire-error.ts";
import { OPERATIONS } from "../../src/management/operations.ts";
import { openLmdbEngine } from "../../src/store/lmdb/engine.ts";
import { StoreBusyError } from "../../src/store/store.ts";
import { createMembrane } from "../../../testkit/src/client.ts";
import { exportTarget } from "../../../testkit/src/exported-capability.ts";
import type { RawResponse } from "../../../testkit/src/raw-connection.ts";
import { nextResponse, openRawConnection, requestHead } from "../../../testkit/src/raw-connection.ts";
import type { TestService } from "../../../testkit/src/service.ts";
import { startTestService } from "../../../testkit/src/service.ts";
import type { TestTarget } from "../../../testkit/src/target.ts";
import { startTarget } from "../../../testkit/src/target.ts";
import { startWebSocketTarget } from "../../../testkit/src/websocket.ts";
import {
  capabilityOf,
  delegatedOf,
  MANAGEMENT_CASES,
  PROBES,
  provokeManagement,
  sendManagement,
} from "../support/management-refusals.ts";
import type { ManagementCase } from "../support/management-refusals.ts";
import type { Operation } from "../support/openapi.ts";
import {
  compileAllSchemas,
  describedErrors,
  findContradictions,
  OPENAPI_TEXT,
  operationOf,
  OPERATIONS_OF_DOCUMENT,
} from "../support/openapi.ts";
import { REFUSAL_LIMITS, REFUSALS, send, UNKNOWN_TOKEN } from "../support/refusals.ts";

/*
 * docs/openapi.yaml and a service say the same: what the document describes happens, and what happens is described. The last test
 * compares what the others have seen.
 */

/** What has happened, as `PURPOSE STATUS CODE`, and for other responses `PURPOSE METHOD STATUS`. */
const errorsSeen = new Set<string>();
const successesSeen = new Set<string>();

let service: TestService;
let target: TestTarget;
beforeAll(async () => {
  service = await startTestService({ limits: REFUSAL_LIMITS });
  target = await startTarget();
});
afterAll(async () => {
  await service.close();
  await target[Symbol.asyncDispose]();
});

/** Expects that the document describes a response, and remembers it. */
function expectDescribed(purpose: Purpose, method: string, response: RawResponse): string | undefined {
  const operation = operationOf(purpose, method)!;
  const about = `${method} ${purpose} ${response.status} ${response.body.slice(0, 300)}`;
  expect(findContradictions(operation, response), about).toEqual([]);
  const code = response.status < 400 || response.body === "" ? undefined : JSON.parse(response.body).code;
  if (code !== undefined) errorsSeen.add(`${purpose} ${response.status} ${code}`);
  else successesSeen.add(`${purpose} ${method} ${response.status}`);
  return code;
}

test("the document is one of OpenAPI 3.1, and all of its schemas are schemas", async () => {
  const validator = new Validator();
  expect(await validator.validate(parse(OPENAPI_TEXT))).toEqual({ valid: true });
  expect(validator.version).toBe("3.1");
  compileAllSchemas();
});

test.each(MANAGEMENT_CASES)("$kind responds to $method as it is described", async (of) => {
  const token = await capabilityOf(service, of.kind);
  const response = await sendManagement(service, of, token);
  expect(response.status).toBeLessThan(300);
  expectDescribed(of.kind, of.method, response);
});

test("what an operation returns besides is described: a page of membranes, an end, a repeated revoke", async () => {
  const membrane = await createMembrane(service, service.tokens.create, randomUUID());
  const query = { kind: "query", method: "GET" } as const;
  const page = await sendManagement(service, query, service.tokens.query, { path: "/?limit=1000" });
  expectDescribed("query", "GET", page);
  expect(JSON.parse(page.body).membranes.length).toBeGreaterThan(0);
  const body = JSON.stringify({ uri: target.url, limits: { ttlMs: 60_000 } });
  const ending = await sendManagement(service, { kind: "export", method: "POST" }, membrane.export, { body });
  expectDescribed("export", "POST", ending);
  expect(JSON.parse(ending.body)).toHaveProperty("expiresAt");
  for (let times = 0; times < 2; times += 1) {
    const revoked = await sendManagement(service, { kind: "revoke", method: "DELETE" }, membrane.revoke);
    expectDescribed("revoke", "DELETE", revoked);
  }
});

test("an operation refuses every method that the document does not have for it, and names those that it has", async () => {
  for (const kind of Object.keys(OPERATIONS) as ManagementCase["kind"][]) {
    const described = OPERATIONS_OF_DOCUMENT.filter(({ purpose }) => purpose === kind).map(
      ({ method }) => method,
    );
    const token = await capabilityOf(service, kind);
    for (const method of [...FORWARDABLE_METHODS, "TRACE"].filter((one) => !described.includes(one))) {
      const response = await sendManagement(service, { kind, method }, token, { body: "" });
      expect(response.status, `${kind} ${method}`).toBe(405);
      const allowed = response.headers.get("allow")?.[0]?.split(", ");
      expect(allowed?.toSorted()).toEqual(described.toSorted());
    }
  }
});

const OF_OPERATIONS = (Object.keys(ERRORS) as ErrorCode[]).filter((code) =>
  MANAGEMENT_CASES.some(({ kind }) => ERRORS[code].purposes.includes(kind)),
);

test.each(OF_OPERATIONS)(
  "%s happens in each operation of the service itself that the document has it for, as it is described",
  async (code) => {
    const seen = new Set<string>();
    for await (const { of, response } of provokeManagement(code) ?? []) {
      expect(expectDescribed(of.kind, of.method, response), `${of.method} ${of.kind}`).toBe(code);
      seen.add(`${of.kind} ${of.method}`);
    }
    const expected = MANAGEMENT_CASES.filter(({ kind }) => ERRORS[code].purposes.includes(kind));
    expect([...seen].toSorted()).toEqual(expected.map(({ kind, method }) => `${kind} ${method}`).toSorted());
  },
);

test.each(Object.entries(REFUSALS))("%s happens in invocations as it is described", async (code, ways) => {
  for (const provoke of ways)
    expect(expectDescribed("invoke", "GET", await provoke({ service, target }))).toBe(code);
});

test("a 401 of an invocation is as it is described, with and without a token", async () => {
  for (const token of [undefined, UNKNOWN_TOKEN])
    expect(expectDescribed("invoke", "GET", await send(service, token))).toBe("unauthorized");
});

const INVOCATIONS = OPERATIONS_OF_DOCUMENT.filter(({ purpose }) => purpose === "invoke");

async function invoke(token: string, method: string, path: string, headers: readonly string[] = []) {
  await using connection = await openRawConnection(service.port);
  connection.send(requestHead(token, { line: `${method} ${path} HTTP/1.1`, headers }));
  return await nextResponse(connection, { method });
}

test.each(INVOCATIONS)(
  "$method $path reaches the target, and is refused as it is described",
  async ({ method, path }) => {
    const { token } = await exportTarget(service, { uri: target.url, allowPath: true });
    const sent = path.replace("{path}", "a/b").replace(/#.*/, "");
    const passed = await invoke(token, method, sent);
    expect([passed.status, passed.headers.has("proxy-status")]).toEqual([200, false]);
    successesSeen.add(`invoke ${method} default`);
    expectDescribed("invoke", method, await invoke(token, method, sent, ["Membrane-Operation: revoke"]));
  },
);

test("methods that OpenAPI cannot name reach the target too, and TRACE does not, which the document leaves out", async () => {
  const { token } = await exportTarget(service, { uri: target.url });
  for (const method of FORWARDABLE_METHODS)
    expect((await invoke(token, method, "/")).status, method).toBe(200);
  expect((await invoke(token, "TRACE", "/")).status).toBe(405);
  expect(INVOCATIONS.map(({ method }) => method)).not.toContain("TRACE");
});

test("a WebSocket begins with a 101, as it is described", async () => {
  await using sockets = await startWebSocketTarget();
  const { token } = await exportTarget(service, { uri: sockets.url });
  const headers = ["Connection: Upgrade", "Upgrade: websocket", `Sec-WebSocket-Key: ${"A".repeat(22)}==`];
  const response = await send(service, token, undefined, [...headers, "Sec-WebSocket-Version: 13"]);
  expect(response.status).toBe(101);
  successesSeen.add("invoke GET 101");
  expect(operationOf("invoke", "GET")?.responses).toHaveProperty("101");
});

test("errors to clients of S3 are in the form that is described", async () => {
  const hmac = {
    "aws4-hmac-sha256": { awsAccessKeyId: "A", region: "r", service: "s3", secretAccessKey: "s" },
  };
  const { token } = await exportTarget(service, { uri: target.url, allowQuery: true, hmac });
  const response = await send(service, undefined, "GET /?acl HTTP/1.1", [`X-Amz-Security-Token: ${token}`]);
  expect(response.headers.get("content-type")).toEqual(["application/xml"]);
  expect(findContradictions(operationOf("invoke", "GET")!, response)).toEqual([]);
});

const PUBLIC = OPERATIONS_OF_DOCUMENT.filter(({ purpose }) =>
  ["preflight", "health", "readiness", "oauthMetadata"].includes(purpose),
);

const READINESS = PUBLIC.filter(({ purpose }) => purpose === "readiness");

/** The line of a request to a public operation. */
function lineOf({ path, method }: Operation): string {
  return `${method} ${path.replace("{path}", "a/b").replace(/#.*/, "")} HTTP/1.1`;
}

async function askPublic(operation: Operation, headers: readonly string[], port = service.port) {
  await using connection = await openRawConnection(port);
  connection.send(requestHead(undefined, { line: lineOf(operation), headers }));
  return await nextResponse(connection, { method: operation.method });
}

test.each(PUBLIC)("$method $path responds without a capability as it is described", async (operation) => {
  const { purpose, method } = operation;
  expectDescribed(purpose, method, await askPublic(operation, []));
  const malformed = await askPublic(operation, ["Host: two"]);
  const tooLarge = await askPublic(operation, [`X: ${"x".repeat(20_000)}`]);
  expect([malformed.status, tooLarge.status]).toEqual([400, 431]);
  for (const response of [malformed, tooLarge]) expectDescribed(purpose, method, response);
});

test("a public operation whose head does not come is a 408, and readiness without a known log a 503, as they are described", async () => {
  let isKnown = true;
  await using other = await startTestService({
    limits: { requestHeaderTimeoutMs: 500 },
    engine: async (options) => {
      const engine = await openLmdbEngine(options);
      const refresh = () => Promise.reject(new StoreBusyError("lost"));
      return { ...engine, refresh, position: () => (isKnown ? engine.position() : undefined) };
    },
  });
  const slow = PUBLIC.map(async (operation) => {
    await using connection = await openRawConnection(other.port);
    connection.send(`${lineOf(operation)}\r\nHost: membrane.test\r\n`);
    return [operation, await nextResponse(connection, operation)] as const;
  });
  for (const [{ purpose, method }, response] of await Promise.all(slow)) {
    expect(response.status).toBe(408);
    expectDescribed(purpose, method, response);
  }
  isKnown = false;
  for (const operation of READINESS) {
    const response = await askPublic(operation, [], other.port);
    expect(response.status).toBe(503);
    expectDescribed("readiness", operation.method, response);
  }
});

test.each(READINESS)(
  "$method $path of a service whose store has failed is a 503, as it is described",
  async (operation) => {
    let fail = (): void => undefined;
    await using other = await startTestService({
      engine: (options) => {
        fail = () => options.report?.({ state: "failed", cause: "EIO" });
        return openLmdbEngine(options);
      },
    });
    fail();
    const response = await askPublic(operation, [], other.port);
    expect(response.status).toBe(503);
    expectDescribed("readiness", operation.method, response);
  },
);

test.each(READINESS)(
  "$method $path of a service that stops is a 503, as it is described",
  async (operation) => {
    let finish = (): void => undefined;
    await using streaming = await startTarget((_request, response) => {
      response.write("begun");
      finish = () => void response.end();
    });
    const other = await startTestService();
    const { token } = await exportTarget(other, { uri: streaming.url });
    await using connection = await openRawConnection(other.port);
    connection.send(requestHead(token) + requestHead(undefined, { line: lineOf(operation) }));
    await connection.until((received) => received.includes("begun"));
    const closed = other.close();
    finish();
    const { rest } = await nextResponse(connection);
    const from = connection.received().length - rest.length;
    const response = await nextResponse(connection, { method: operation.method, from });
    await closed;
    expect(response.status).toBe(503);
    expectDescribed("readiness", operation.method, response);
  },
);

/** What a request is by the document: some paths decide before a capability does. */
function purposeOf({ kind, method }: ManagementCase, token: string | undefined, path = "/"): Purpose {
  if (method !== "GET") return kind;
  if (path.startsWith("/.well-known/")) return "oauthMetadata";
  return token === undefined && path === "/healthz" ? "health" : kind;
}

test.each(MANAGEMENT_CASES)(
  "whatever is unusual in a $method with $kind, the document has the response",
  async (of) => {
    const makers = [capabilityOf, delegatedOf, async () => undefined];
    // A capability that ends what it acts on works once.
    const isEnding = of.kind === "revoke" || of.kind === "deleteSelf";
    for (const make of makers) {
      const reused = isEnding ? undefined : await make(service, of.kind);
      for (const parts of PROBES) {
        const token = reused ?? (await make(service, of.kind));
        const response = await sendManagement(service, of, token, parts);
        expectDescribed(purposeOf(of, token, parts.path), of.method, response);
      }
    }
  },
);

test("all that the document describes has happened, and nothing else", () => {
  const errors = new Set(OPERATIONS_OF_DOCUMENT.flatMap(describedErrors));
  expect([...errorsSeen].toSorted()).toEqual([...errors].toSorted());
  const successes = OPERATIONS_OF_DOCUMENT.flatMap(({ purpose, method, responses }) =>
    Object.keys(responses)
      .filter((status) => status === "default" || Number(status) < 400)
      .map((status) => `${purpose} ${method} ${status}`),
  );
  const seen = [...successesSeen].filter((text) => !/ [45]\d\d$/.test(text));
  expect(seen.toSorted()).toEqual([...new Set(successes)].toSorted());
});
