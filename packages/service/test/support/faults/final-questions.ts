import { setTimeout as sleep } from "node:timers/promises";
import { tokenOf } from "../../../../testkit/src/client.ts";
import type { ServingNode } from "./cluster-node.ts";
import type { Asked, Client, Reply } from "./client.ts";
import type { Life, LifeContext } from "./lives.ts";
import { askToRevoke, isFinished, useKind } from "./lives.ts";
import type { Recorder } from "./recorder.ts";

export interface FinalContext extends Pick<LifeContext, "nodes" | "client"> {
  readonly queryToken: string;
}

/** How many lives are asked for at a time. */
const LANES = 8;

const RETRY_MS = 20;

/** Asks every node for everything that was made, and repeats the revokes that were not acknowledged. */
export async function askAtTheEnd(
  context: FinalContext,
  recorder: Pick<Recorder, "isRevoked">,
  lives: readonly Life[],
): Promise<void> {
  const rest = lives.values();
  const lane = async (): Promise<void> => {
    for (const life of rest) {
      await finishRevoke(context, recorder, life);
      for (const name of life.unknown.splice(0)) await findUnknown(context, life, name);
      for (const node of context.nodes) await askForLife(context, recorder, life, node);
    }
  };
  await Promise.all(Array.from({ length: LANES }, lane));
}

async function finishRevoke(
  context: FinalContext,
  { isRevoked }: Pick<Recorder, "isRevoked">,
  { revoking }: Life,
): Promise<void> {
  if (revoking === undefined || isRevoked([revoking.resource])) return;
  for (let turn = 0; ; turn += 1) {
    const node = context.nodes[turn % context.nodes.length]!;
    if (isFinished(await askToRevoke(context, revoking, node))) return;
    await sleep(RETRY_MS);
  }
}

/** A membrane that was perhaps made is there with both its capabilities, or not at all. */
async function findUnknown(
  { client, nodes, queryToken }: FinalContext,
  life: Life,
  name: string,
): Promise<void> {
  const reply = await untilAnswered(client, { ...queryFor(name, queryToken), node: nodes[0]! });
  if (reply.outcome !== "done") return;
  const [{ capabilities }] = reply.response.json.membranes;
  const [token, revokeToken] = [tokenOf(capabilities.export), tokenOf(capabilities.revoke)];
  life.membranes.push({ resource: name, token, revokeToken, through: [name] });
}

async function askForLife(
  { client, queryToken }: FinalContext,
  { isRevoked }: Pick<Recorder, "isRevoked">,
  { membranes, exported }: Life,
  node: ServingNode,
): Promise<void> {
  for (const membrane of membranes) {
    await untilAnswered(client, { ...membrane, kind: "probe", node, options: { body: {} } });
    // The sweep deletes what was revoked, while it is asked for.
    if (isRevoked(membrane.through)) continue;
    await untilAnswered(client, { ...queryFor(membrane.resource, queryToken), node });
  }
  for (const capability of exported)
    await untilAnswered(client, { ...capability, kind: useKind(capability), node });
}

function queryFor(resource: string, token: string) {
  const options = { path: `/?id=${encodeURIComponent(resource)}` };
  return { kind: "query", resource, through: [resource], token, options } as const;
}

/** Asks until the node says yes or no. */
async function untilAnswered(client: Client, asked: Asked): Promise<Reply> {
  for (;;) {
    const reply = await client.ask({ ...asked, isFinal: true });
    if (reply.outcome !== "unavailable") return reply;
    await sleep(RETRY_MS);
  }
}
