import type { ServerResponse } from "node:http";
import { parseToken } from "capability-protocol";
import { expect } from "vitest";
import type { ErrorCode } from "../../src/http/wire-error.ts";
import { openLmdbEngine } from "../../src/store/lmdb/engine.ts";
import { StoreBusyError, StoreFailedError, StoreFullError } from "../../src/store/store.ts";
import { rewriteRecord, storeTargetOfVersion1 } from "../../../testkit/src/changed-records.ts";
import { exportTarget } from "../../../testkit/src/exported-capability.ts";
import { createFailingEngine } from "../../../testkit/src/failing-engine.ts";
import { freePort } from "../../../testkit/src/free-port.ts";
import { nextResponse, openRawConnection, requestHead } from "../../../testkit/src/raw-connection.ts";
import type { RawResponse } from "../../../testkit/src/raw-connection.ts";
import { rawResponder } from "../../../testkit/src/raw-responder.ts";
import type { TestService, TestServiceOptions } from "../../../testkit/src/service.ts";
import { startTestService } from "../../../testkit/src/service.ts";
import type { TestTarget } from "../../../testkit/src/target.ts";
import { startRawTarget, startStreamingTarget } from "../../../testkit/src/target.ts";
import { holdWriteLock } from "../../../testkit/src/store-access.ts";
import { temporaryDirectory } from "../../../testkit/src/temporary-directory.ts";

/** A service with {@link REFUSAL_LIMITS}, and a target that responds. */
export interface Given {
  readonly service: TestService;
  readonly target: TestTarget;
}

export const REFUSAL_LIMITS = { bufferedBodyBytes: 10, requestRateWindowMs: 300, minRequestRate: 1_000 };

export const UNKNOWN_TOKEN = `CPBLTY1-${"A".repeat(86)}`;

const HMAC = { awsAccessKeyId: "A", region: "r", service: "s3", secretAccessKey: "s" };
const SIGNED = { allowQuery: true, hmac: { "aws4-hmac-sha256": HMAC } };
const GET = "GET / HTTP/1.1";
const UPGRADE = ["Connection: Upgrade", "Upgrade: websocket"];

/** Refusals of the operations of the service itself, and of requests without a token. */
export const OWN_REFUSALS = [
  "unauthorized",
  "invalid_capability",
  "not_delegable",
  "no_oauth",
  "membrane_exists",
  "tenant_exists",
  "lineage_too_large",
  "membrane_quota_exceeded",
  "tenant_quota_exceeded",
  "service_quota_exceeded",
  "membrane_storage_exceeded",
  "tenant_storage_exceeded",
] as const satisfies readonly ErrorCode[];

/** Sends an invocation that is refused. */
export type Provocation = (given: Given) => Promise<RawResponse>;

/** Every other code: the refusals that an invocation can get in place of its target's response. */
export const REFUSALS: Readonly<
  Record<Exclude<ErrorCode, (typeof OWN_REFUSALS)[number]>, readonly Provocation[]>
