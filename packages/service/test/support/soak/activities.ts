import { Readable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { request } from "undici";
import { tokenOf, uriOf } from "../../../../testkit/src/client.ts";
import { openWebSocket, nextMessage } from "../../../../testkit/src/websocket.ts";
import type { Activity, SoakContext } from "./soak-context.ts";
import { expectFrom } from "./soak-context.ts";

interface Membrane {
  readonly export: string;
  readonly revoke: string;
}

async function createMembrane(context: SoakContext, id: string): Promise<Membrane> {
  const { json } = await expectFrom(context, context.tokens.create, 201, { body: { id } });
  return { export: tokenOf(json.capabilities.export), revoke: tokenOf(json.capabilities.revoke) };
}

async function exportThrough(context: SoakContext, token: string, body: object): Promise<string> {
  return tokenOf((await expectFrom(context, token, 201, { body })).json.capability);
}

async function revoke(context: SoakContext, membrane: Membrane): Promise<void> {
  await expectFrom(context, membrane.revoke, 202, { method: "POST" });
}

/** Exports, re-exports, limits, lets expire and revokes. */
const liveAndEnd: Activity = async (context, id) => {
  const uri = context.targets.http;
  const membrane = await createMembrane(context, id);
  const plain = await exportThrough(context, membrane.export, { uri });
  const capability = uriOf(context, plain);
  const delegated = await exportThrough(context, context.delegate, { capability, label: id });
  const counted = await exportThrough(context, membrane.export, { uri, limits: { maxUses: 2 } });
  const expiring = await exportThrough(context, membrane.export, { uri, limits: { ttlMs: 1_000 } });
  const narrow = await exportThrough(context, membrane.export, { uri, limits: { methods: ["GET"] } });
  for (const token of [plain, delegated, counted, counted, narrow, plain])
    await expectFrom(context, token, 200);
  await expectFrom(context, counted, 401);
  await expectFrom(context, narrow, 405, { body: "refused" });
  await sleep(1_050);
  await expectFrom(context, expiring, 401);
  await expectFrom(context, context.tokens.query, 200, { path: "/?limit=5" });
  await revoke(context, membrane);
  for (const token of [plain, delegated]) await expectFrom(context, token, 401);
};

/** Streams a response to its end, until the client has enough, or until its membrane is revoked. */
const stream: Activity = async (context, id, turn) => {
  const membrane = await createMembrane(context, id);
  const how = (["end", "abort", "revoke"] as const)[turn % 3]!;
  const uri = `${context.targets.http}pieces${how === "end" ? "?count=20" : ""}`;
  const token = await exportThrough(context, membrane.export, { uri });
  const headers = { authorization: `Bearer ${token}` };
  const { body } = await request(context.url, { dispatcher: context.dispatcher, headers });
  let bytes = 0;
  try {
    for await (const chunk of body) {
      bytes += (chunk as Buffer).length;
      if (bytes < 40_000) continue;
      if (how === "abort") break;
      if (how === "revoke") await revoke(context, membrane);
    }
  } catch {
    // The service has cut it.
  }
  if (how !== "revoke") await revoke(context, membrane);
  context.count(`stream ${how}`);
};

/** Sends a body in pieces, and leaves every other time before its end. */
const upload: Activity = async (context, id, turn) => {
  const membrane = await createMembrane(context, id);
  const token = await exportThrough(context, membrane.export, { uri: context.targets.http });
  const isAborted = turn % 2 === 1;
  const abort = new AbortController();
  async function* pieces(): AsyncIterable<Buffer> {
    for (let i = 0; i < 8; i += 1) {
      if (isAborted && i === 5) abort.abort();
      yield Buffer.alloc(32_768, "u");
      await sleep(10);
    }
  }
  const options = {
    method: "PUT",
    headers: { authorization: `Bearer ${token}` },
    signal: abort.signal,
  } as const;
  const body = Readable.from(pieces());
  body.on("error", () => undefined);
  await request(context.url, { ...options, dispatcher: context.dispatcher, body }).then(
    (response) => response.body.dump(),
    () => undefined,
  );
  await revoke(context, membrane);
  context.count(isAborted ? "upload aborted" : "upload");
};

/** Exchanges messages, until the client closes, its connection ends, or the membrane is revoked. */
const webSocket: Activity = async (context, id, turn) => {
  const membrane = await createMembrane(context, id);
  const token = await exportThrough(context, membrane.export, { uri: context.targets.webSocket });
  const socket = await openWebSocket(context, token, { ca: context.ca });
  const closed = new Promise((resolve) => void socket.once("close", resolve));
  for (let i = 0; i < 5; i += 1) {
    const message = nextMessage(socket);
    socket.send("m".repeat(1_000 * (i + 1)));
    await message;
  }
  const how = (["close", "terminate", "revoke"] as const)[turn % 3]!;
  if (how === "close") socket.close();
  if (how === "terminate") socket.terminate();
  await revoke(context, membrane);
  await closed;
  context.count(`WebSocket ${how}`);
};

/** Each with how many clients do it at a time. */
export const ACTIVITIES: readonly (readonly [string, Activity, number])[] = [
  ["life", liveAndEnd, 3],
  ["stream", stream, 3],
  ["upload", upload, 2],
  ["socket", webSocket, 2],
];
