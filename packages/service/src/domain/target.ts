import type { AuthorityCapabilityUri, ExportRequest, TargetConfiguration } from "capability-protocol";
import type { Uid } from "./uid.ts";

/** What exported capabilities represent, as a node of lineages. Its {@link TargetContent} is sealed. */
export interface Target {
  readonly type: "target";
  readonly uid: Uid;
  readonly membrane: Uid;
  /** The `export` capability that made it. */
  readonly createdBy: Uid;
}

/** What a target leads to: an upstream request, or a capability of another authority. */
export type TargetContent =
  | { readonly kind: "configured"; readonly configuration: TargetConfiguration }
  | {
      readonly kind: "federated";
      readonly capability: Pick<AuthorityCapabilityUri, "authority" | "token">;
    };

export function contentOf(request: ExportRequest): TargetContent {
  return request.kind === "target"
    ? { kind: "configured", configuration: request.target }
    : { kind: "federated", capability: request.capability };
}