> = {
  malformed_request: [invoking({}, GET, ["Host: two"])],
  invalid_field: [invoking(SIGNED, "PUT / HTTP/1.1", ["X-Payload-Sha256: no", "Content-Length: 1"])],
  wrong_capability: [invoking({}, "POST / HTTP/1.1", ["Membrane-Operation: revoke"])],
  path_not_found: [invoking({}, "GET /other HTTP/1.1")],
  invalid_path: [invoking({ allowPath: true }, "GET /a%2fb HTTP/1.1")],
  method_not_allowed: [
    invoking({}, "TRACE / HTTP/1.1"),
    invoking({}, "CONNECT membrane.test:80 HTTP/1.1"),
    invoking({ limits: { methods: ["PUT"] } }, GET),
    invoking({ limits: { requests: [{ methods: ["PUT"] }] } }, GET),
  ],
  path_not_allowed: [invoking({ allowPath: true, limits: { paths: ["/a"] } }, "GET /b HTTP/1.1")],
  query_not_allowed: [
    invoking(SIGNED, "GET /?acl HTTP/1.1"),
    invoking({ allowPath: true }, "GET /?a HTTP/1.1"),
    invoking({ allowQuery: true, limits: { query: {} } }, "GET /?a HTTP/1.1"),
  ],
  header_not_allowed: [
    invoking(SIGNED, GET, ["X-Amz-Copy-Source: a"]),
    invoking({ limits: { headers: { "x-a": ["b"] } } }, GET),
  ],
  body_too_large: [invoking({ limits: { maxBodyBytes: 1 } }, "POST / HTTP/1.1", ["Content-Length: 2"])],
  signed_body_too_large: [invoking(SIGNED, "PUT / HTTP/1.1", ["Content-Length: 11"])],
  headers_too_large: [
    invoking({}, GET, [`X: ${"x".repeat(20_000)}`]),
    invoking({ headers: { "X-Long": "x".repeat(4_000) } }, GET, [`X: ${"x".repeat(14_000)}`]),
  ],
  request_timeout: [invoking({}, "POST / HTTP/1.1", ["Content-Length: 9"])],
  upgrade_not_supported: [invoking({}, GET, ["Connection: Upgrade", "Upgrade: other"])],
  websocket_version_not_supported: [
    invoking({}, GET, [...UPGRADE, `Sec-WebSocket-Key: ${"A".repeat(22)}==`, "Sec-WebSocket-Version: 12"]),
  ],
  expectation_failed: [invoking({}, GET, ["Expect: other"])],
  too_many_auth_failures: [tooManyFailures],
  quota_exhausted: [windowUsedUp],
  capability_concurrency_exceeded: [occupied({ maxConcurrentInvocationsPerCapability: 1 })],
  tenant_concurrency_exceeded: [occupied({ maxConcurrentInvocationsPerTenant: 1 })],
  service_overloaded: [occupied({ maxConcurrentInvocations: 1 })],
  revocations_unknown: [storeLost],
  service_stopping: [stopped],
  store_unavailable: [storeHeld],
  store_full: [countFails(new StoreFullError("full"))],
  store_failed: [countFails(new StoreFailedError("failed"))],
  audit_unavailable: [unrecorded],
  record_too_new: [recordTooNew],
  redirect_not_passed: [redirected],
  target_forbidden: [forbidden],
  target_outdated: [outdated],
  target_unreachable: [
    async (given) => invoking({ uri: `http://127.0.0.1:${await freePort()}/` }, GET)(given),
  ],
  target_timeout: [respondedWith("", { timeoutMs: 50 })],
  invalid_target_response: [respondedWith("no HTTP\r\n\r\n")],
  loop_detected: [loop],
  internal_error: [countFails(new Error("a fault"))],
};

/** @param token in `Authorization`, unless a header line holds it. */
export async function send(
  { port }: Pick<TestService, "port">,
  token: string | undefined,
  line: string = GET,
  headers: readonly string[] = [],
): Promise<RawResponse> {
  await using connection = await openRawConnection(port);
  connection.send(requestHead(token, { line, headers }));
  return await nextResponse(connection);
}

/** Exports the target with more fields, and sends one request. */
function invoking(body: object, line: string, headers?: readonly string[]): Provocation {
  return async ({ service, target }) => {
    const { token } = await exportTarget(service, { uri: target.url, ...body });
    return send(service, token, line, headers);
  };
}

async function windowUsedUp({ service, target }: Given): Promise<RawResponse> {
  const limits = { maxUses: 1, maxUsesEveryMs: 3_600_000 };
  const { token } = await exportTarget(service, { uri: target.url, limits });
  expect((await send(service, token)).status).toBe(200);
  return send(service, token);
}

async function tooManyFailures(): Promise<RawResponse> {
  await using service = await startTestService({ limits: { maxAuthFailuresPerMinute: 1 } });
  expect((await send(service, UNKNOWN_TOKEN)).status).toBe(401);
  return await send(service, UNKNOWN_TOKEN);
}

/** Sends a second request to a target that has not responded to the first. */
function occupied(limits: NonNullable<TestServiceOptions["limits"]>): Provocation {
  return async () => {
    await using service = await startTestService({ limits });
    const waiting: ServerResponse[] = [];
    await using target = await startStreamingTarget((_request, response) => void waiting.push(response));
    const { token } = await exportTarget(service, { uri: target.url });
    await using first = await openRawConnection(service.port);
    first.send(requestHead(token));
    await expect.poll(() => waiting.length).toBe(1);
    return await send(service, token);
  };
}

