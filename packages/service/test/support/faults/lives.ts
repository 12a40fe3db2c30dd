import { setTimeout as sleep } from "node:timers/promises";
import fc from "fast-check";
import { tokenOf } from "../../../../testkit/src/client.ts";
import type { ServingNode } from "./cluster-node.ts";
import type { Client, Reply } from "./client.ts";
import { MAX_USES } from "./history.ts";
import type { Streams } from "./streams.ts";

/** What a client does with one membrane. Numbers of nodes are drawn for any number of them. */
export interface LifePlan {
  /** Which node makes the membrane, exports, opens a stream, revokes. */
  readonly nodes: readonly [number, number, number, number];
  /** Whether the target is exported through a second membrane, too, and which of the two is revoked. */
  readonly delegation: "none" | "first revoked" | "second revoked";
  readonly stream: "none" | "request" | "response";
  readonly isCounted: boolean;
  /** How long it is used before it is revoked, in milliseconds. */
  readonly useMs: number;
  readonly isRevoked: boolean;
}

/** A node of a cluster of any size. */
export const aNode: fc.Arbitrary<number> = fc.nat(59);

/** Five of six lives end with a revoke. */
export const arbitraryLife: fc.Arbitrary<LifePlan> = fc.record({
  nodes: fc.tuple(aNode, aNode, aNode, aNode),
  delegation: fc.constantFrom("none", "none", "first revoked", "second revoked"),
  stream: fc.constantFrom("none", "none", "request", "response"),
  isCounted: fc.nat(3).map((n) => n === 0),
  useMs: fc.integer({ min: 0, max: 400 }),
  isRevoked: fc.nat(5).map((n) => n > 0),
});

/** A capability of a life, and the membranes that end it. */
export interface Held {
  readonly resource: string;
  readonly token: string;
  readonly through: readonly string[];
  /** Whether its uses are counted. */
  readonly isCounted?: boolean;
}

export interface Membrane extends Held {
  readonly revokeToken: string;
}

/** What was made in a life, as far as it was acknowledged. */
export interface Life {
  readonly membranes: Membrane[];
  /** Names of membranes that may have been made. */
  readonly unknown: string[];
  readonly exported: Held[];
  /** The one that is to be revoked. */
  revoking?: Membrane;
}

export interface LifeContext {
  readonly nodes: readonly ServingNode[];
  readonly client: Client;
  readonly streams: Streams;
  readonly createToken: string;
  readonly targetUrl: string;
  /** Requests that no step waits for, since a node may be stopped. */
  readonly pending: Set<Promise<unknown>>;
  readonly isOver: () => boolean;
}

/** Longest wait of a client for a node that may be stopped, before it does something else, in milliseconds. */
const PATIENCE_MS = 400;

/** A revoke waits for nodes that do not respond. */
const REVOKE_PATIENCE_MS = 1_500;

export async function playLife(
  context: LifeContext,
  name: string,
  plan: LifePlan,
  life: Life,
): Promise<void> {
  const [creator, exporter, streamer] = plan.nodes;
  const names = plan.delegation === "none" ? [name] : [name, `${name}-delegate`];
  for (const membrane of names) if (!(await createMembrane(context, creator, membrane, life))) return;
  const capability = await exportThrough(context, exporter, life, plan.isCounted);
  if (capability === undefined) return;
  if (plan.stream !== "none" && !plan.isCounted) {
    const { token, through } = capability;
    context.streams.open({ node: nodeOf(context, streamer), direction: plan.stream, token, through, name });
  }
  await useEverywhere(context, capability);
  await sleep(plan.useMs);
  await useEverywhere(context, capability);
  if (!plan.isRevoked) return;
  await revoke(context, plan, life, capability);
}

async function createMembrane(
  context: LifeContext,
  creator: number,
  resource: string,
  life: Life,
): Promise<boolean> {
  const reply = await context.client.ask({
    kind: "create",
    resource,
    through: [],
    node: nodeOf(context, creator),
    token: context.createToken,
    options: { body: { id: resource } },
  });
  if (reply.outcome !== "done") {
    life.unknown.push(resource);
    // A store that is gone is not asked without pause.
    await sleep(50);
    return false;
  }
  const { export: exporting, revoke } = reply.response.json.capabilities;
  const through = [resource];
  life.membranes.push({ resource, token: tokenOf(exporting), revokeToken: tokenOf(revoke), through });
  return true;
}

