import type { Target, TargetContent } from "../domain/target.ts";
import { decodeTargetPayload, encodeTargetPayload } from "./codec/target-payload.ts";
import type { StoredTarget } from "./record.ts";
import { associatedData } from "./record.ts";
import { seal, unseal } from "./seal.ts";
import { RecordTooNewError } from "./store.ts";
import { readTargetVersion1 } from "./upgrades/target-1.ts";

/** A target whose payload was opened. */
export interface OpenedTarget {
  /** Absent: an early export accepted the target, and it is not sent any more. */
  readonly content?: TargetContent;
  /** Length of the payload. */
  readonly bytes: number;
}

/** Seals what a target says under its data key. */
export function sealTarget(target: Target, content: TargetContent, dataKey: Uint8Array): StoredTarget {
  const { version, payload } = encodeTargetPayload(content);
  const versioned = { version, ...target };
  return { sealed: seal(dataKey, payload, associatedData(versioned)), ...versioned };
}

/**
 * @throws UnsealError if the data key is not the target's.
 * @throws RecordTooNewError if a newer program wrote the payload.
 */
export function openTarget(target: StoredTarget, dataKey: Uint8Array): OpenedTarget {
  const payload = unseal(dataKey, target.sealed, associatedData(target));
  const bytes = payload.length;
  if (target.version === 1) {
    const content = readTargetVersion1(payload);
    return content === undefined ? { bytes } : { content, bytes };
  }
  const content = decodeTargetPayload(payload, target.version);
  if (content === undefined) throw new RecordTooNewError(target.uid);
  return { content, bytes };
}
