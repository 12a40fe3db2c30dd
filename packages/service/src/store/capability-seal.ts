import type { Capability } from "../domain/capability.ts";
import type { ExportTerms } from "../domain/limits.ts";
import { limitChain } from "../domain/limits.ts";
import type { CapabilityPayload } from "./codec/capability-payload.ts";
import { decodeCapabilityPayload, encodeCapabilityPayload } from "./codec/capability-payload.ts";
import type { TokenKeys } from "./keys.ts";
import type { StoredCapability } from "./record.ts";
import { associatedData } from "./record.ts";
import { seal, unseal } from "./seal.ts";
import { RecordTooNewError } from "./store.ts";

/** Seals what a capability carries under its token, in version 1 if nothing narrows it. */
export function sealCapability(
  capability: Capability,
  secret: Uint8Array,
  terms: ExportTerms,
  { lookupId, sealingKey }: TokenKeys,
): StoredCapability {
  const { own, label } = terms;
  const limits = limitChain(capability.uid, terms);
  if (limits.length === 0 && label === undefined) {
    const plain = { version: 1, ...capability };
    return { lookupId, sealed: seal(sealingKey, secret, associatedData(plain)), ...plain };
  }
  const expiresAt = own?.limits.expiresAt;
  const narrowed = { version: 2, ...capability, ...(expiresAt === undefined ? {} : { expiresAt }) };
  const payload = encodeCapabilityPayload({ secret, limits, ...(label === undefined ? {} : { label }) });
  return { lookupId, sealed: seal(sealingKey, payload, associatedData(narrowed)), ...narrowed };
}

/** Seals the same payload under another service key. @throws UnsealError if the key is not that of the capability's token. */
export function resealCapability(
  capability: StoredCapability,
  sealingKey: Buffer,
  to: TokenKeys,
): Pick<StoredCapability, "lookupId" | "sealed"> {
  const bound = associatedData(capability);
  const payload = unseal(sealingKey, capability.sealed, bound);
  return { lookupId: to.lookupId, sealed: seal(to.sealingKey, payload, bound) };
}

/**
 * @throws UnsealError if the key is not that of the capability's token.
 * @throws RecordTooNewError if a newer program wrote the payload: a limit that is not known cannot be checked.
 */
export function openCapability(capability: StoredCapability, sealingKey: Buffer): CapabilityPayload {
  const payload = unseal(sealingKey, capability.sealed, associatedData(capability));
  if (capability.version === 1) return { secret: payload, limits: [] };
  const opened = decodeCapabilityPayload(payload);
  if (opened === undefined) throw new RecordTooNewError(capability.uid);
  return opened;
}
