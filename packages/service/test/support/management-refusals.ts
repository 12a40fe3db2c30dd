import { randomUUID } from "node:crypto";
import type { ServiceKind } from "../../src/domain/capability.ts";
import type { Purpose } from "../../src/http/error-table.ts";
import { ERRORS } from "../../src/http/error-table.ts";
import type { ErrorCode } from "../../src/http/wire-error.ts";
import { OPERATIONS } from "../../src/management/operations.ts";
import type { Engine } from "../../src/store/engine.ts";
import { openLmdbEngine } from "../../src/store/lmdb/engine.ts";
import {
  RecordTooNewError,
  StoreBusyError,
  StoreFailedError,
  StoreFullError,
} from "../../src/store/store.ts";
import {
  call,
  createMembrane,
  expectStatus,
  exportThrough,
  tokenOf,
  uriOf,
} from "../../../testkit/src/client.ts";
import type { RawConnection, RawResponse } from "../../../testkit/src/raw-connection.ts";
import {
  nextResponse,
  openRawConnection,
  openUsedConnections,
  requestHead,
} from "../../../testkit/src/raw-connection.ts";
import type { TestService, TestServiceOptions } from "../../../testkit/src/service.ts";
import { startTestService } from "../../../testkit/src/service.ts";
import { temporaryDirectory } from "../../../testkit/src/temporary-directory.ts";
import { UNKNOWN_TOKEN } from "./refusals.ts";

/** A request to an operation of the service itself. */
export interface ManagementCase {
  readonly kind: ServiceKind;
  readonly method: string;
}

/** Every operation with each of its methods. */
export const MANAGEMENT_CASES: readonly ManagementCase[] = (
  Object.entries(OPERATIONS) as [ServiceKind, (typeof OPERATIONS)[ServiceKind]][]
).flatMap(([kind, { methods }]) => methods.map((method) => ({ kind, method })));

/** Nothing is sent to it. */
const TARGET = { uri: "https://target.example/" };

export interface SentParts {
  /** Default: a body that the operation accepts. */
  readonly body?: string;
  readonly headers?: readonly string[];
  readonly path?: string;
}

/** Sends a request that the operation accepts, unless a part is wrong. */
export async function sendManagement(
  { port }: Pick<TestService, "port">,
  { kind, method }: ManagementCase,
  token: string | undefined,
  parts: SentParts = {},
): Promise<RawResponse> {
  await using connection = await openRawConnection(port);
  connection.send(managementRequest({ kind, method }, token, parts));
  return await nextResponse(connection, { method });
}

function managementRequest(
  { kind, method }: ManagementCase,
  token: string | undefined,
  { body = validBody(kind), headers = [], path = "/" }: SentParts,
): string {
  const length = body === "" ? [] : [`Content-Length: ${Buffer.byteLength(body)}`];
  return requestHead(token, { line: `${method} ${path} HTTP/1.1`, headers: [...headers, ...length] }) + body;
}

function validBody(kind: ServiceKind): string {
  if (OPERATIONS[kind].accepts !== "body") return "";
  return JSON.stringify(kind === "export" ? TARGET : { id: randomUUID() });
}

/** Makes a capability of a kind, of a new tenant or membrane if it ends one. */
export async function capabilityOf(service: TestService, kind: ServiceKind): Promise<string> {
  if (kind === "provision") return service.tokens.provision;
  const tenant = await newTenant(service);
  if (kind === "create" || kind === "query" || kind === "deleteSelf") return tenant[kind];
  return (await createMembrane(service, tenant.create, randomUUID()))[kind];
}

async function newTenant(service: TestService) {
  const made = expectStatus(
    await call(service, service.tokens.provision, { body: { id: randomUUID() } }),
    201,
  );
  const { create, query, deleteSelf } = made.json.capabilities;
  return { create: tokenOf(create), query: tokenOf(query), deleteSelf: tokenOf(deleteSelf) };
}

/** A re-export, through a new membrane of the first tenant. */
export async function delegatedOf(
  service: TestService,
  kind: ServiceKind,
  limits: object = {},
): Promise<string> {
  const capability = uriOf(service, await capabilityOf(service, kind));
  const through = await createMembrane(service, service.tokens.create, randomUUID());
  return exportThrough(service, through.export, { capability, limits });
}

export interface Refused {
  readonly of: ManagementCase;
  readonly response: RawResponse;
}

/** Gets one error from each operation that can have it, in each of its methods. */
type Provocation = (cases: readonly ManagementCase[]) => AsyncIterable<Refused>;

