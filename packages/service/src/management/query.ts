import { hkdfSync } from "node:crypto";
import type { CapabilityToken, QueryRequest } from "capability-protocol";
import { TOKEN_BYTES, err, formatToken, ok } from "capability-protocol";
import { denialOfCreation } from "../domain/creation-denial.ts";
import type { Denial, Outcome } from "../domain/denial.ts";
import { encodeColumns, textColumn, decodeColumns } from "../store/codec/columns.ts";
import type { StoredMembrane, StoredRecord } from "../store/record.ts";
import { associatedData } from "../store/record.ts";
import { openAsRecipient } from "../store/seal.ts";
import { StoreCorruptError } from "../store/store.ts";
import { undefinedIfTooNew } from "../store/unusable-records.ts";
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

/** A membrane of a page, and the tokens that the caller gets for it. */
interface ListedMembrane {
  readonly membrane: StoredMembrane;
  readonly tokens: MembraneTokens;
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
  return context.changes.list(actorOf(caller), owner.tenant, () =>
    context.pageScheduler.schedule(owner, (step) => listPage(context, caller, request, step)),
  );
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
    const given = isDelegated(caller)
      ? await delegate(context, caller, keys, page.membranes)
      : page.membranes.map((membrane) => ok({ membrane, tokens: openTokens(keys, membrane) }));
    let isFull = false;
    for (const entry of given) {
      isFull = !entry.ok && QUOTA_EXCEEDED.has(entry.error.reason) && listed.length > 0;
      if (isFull) break;
      if (!entry.ok) return entry;
      if (entry.value !== undefined) listed.push(describe(context, entry.value));
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

function describe({ authority }: ManagementContext, { membrane, tokens }: ListedMembrane): object {
  return {
    id: membrane.name,
    capabilities: {
      export: formatUri(authority, tokens.export),
      revoke: formatUri(authority, tokens.revoke),
    },
  };
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
 * Makes re-exports for a delegate, with its `query` in their lineage, so that they end with the delegation. Those of all membranes are
 * made in one write, which waits for the disk once. If that is refused they are made in order, one membrane after the other: the page
 * ends before the first one without room, and no later one may take the room of an earlier one.
 *
 * @returns the membranes up to the first one for which there was an error; nothing for one that died meanwhile.
 */
async function delegate(
  context: ManagementContext,
  caller: Caller,
  keys: ParsedTenantKeys,
  membranes: readonly StoredMembrane[],
): Promise<readonly Outcome<ListedMembrane | undefined>[]> {
  const prepared = await Promise.all(
    membranes.map((membrane) => prepare(context, caller, keys, membrane).catch(undefinedIfTooNew)),
  );
  const create = async (missing: readonly StoredRecord[]) =>
    missing.length === 0
      ? ok(undefined)
      : context.changes.create(actorOf(caller), missing).catch(undefinedIfTooNew);

  const all = await create(prepared.flatMap((each) => each?.missing ?? []));
  if (all?.ok === true) return prepared.map((each) => ok(each));
  const made: Outcome<ListedMembrane | undefined>[] = [];
  for (const each of prepared) {
    const created = each && (await create(each.missing));
    if (created?.ok === false && created.error.reason !== "lineage_dead")
      return [...made, err(denialOfCreation(created.error))];
    made.push(ok(created?.ok === true ? each : undefined));
  }
  return made;
}

/** A membrane of a delegate's page, and the capabilities that are not made yet. */
interface PreparedMembrane extends ListedMembrane {
  readonly missing: readonly StoredRecord[];
}

/**
 * The tokens are derived from the payload of the delegate's `query`, so that a repeated query finds the same ones.
 *
 * @returns nothing if the membrane died meanwhile.
 */
async function prepare(
  { vault }: ManagementContext,
  caller: Caller,
  keys: ParsedTenantKeys,
  membrane: StoredMembrane,
): Promise<PreparedMembrane | undefined> {
  const original = openTokens(keys, membrane);
  const tokens: MembraneTokens = {
    export: deriveToken(caller, keys, membrane, "export"),
    revoke: deriveToken(caller, keys, membrane, "revoke"),
  };
  const present = await Promise.all([vault.open(tokens.export), vault.open(tokens.revoke)]);
  if (present.every((opened) => opened !== undefined)) return { membrane, tokens, missing: [] };

  const [exporting, revoking] = await Promise.all([vault.open(original.export), vault.open(original.revoke)]);
  if (exporting === undefined || revoking === undefined) return undefined;
  const { uid, membrane: through } = caller.capability;
  if (through === undefined) throw new StoreCorruptError("a delegated capability went through no membrane");
  const rights = { resource: membrane.uid, createdBy: uid, membrane: through };
  const minted = [
    vault.mint(
      { ...rights, kind: "export", parent: exporting.capability.uid },
      exporting.payload,
      { inherited: exporting.limits },
      tokens.export,
    ).record,
    vault.mint(
      { ...rights, kind: "revoke", parent: revoking.capability.uid },
      revoking.payload,
      { inherited: revoking.limits },
      tokens.revoke,
    ).record,
  ];
  // One that is present under an older service key has another lookup id, and would be made a second time.
  return { membrane, tokens, missing: minted.filter((_record, at) => present[at] === undefined) };
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