/** Stops a service whose target has not responded. */
async function stopped(): Promise<RawResponse> {
  await using service = await startTestService({ limits: { shutdownTimeoutMs: 100 } });
  return await whileSent(service, service.close);
}

async function storeLost(): Promise<RawResponse> {
  let isKnown = true;
  await using service = await startTestService({
    engine: async (options) => {
      const engine = await openLmdbEngine(options);
      const refresh = () => Promise.reject(new StoreBusyError("lost"));
      const position = () => (isKnown ? engine.position() : undefined);
      return { ...engine, position, refresh };
    },
  });
  return await whileSent(service, () => (isKnown = false));
}

/** Lets something happen while the target has a request, and returns the response. */
async function whileSent(service: TestService, happen: () => unknown): Promise<RawResponse> {
  const waiting: ServerResponse[] = [];
  await using target = await startStreamingTarget((_request, response) => void waiting.push(response));
  const { token } = await exportTarget(service, { uri: target.url });
  await using connection = await openRawConnection(service.port);
  connection.send(requestHead(token));
  await expect.poll(() => waiting.length).toBe(1);
  const response = nextResponse(connection);
  await happen();
  return await response;
}

async function storeHeld({ target }: Given): Promise<RawResponse> {
  await using service = await startTestService();
  const { token } = await exportTarget(service, { uri: target.url, limits: { maxUses: 9 } });
  await using _lock = await holdWriteLock(service.directory);
  return await send(service, token);
}

function countFails(error: Error): Provocation {
  return async ({ target }) => {
    const failing = createFailingEngine();
    await using service = await startTestService({ engine: failing.open });
    const { token } = await exportTarget(service, { uri: target.url, limits: { maxUses: 9 } });
    failing.error = error;
    return await send(service, token);
  };
}

/** An invocation that must be recorded, by a service whose audit trail has no space. */
async function unrecorded({ target }: Given): Promise<RawResponse> {
  await using directory = await temporaryDirectory();
  const before = await startTestService({ directory: directory.path });
  const { token } = await exportTarget(before, { uri: target.url });
  await before.close();
  const audit = { file: "/dev/full", isRequired: true, invocationShare: 1 };
  await using service = await startTestService({ directory: directory.path, audit });
  return await send(service, token);
}

async function recordTooNew({ service, target }: Given): Promise<RawResponse> {
  const { token } = await exportTarget(service, { uri: target.url });
  const { capability } = (await service.data.vault.open(parseToken(token)!))!;
  await rewriteRecord(service, capability.uid, ([, ...rest]) => [Buffer.from([9]), ...rest]);
  return send(service, token);
}

async function redirected({ service }: Given): Promise<RawResponse> {
  const bytes = "HTTP/1.1 302 Found\r\nLocation: http://other.example/\r\nContent-Length: 0\r\n\r\n";
  await using target = await startRawTarget(rawResponder(bytes));
  const { token } = await exportTarget(service, { uri: target.url });
  return await send(service, undefined, GET, [`X-Api-Key: ${token}`]);
}

/** A name that is looked up only at the connection. */
async function forbidden(): Promise<RawResponse> {
  await using service = await startTestService({
    lookup: (_name, _options, callback) => callback(null, [{ address: "10.0.0.1", family: 4 }]),
  });
  const { token } = await exportTarget(service, { uri: "http://forbidden.test/" });
  return await send(service, token);
}

async function outdated({ service }: Given): Promise<RawResponse> {
  const { export: through } = await exportTarget(service, { uri: "http://127.0.0.1/" });
  return send(service, await storeTargetOfVersion1(service, through, { uri: "https://example.com/a/.." }));
}

function respondedWith(bytes: string, body: object = {}): Provocation {
  return async ({ service }) => {
    await using target = await startRawTarget(rawResponder(bytes));
    const { token } = await exportTarget(service, { uri: target.url, ...body });
    return await send(service, token);
  };
}

async function loop({ service, target }: Given): Promise<RawResponse> {
  const { token } = await exportTarget(service, { uri: target.url });
  await send(service, token);
  const id = target.requests.at(-1)?.headers["cdn-loop"];
  return send(service, token, GET, [`CDN-Loop: ${Array.from({ length: 8 }, () => id).join(", ")}`]);
}
