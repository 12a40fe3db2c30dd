import { evaluateLineage } from "../../domain/lineage.ts";
import type { Uid } from "../../domain/uid.ts";
import type { NamePage, OwnedName, Snapshot } from "../engine.ts";
import type { StoredMembrane, StoredRecord, StoredTenant } from "../record.ts";
import type { MembranePage, MembranePageRequest } from "../store.ts";
import { StoreCorruptError } from "../store.ts";
import { skipTooNew } from "../unusable-records.ts";
import type { FindRecord } from "./records.ts";
import { memoizedRecords } from "./records.ts";

/** How many names one snapshot has at most: each comes with its lineage. */
const MAX_PAGE_SIZE = 256;

/** What one page of names adds to a list, and which page to read for the rest of it. */
export interface ListStep<T> {
  readonly listed: readonly T[];
  /** Absent: the list is as long as it may be, or nothing follows. */
  readonly next?: NamePage;
}

/** Picks what belongs to a list from what has a name. */
type Select<T> = (record: StoredRecord, find: FindRecord) => T | undefined;

export const FIRST_TENANTS: NamePage = { limit: MAX_PAGE_SIZE };

/** Tenants that are alive, without those that are too new. */
export function listTenants(snapshot: Snapshot, page: NamePage, now: number): ListStep<StoredTenant> {
  return listNames(snapshot, page, Infinity, (record, find) =>
    record.type === "tenant" && isListable(record, find, now) ? record : undefined,
  );
}

/** The names to read first. One more than the limit tells whether any follows. */
export function firstMembranes(tenant: Uid, { lastId, limit }: MembranePageRequest): NamePage {
  return { owner: tenant, after: lastId, limit: Math.min(limit + 1, MAX_PAGE_SIZE) };
}

/** @param listedBefore how many earlier pages of names have given. */
export function listMembranes(
  snapshot: Snapshot,
  page: NamePage,
  request: MembranePageRequest,
  listedBefore: number,
  now: number,
): ListStep<StoredMembrane> {
  return listNames(snapshot, page, request.limit + 1 - listedBefore, (record, find) =>
    selectMembrane(record, request, find, now),
  );
}

/** @param listed one more than the limit, if there are as many. */
export function membranePage(listed: readonly StoredMembrane[], limit: number): MembranePage {
  return { membranes: listed.slice(0, limit), completed: listed.length <= limit };
}

/** The membrane of one name, as a page. */
export function findMembrane(
  snapshot: Snapshot,
  name: OwnedName,
  request: MembranePageRequest,
  now: number,
): MembranePage {
  const record = readHolder(snapshot, snapshot.holderOf(name));
  const membrane = record && selectMembrane(record, request, snapshot.record, now);
  return membranePage(membrane === undefined ? [] : [membrane], request.limit);
}

function listNames<T>(snapshot: Snapshot, page: NamePage, wanted: number, select: Select<T>): ListStep<T> {
  const find = memoizedRecords(snapshot);
  const names = snapshot.names(page);
  const listed: T[] = [];
  for (const { holder } of names) {
    const record = readHolder(snapshot, holder);
    const item = record && select(record, find);
    if (item !== undefined) listed.push(item);
    if (listed.length === wanted) return { listed };
  }
  const last = names.at(-1);
  if (last === undefined || names.length < page.limit) return { listed };
  // Most of a page is listed, unless much of what is dead was not swept yet: then larger pages find the rest sooner.
  return { listed, next: { ...page, after: last.name, limit: Math.min(2 * page.limit, MAX_PAGE_SIZE) } };
}

function readHolder(snapshot: Snapshot, holder: Uid | undefined): StoredRecord | undefined {
  return holder === undefined ? undefined : skipTooNew(() => snapshot.record(holder));
}

function selectMembrane(
  record: StoredRecord,
  { recipientKey }: MembranePageRequest,
  find: FindRecord,
  now: number,
): StoredMembrane | undefined {
  if (record.type !== "membrane") throw new StoreCorruptError("a name of a tenant leads to no membrane");
  const isReadable = recipientKey === undefined || record.recipientKey.equals(recipientKey);
  return isReadable && isListable(record, find, now) ? record : undefined;
}

function isListable(record: StoredRecord, find: FindRecord, now: number): boolean {
  return skipTooNew(() => evaluateLineage(record, find, now).ok) === true;
}
