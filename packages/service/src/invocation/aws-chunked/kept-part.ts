import type { PayloadPlan } from "capability-protocol/signers";
import { STREAMING_UNSIGNED_PAYLOAD_TRAILER } from "capability-protocol/signers";

/** What a target gets of an aws-chunked body: its content alone, or its chunks and trailers without signatures. */
export type KeptPart = "content" | "chunks";

export function keptPart(plan: PayloadPlan): KeptPart {
  const isFramed = plan.kind === "precomputed" && plan.value === STREAMING_UNSIGNED_PAYLOAD_TRAILER;
  return isFramed ? "chunks" : "content";
}