/** @returns the cases of the kinds that the table of errors names. */
function casesOf(code: ErrorCode): readonly ManagementCase[] {
  const purposes: readonly Purpose[] = ERRORS[code].purposes;
  return MANAGEMENT_CASES.filter(({ kind }) => purposes.includes(kind));
}

export function provokeManagement(code: ErrorCode): AsyncIterable<Refused> | undefined {
  const cases = casesOf(code);
  const provoke = PROVOCATIONS[code];
  if ((provoke === undefined) !== (cases.length === 0))
    throw new Error(`${code}: expected a way to provoke it exactly if an operation has it`);
  return provoke?.(cases);
}

/** Sends a request with something wrong in it. */
function asking(parts: SentParts | ((service: TestService) => Promise<SentParts>)): Provocation {
  return async function* (cases) {
    await using service = await startTestService();
    for (const of of cases) {
      const token = await capabilityOf(service, of.kind);
      const sent = typeof parts === "function" ? await parts(service) : parts;
      yield { of, response: await sendManagement(service, of, token, sent) };
    }
  };
}

/** Starts the service again, with other limits, when the capabilities are there. */
function restarted(
  limits: NonNullable<TestServiceOptions["limits"]>,
  tokenFor: (service: TestService, kind: ServiceKind) => Promise<string> = capabilityOf,
  options: Pick<TestServiceOptions, "audit"> = {},
): Provocation {
  return async function* (cases) {
    await using directory = await temporaryDirectory();
    const tokens: string[] = [];
    const before = await startTestService({ directory: directory.path });
    for (const { kind } of cases) tokens.push(await tokenFor(before, kind));
    // What a `query` lists.
    await createMembrane(before, before.tokens.create, "listed");
    await before.close();
    await using service = await startTestService({ directory: directory.path, limits, ...options });
    for (const [index, of] of cases.entries())
      yield { of, response: await sendManagement(service, of, tokens[index]) };
  };
}

/** Lets the store fail when the capabilities are there. A delegated `query` writes. */
function storeFails(error: Error, fails: "read" | "write"): Provocation {
  return async function* (cases) {
    let failure: Error | undefined;
    await using service = await startTestService({
      engine: async (options) => {
        const engine = await openLmdbEngine(options);
        const read: Engine["read"] = async (request, decide) => {
          if (failure !== undefined && fails === "read") throw failure;
          return engine.read(request, decide);
        };
        const write: Engine["write"] = async (request, decide) => {
          if (failure !== undefined && fails === "write") throw failure;
          return engine.write(request, decide);
        };
        return { ...engine, read, write };
      },
    });
    for (const of of cases) {
      failure = undefined;
      const token = await (of.kind === "query"
        ? ownDelegated(service, "query")
        : capabilityOf(service, of.kind));
      failure = error;
      yield { of, response: await sendManagement(service, of, token) };
    }
    failure = undefined;
  };
}

/** A re-export of what the first tenant has, which a `query` lists something of. */
function ownDelegated(service: TestService, kind: "query" | "create"): Promise<string> {
  return createMembrane(service, service.tokens.create, randomUUID()).then((through) =>
    exportThrough(service, through.export, { capability: uriOf(service, service.tokens[kind]) }),
  );
}

async function delegatedWithRoom(service: TestService, kind: ServiceKind): Promise<string> {
  return kind === "query" ? ownDelegated(service, "query") : capabilityOf(service, kind);
}

async function* taken({ length }: readonly ManagementCase[], kind: "create" | "provision") {
  await using service = await startTestService();
  for (let at = 0; at < length; at += 1) {
    const token = await capabilityOf(service, kind);
    const of = { kind, method: "POST" };
    const body = JSON.stringify({ id: randomUUID() });
    expectStatus(await call(service, token, { body }), 201);
    yield { of, response: await sendManagement(service, of, token, { body }) };
  }
}

async function* usedUp(cases: readonly ManagementCase[]): AsyncIterable<Refused> {
  await using service = await startTestService();
  for (const of of cases) {
    const token = await delegatedOf(service, of.kind, { maxUses: 1, maxUsesEveryMs: 3_600_000 });
    const first = await sendManagement(service, of, token);
    if (first.status > 299) throw new Error(`the first use was a ${first.status}: ${first.body}`);
    yield { of, response: await sendManagement(service, of, token) };
  }
}

/** Capabilities that are in use continue to work, so these are of an earlier start. */
async function* blocked(cases: readonly ManagementCase[]): AsyncIterable<Refused> {
  await using directory = await temporaryDirectory();
  const before = await startTestService({ directory: directory.path });
  const tokens: string[] = [];
  for (const { kind } of cases) tokens.push(await capabilityOf(before, kind));
  await before.close();
  const limits = { maxAuthFailuresPerMinute: 1 };
  await using service = await startTestService({ directory: directory.path, limits });
  await call(service, UNKNOWN_TOKEN);
  for (const [index, of] of cases.entries())
    yield { of, response: await sendManagement(service, of, tokens[index]) };
}

