import type { OwnedName } from "./engine.ts";
import type { StoredMembrane, StoredRecord, StoredTenant } from "./record.ts";

export function isNamed(record: StoredRecord | undefined): record is StoredTenant | StoredMembrane {
  return record?.type === "tenant" || record?.type === "membrane";
}

export function nameOf(
  record: Pick<StoredTenant, "type" | "name"> | Pick<StoredMembrane, "type" | "name" | "tenant">,
): OwnedName {
  return record.type === "membrane" ? { owner: record.tenant, name: record.name } : { name: record.name };
}
