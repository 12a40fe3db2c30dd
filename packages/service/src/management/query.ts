import { hkdfSync } from "node:crypto";
import type { CapabilityToken, QueryRequest } from "capability-protocol";
import { TOKEN_BYTES, err, formatToken, ok } from "capability-protocol";
import { denialOfCreation } from "../domain/creation-denial.ts";
import type { Denial, Outcome } from "../domain/denial.ts";
import { encodeColumns, textColumn, decodeColumns } from "../store/codec/columns.ts";
import type { StoredMembrane } from "../store/record.ts";
import { associatedData } from "../store/record.ts";
import { openAsRecipient } from "../store/seal.ts";
import { StoreCorruptError, undefinedIfTooNew } from "../store/store.ts";
import type { ManagementResponse, Caller, ManagementContext } from "./context.ts";
import { actorOf } from "./context.ts";
import { formatUri } from "./capability-uri.ts";
import { resourceOf } from "./resource.ts";
import type { ParsedTenantKeys } from "./tenant-keys.ts";
import { parseTenantKeys } from "./tenant-keys.ts";

/** The two tokens of a membrane. */
interface MembraneTokens {
  readonly export: CapabilityToken;
  readonly revoke: CapabilityToken;
}

/** Why no capabilities can be made for a membrane that is listed. */
const QUOTA_EXCEEDED: ReadonlySet<Denial["reason"]> = new Set([
  "membrane_quota_exceeded",
  "membrane_storage_exceeded",
  "tenant_storage_exceeded",
]);

/** How many membranes are opened in one turn of the event loop: a page of a thousand would hold up all others for long. */
const MEMBRANES_PER_STEP = 4;

/**
 * Lists membranes with their capabilities, one page a call. For a delegated `query` they are made, and count against
 * the membrane that it was delegated through. A page ends before the first membrane for which there is no room. If that page
 * would be empty the request is denied, since a client would repeat it without end.
 */
export function query(
  context: ManagementContext,
  caller: Caller,
  request: QueryRequest,
): Promise<Outcome<ManagementResponse>> {
  const owner = { tenant: resourceOf(caller), capability: caller.capability.uid };
  return context.pageScheduler.schedule(owner, (step) => listPage(context, caller, request, step));
}

async function listPage(
  context: ManagementContext,
  caller: Caller,
  request: QueryRequest,
  nextTurn: () => Promise<void>,
): Promise<Outcome<ManagementResponse>> {
  const keys = parseTenantKeys(caller.payload);
  const listed: object[] = [];
  let after = request;
  for (let left = request.limit; ; left -= MEMBRANES_PER_STEP) {
    await nextTurn();
    const step = { ...after, limit: Math.min(left, MEMBRANES_PER_STEP), recipientKey: keys.publicKey };
    const page = await context.store.membranes(resourceOf(caller), step);
    let earlier: Promise<Outcome<unknown>> = Promise.resolve(ok(undefined));
    const entries = await Promise.all(
      page.membranes.map((membrane) => {
        const entry = list(context, caller, keys, membrane, earlier);
        earlier = entry;
        return entry;
      }),
    );
    let isFull = false;
    for (const entry of entries) {
      isFull = !entry.ok && QUOTA_EXCEEDED.has(entry.error.reason) && listed.length > 0;
      if (isFull) break;
      if (!entry.ok) return entry;
      if (entry.value !== undefined) listed.push(entry.value);
    }
    const lastId = page.membranes.at(-1)?.name;
    if (isFull || page.completed || left <= MEMBRANES_PER_STEP || lastId === undefined) {
      // Waits for the disk: the request that created a listed membrane may be in flight. Only a delegated `query` has limits.
      const { capability, useCounters } = caller;
      const counted = isDelegated(caller)
        ? await context.changes.countRead(capability, useCounters)
        : ok(undefined);
      if (!counted.ok) return err(denialOfCreation(counted.error));
      return ok({ status: 200, body: { membranes: listed, completed: page.completed && !isFull } });
    }
    after = { ...request, lastId };
  }
}