/** Lets each request wait for the rest of its head, all at once: the server looks for such heads once a second. */
async function* slowHeads(cases: readonly ManagementCase[]): AsyncIterable<Refused> {
  await using service = await startTestService({ limits: { requestHeaderTimeoutMs: 500 } });
  const sent = cases.map(async (of) => {
    await using connection = await openRawConnection(service.port);
    connection.send(`${of.method} / HTTP/1.1\r\nHost: membrane.test\r\n`);
    return { of, response: await nextResponse(connection, { method: of.method }) };
  });
  yield* await Promise.all(sent);
}

async function* slowBodies(cases: readonly ManagementCase[]): AsyncIterable<Refused> {
  const limits = { requestRateWindowMs: 300, minRequestRate: 1_000 };
  await using service = await startTestService({ limits });
  for (const of of cases.filter(({ kind }) => OPERATIONS[kind].accepts === "body")) {
    const token = await capabilityOf(service, of.kind);
    await using connection = await openRawConnection(service.port);
    connection.send(requestHead(token, { line: `${of.method} / HTTP/1.1`, headers: ["Content-Length: 9"] }));
    yield { of, response: await nextResponse(connection) };
  }
}

/** A body of this many bytes, all of which are held at once. */
function padded(kind: ServiceKind, bytes: number): string {
  return validBody(kind).padEnd(bytes, " ");
}

/** A body of which a capability alone may not hold so much, although there is room. */
async function* heldByCapability(cases: readonly ManagementCase[]): AsyncIterable<Refused> {
  const limits = { managementBufferedBytesTotal: 20_000 };
  await using service = await startTestService({ limits });
  for (const of of cases) {
    const token = await capabilityOf(service, of.kind);
    yield { of, response: await sendManagement(service, of, token, { body: padded(of.kind, 10_000) }) };
  }
}

/** Another capability of the tenant holds so much that the tenant may not hold this, and the capability alone may. */
async function* heldByTenant(cases: readonly ManagementCase[]): AsyncIterable<Refused> {
  await using directory = await temporaryDirectory();
  const before = await startTestService({ directory: directory.path });
  const { create } = before.tokens;
  const holder = await createMembrane(before, create, randomUUID());
  const other = await createMembrane(before, create, randomUUID());
  const capability = uriOf(before, before.tokens.provision);
  const tokens = {
    create,
    export: other.export,
    provision: await exportThrough(before, other.export, { capability }),
  };
  await before.close();
  const limits = { managementBufferedBytesTotal: 19_000 };
  await using service = await startTestService({ directory: directory.path, limits });
  await using holding = await openRawConnection(service.port);
  holding.send(requestHead(holder.export, { line: "POST / HTTP/1.1", headers: ["Content-Length: 6000"] }));
  holding.send(" ".repeat(5_999));
  for (const of of cases) {
    if (of.kind === "query") yield { of, response: await manyPages(of) };
    else if (of.kind === "create" || of.kind === "export" || of.kind === "provision") {
      const body = padded(of.kind, 4_000);
      yield { of, response: await sendManagement(service, of, tokens[of.kind], { body }) };
    }
  }
}

/** Asks for more pages of one tenant at once than may wait, until they have been waiting at once. */
async function manyPages(of: ManagementCase): Promise<RawResponse> {
  await using service = await startTestService({ limits: { maxWaitingPagesPerTenant: 1 } });
  for (let tries = 0; tries < 50; tries += 1) {
    const responses = await pagesAtOnce(service, of);
    const refused = responses.find(({ status }) => status === 429);
    if (refused !== undefined) return refused;
  }
  throw new Error("no page was refused");
}

async function pagesAtOnce(service: TestService, of: ManagementCase): Promise<readonly RawResponse[]> {
  const token = service.tokens.query;
  const connections = await openUsedConnections(service.port, 8);
  for (const { connection } of connections) connection.send(managementRequest(of, token, {}));
  const responses = await Promise.all(
    connections.map(({ connection, from }) => nextResponse(connection, { from })),
  );
  await Promise.all(
    connections.map(({ connection }: { connection: RawConnection }) => connection[Symbol.asyncDispose]()),
  );
  return responses;
}

