import type { Kind } from "../../src/domain/capability.ts";
import {
  call,
  createMembrane,
  expectStatus,
  exportThrough,
  tokenOf,
  uriOf,
} from "../../../testkit/src/client.ts";
import { PROBES } from "../../../testkit/src/liveness-probes.ts";
import type { TestService } from "../../../testkit/src/service.ts";
import { startTarget } from "../../../testkit/src/target.ts";
import type { TestTarget } from "../../../testkit/src/target.ts";

/** Every kind of capability that a tenant can hold: its own, re-exports, and those that a re-exported `query` lists. */
export const HELD_CAPABILITIES = {
  create: "create",
  query: "query",
  deleteSelf: "deleteSelf",
  export: "export",
  revoke: "revoke",
  exported: "invoke",
  "delegated create": "create",
  "delegated query": "query",
  "delegated deleteSelf": "deleteSelf",
  "delegated export": "export",
  "delegated revoke": "revoke",
  "delegated exported": "invoke",
  "listed export": "export",
  "listed revoke": "revoke",
  "delegated listed export": "export",
  "exported through listed": "invoke",
} as const satisfies Readonly<Record<string, Kind>>;

export type HeldCapabilityName = keyof typeof HELD_CAPABILITIES;

/** A tenant with one capability of every kind that it can hold. */
export interface TenantFixture {
  readonly tokens: Readonly<Record<HeldCapabilityName, string>>;
  /** A membrane for delegations alone, so that these can be ended separately. */
  readonly lending: { readonly export: string; readonly revoke: string };
  /** The ids, which another tenant might guess. */
  readonly ids: readonly string[];
  /** Texts that no other tenant may learn: ids, tokens, URIs and headers of its targets. */
  readonly secrets: readonly string[];
}

/** Starts a target that responds with the request line and the header `X-Secret`. */
export function startEcho(): Promise<TestTarget> {
  return startTarget((request, response) => {
    response.end(`${request.method} ${request.url} ${String(request.headers["x-secret"])}`);
  });
}

/** @param name part of all texts of the tenant. */
export async function createTenantFixture(
  service: TestService,
  target: TestTarget,
  name: string,
): Promise<TenantFixture> {
  const ids = [`${name}-tenant`, `${name}-one`, `${name}-two`, `${name}-lending`] as const;
  const made = await call(service, service.tokens.provision, { body: { id: ids[0] } });
  const { capabilities } = expectStatus(made, 201).json;
  const create = tokenOf(capabilities.create);
  const one = await createMembrane(service, create, ids[1]);
  const two = await createMembrane(service, create, ids[2]);
  const lending = await createMembrane(service, create, ids[3]);
  const uri = `${target.url}${name}-path`;
  const headers = { "X-Secret": `${name}-header` };
  const own = {
    create,
    query: tokenOf(capabilities.query),
    deleteSelf: tokenOf(capabilities.deleteSelf),
    ...one,
    exported: await exportThrough(service, one.export, { uri, headers }),
  };
  const delegate = (token: string): Promise<string> =>
    exportThrough(service, two.export, { capability: uriOf(service, token) });
  const delegatedQuery = await delegate(own.query);
  const list = await call(service, delegatedQuery, { path: `/?id=${ids[1]}` });
  const [listed] = expectStatus(list, 200).json.membranes;
  const listedExport = tokenOf(listed.capabilities.export);
  const tokens = {
    ...own,
    "delegated create": await delegate(own.create),
    "delegated query": delegatedQuery,
    "delegated deleteSelf": await delegate(own.deleteSelf),
    "delegated export": await delegate(own.export),
    "delegated revoke": await delegate(own.revoke),
    "delegated exported": await delegate(own.exported),
    "listed export": listedExport,
    "listed revoke": tokenOf(listed.capabilities.revoke),
    "delegated listed export": await delegate(listedExport),
    "exported through listed": await exportThrough(service, listedExport, { uri, headers }),
  };
  const others = [two.export, two.revoke, lending.export, lending.revoke];
  const secrets = [
    ...ids,
    ...Object.values(tokens),
    ...others,
    `:${target.port}`,
    `${name}-path`,
    `${name}-header`,
  ];
  return { tokens, lending, ids, secrets };
}

/**
 * Returns everything that a tenant sees: whether each of its capabilities works, the responses of its targets, and what each
 * `query` lists, page by page.
 */
export async function tenantView(
  service: TestService,
  { tokens }: TenantFixture,
): Promise<readonly string[]> {
  const view: string[] = [];
  for (const [name, kind] of Object.entries(HELD_CAPABILITIES) as [HeldCapabilityName, Kind][]) {
    const { status, text } = await call(service, tokens[name], PROBES[kind].options);
    view.push(`${name}: ${status}${kind === "invoke" ? ` ${text}` : ""}`);
    if (kind === "query") view.push(...(await pages(service, tokens[name])));
  }
  return view;
}

async function pages(service: TestService, query: string): Promise<string[]> {
  const seen: string[] = [];
  let after = "";
  for (let page = 0; page < 1_000; page += 1) {
    const response = await call(service, query, { path: `/?limit=1${after}` });
    if (response.status !== 200) return [...seen, `no list: ${response.status}`];
    seen.push(JSON.stringify(response.json.membranes));
    if (response.json.completed) return seen;
    after = `&lastId=${encodeURIComponent(response.json.membranes[0].id)}`;
  }
  throw new Error("the pages of a query do not end");
}