/** @param earlier what the membrane before this one came to. */
async function list(
  context: ManagementContext,
  caller: Caller,
  keys: ParsedTenantKeys,
  membrane: StoredMembrane,
  earlier: Promise<Outcome<unknown>>,
): Promise<Outcome<object | undefined>> {
  const original = openTokens(keys, membrane);
  const given = isDelegated(caller)
    ? await delegate(context, caller, keys, membrane, original, earlier).catch(undefinedIfTooNew)
    : ok(original);
  if (given === undefined) return ok(undefined);
  if (!given.ok || given.value === undefined) return given;
  const { authority } = context;
  return ok({
    id: membrane.name,
    capabilities: {
      export: formatUri(authority, given.value.export),
      revoke: formatUri(authority, given.value.revoke),
    },
  });
}

function isDelegated(caller: Caller): boolean {
  return caller.capability.parent !== undefined;
}

function openTokens(keys: ParsedTenantKeys, membrane: StoredMembrane): MembraneTokens {
  const [exporting, revoking] = decodeColumns(
    openAsRecipient(keys.recipientKeys, membrane.sealed, associatedData(membrane)),
  );
  if (exporting === undefined || revoking === undefined) {
    throw new StoreCorruptError("a membrane does not hold its two tokens");
  }
  return { export: formatToken(exporting), revoke: formatToken(revoking) };
}

/**
 * Makes re-exports for a delegate, with its `query` in their lineage, so that they end with the delegation. Their tokens are
 * derived from the payload of its `query`, so that a repeated query finds the same ones. They are made in the order of the page:
 * a store may write at the same time what it gets at the same time, and a later membrane would take the room of this one.
 *
 * @returns nothing if the membrane died meanwhile.
 */
async function delegate(
  context: ManagementContext,
  caller: Caller,
  keys: ParsedTenantKeys,
  storedMembrane: StoredMembrane,
  original: MembraneTokens,
  earlier: Promise<Outcome<unknown>>,
): Promise<Outcome<MembraneTokens | undefined>> {
  const { vault, changes } = context;
  const derived: MembraneTokens = {
    export: deriveToken(caller, keys, storedMembrane, "export"),
    revoke: deriveToken(caller, keys, storedMembrane, "revoke"),
  };
  const present = await Promise.all([vault.open(derived.export), vault.open(derived.revoke)]);
  if (present.every((opened) => opened !== undefined)) return ok(derived);

  const before = await earlier;
  if (!before.ok) return before;
  const parents = {
    export: await vault.open(original.export),
    revoke: await vault.open(original.revoke),
  };
  if (parents.export === undefined || parents.revoke === undefined) return ok(undefined);
  const { uid, membrane } = caller.capability;
  if (membrane === undefined) throw new StoreCorruptError("a delegated capability went through no membrane");
  const rights = { resource: storedMembrane.uid, createdBy: uid, membrane };
  const { export: exporting, revoke: revoking } = parents;
  const created = await changes.create(actorOf(caller), [
    vault.mint(
      { ...rights, kind: "export", parent: exporting.capability.uid },
      exporting.payload,
      { inherited: exporting.limits },
      derived.export,
    ).record,
    vault.mint(
      { ...rights, kind: "revoke", parent: revoking.capability.uid },
      revoking.payload,
      { inherited: revoking.limits },
      derived.revoke,
    ).record,
  ]);
  if (created.ok) return ok(derived);
  return created.error.reason === "lineage_dead" ? ok(undefined) : err(denialOfCreation(created.error));
}

function deriveToken(
  caller: Caller,
  keys: ParsedTenantKeys,
  membrane: StoredMembrane,
  kind: "export" | "revoke",
): CapabilityToken {
  const info = encodeColumns([
    textColumn("delegated query/1"),
    textColumn(caller.capability.uid),
    textColumn(membrane.uid),
    textColumn(kind),
  ]);
  return formatToken(new Uint8Array(hkdfSync("sha512", keys.privateKey, Buffer.alloc(0), info, TOKEN_BYTES)));
}