/** Exports the target through the first membrane, and what that made through the second. */
async function exportThrough(
  context: LifeContext,
  exporter: number,
  life: Life,
  isCounted: boolean,
): Promise<Held | undefined> {
  let body: object = {
    uri: isCounted ? `${context.targetUrl}${countedPath(life)}` : context.targetUrl,
    ...(isCounted ? { limits: { maxUses: MAX_USES } } : {}),
  };
  let capability: Held | undefined;
  for (const [index, membrane] of life.membranes.entries()) {
    const through = life.membranes.slice(0, index + 1).map(({ resource }) => resource);
    const resource = `export ${through.join(" ")}`;
    const node = nodeOf(context, exporter);
    const asked = { kind: "export", resource, through, node, token: membrane.token } as const;
    const reply = await context.client.ask({ ...asked, options: { body } });
    if (reply.outcome !== "done") return undefined;
    const uri: string = reply.response.json.capability;
    capability = { resource, token: tokenOf(uri), through, isCounted };
    life.exported.push(capability);
    body = { capability: uri };
  }
  return capability;
}

/** Begins the path of a target whose uses are counted, the same for no other. */
export const COUNTED = "counted/";

function countedPath({ membranes }: Life): string {
  return `${COUNTED}${encodeURIComponent(membranes[0]!.resource)}`;
}

/** Invokes it on every node, and waits only for a while. */
async function useEverywhere(context: LifeContext, capability: Held): Promise<void> {
  const kind = useKind(capability);
  const all = context.nodes.map((node) => context.client.ask({ ...capability, kind, node }));
  await waitAWhile(context, Promise.all(all));
}

/** Asks one node after the other until the revoke is acknowledged, and then whether anything is still let through. */
async function revoke(context: LifeContext, plan: LifePlan, life: Life, capability: Held): Promise<void> {
  const membrane = life.membranes[plan.delegation === "second revoked" ? 1 : 0]!;
  life.revoking = membrane;
  for (let turn = plan.nodes[3]; !context.isOver(); turn += 1) {
    const attempt = askToRevoke(context, membrane, nodeOf(context, turn));
    if (isFinished(await waitAWhile(context, attempt, REVOKE_PATIENCE_MS))) break;
    await sleep(20);
  }
  await expectDead(context, membrane, capability);
  await sleep(plan.useMs / 2);
  await expectDead(context, membrane, capability);
}

export function askToRevoke(
  { client }: Pick<LifeContext, "client">,
  { resource, revokeToken }: Membrane,
  node: ServingNode,
): Promise<Reply> {
  const options = { method: "POST" };
  return client.ask({ kind: "revoke", resource, through: [], token: revokeToken, node, options });
}

/** Whether a revoke need not be repeated: it is acknowledged, or the store has lost its membrane. */
export function isFinished(reply: Reply | undefined): boolean {
  return reply?.outcome === "done" || reply?.outcome === "refused";
}

/** The history says whether the revoke was acknowledged, and so what must be refused. */
export async function expectDead(context: LifeContext, membrane: Membrane, capability: Held): Promise<void> {
  const { client, nodes } = context;
  const all = nodes.flatMap((node) => [
    client.ask({ ...capability, kind: useKind(capability), node }),
    client.ask({ ...membrane, kind: "probe", node, options: { body: {} } }),
  ]);
  await waitAWhile(context, Promise.all(all));
}

/** @returns what was waited for, if it came in time. It is waited for at the end of the round, too. */
export async function waitAWhile<T>(
  { pending }: Pick<LifeContext, "pending">,
  promise: Promise<T>,
  ms = PATIENCE_MS,
): Promise<T | undefined> {
  pending.add(promise);
  void promise.finally(() => pending.delete(promise));
  return Promise.race([promise, sleep(ms, undefined)]);
}

function nodeOf({ nodes }: Pick<LifeContext, "nodes">, drawn: number): ServingNode {
  return nodes[drawn % nodes.length]!;
}

export function useKind({ isCounted }: Held): "use" | "invoke" {
  return isCounted === true ? "use" : "invoke";
}