async function notDelegable(service: TestService): Promise<SentParts> {
  const membrane = await createMembrane(service, service.tokens.create, randomUUID());
  const token = await exportThrough(service, membrane.export, { ...TARGET, limits: { delegable: false } });
  return { body: JSON.stringify({ capability: uriOf(service, token) }) };
}

async function unknownCapability(service: TestService): Promise<SentParts> {
  return { body: JSON.stringify({ capability: uriOf(service, UNKNOWN_TOKEN) }) };
}

async function* unknownTokens(cases: readonly ManagementCase[]): AsyncIterable<Refused> {
  await using service = await startTestService();
  for (const of of cases) yield { of, response: await sendManagement(service, of, UNKNOWN_TOKEN) };
}

async function* both(
  cases: readonly ManagementCase[],
  ...ways: readonly Provocation[]
): AsyncIterable<Refused> {
  for (const way of ways) yield* way(cases);
}

/** How the operations of the service itself get each error that one of them can get. */
const PROVOCATIONS: Readonly<Partial<Record<ErrorCode, Provocation>>> = {
  malformed_request: asking({ headers: ["Host: two"] }),
  invalid_field: asking({ headers: ["Membrane-Operation: other"] }),
  wrong_capability: async function* (cases) {
    for (const of of cases) {
      const name = of.kind === "provision" ? "create" : "provision";
      yield* asking({ headers: [`Membrane-Operation: ${name}`] })([of]);
    }
  },
  invalid_capability: asking(unknownCapability),
  not_delegable: asking(notDelegable),
  unauthorized: unknownTokens,
  request_timeout: (cases) => both(cases, slowHeads, slowBodies),
  path_not_found: asking({ path: "/other" }),
  membrane_exists: (cases) => taken(cases, "create"),
  tenant_exists: (cases) => taken(cases, "provision"),
  lineage_too_large: restarted({ maxLineageNodes: 1 }, delegatedWithRoom),
  membrane_quota_exceeded: restarted({ maxCapabilitiesPerMembrane: 0 }, delegatedWithRoom),
  tenant_quota_exceeded: restarted({ maxMembranesPerTenant: 0, maxOwnCapabilitiesPerTenant: 1 }),
  membrane_storage_exceeded: restarted({ storedBytesPerMembrane: 1 }, delegatedWithRoom),
  tenant_storage_exceeded: restarted({ storedBytesPerTenant: 1 }, delegatedWithRoom),
  service_quota_exceeded: restarted({ maxTenants: 1 }),
  body_too_large: asking({ body: " ".repeat(1_048_577) }),
  expectation_failed: asking({ headers: ["Expect: other"] }),
  too_many_auth_failures: blocked,
  quota_exhausted: usedUp,
  capability_concurrency_exceeded: heldByCapability,
  tenant_concurrency_exceeded: heldByTenant,
  headers_too_large: asking({ headers: [`X: ${"x".repeat(20_000)}`] }),
  internal_error: storeFails(new Error("a fault"), "read"),
  upgrade_not_supported: asking({ headers: ["Connection: Upgrade", "Upgrade: other"] }),
  service_overloaded: restarted({ managementBufferedBytesTotal: 1 }),
  store_unavailable: storeFails(new StoreBusyError("busy"), "read"),
  store_full: storeFails(new StoreFullError("full"), "write"),
  record_too_new: storeFails(new RecordTooNewError(newestUid()), "read"),
  audit_unavailable: restarted({}, capabilityOf, {
    audit: { file: "/dev/full", isRequired: true, invocationShare: 0 },
  }),
  store_failed: storeFails(new StoreFailedError("failed"), "write"),
};

function newestUid() {
  return "0".repeat(32) as ConstructorParameters<typeof RecordTooNewError>[0];
}

/** Requests with something unusual, of which each operation must make something that the document has. */
export const PROBES: readonly SentParts[] = [
  {},
  { body: "" },
  { body: "{" },
  { body: '{"id": 1}' },
  { body: "[]" },
  { path: "/?id=a&limit=0" },
  { path: "/?unknown" },
  { path: "/?X-Amz-Signature=a" },
  { path: "/other" },
  { path: "/%2e%2e/" },
  { path: "/.well-known/openid-configuration" },
  { path: "/healthz" },
  { path: "http://membrane.test/" },
  { path: "http://other.test/" },
  { headers: ["Transfer-Encoding: gzip, chunked"], body: "" },
  { headers: ["Content-Length: 1", "Content-Length: 2"], body: "" },
  { headers: ["Connection: Upgrade", "Upgrade: websocket"] },
  { headers: [`X-Api-Key: ${UNKNOWN_TOKEN}`] },
  { headers: ["Accept: text/html"] },
  { headers: ["Origin: https://page.example"] },
];
