import type { Kind } from "../../service/src/domain/capability.ts";
import type { CallOptions } from "./client.ts";

/** Requests without a side effect whose status shows whether a capability of the kind works (401 if it does not). */
export const PROBES: Readonly<Record<Kind, { readonly alive: number; readonly options: CallOptions }>> = {
  provision: { alive: 400, options: { body: {} } },
  create: { alive: 400, options: { body: {} } },
  export: { alive: 400, options: { body: {} } },
  query: { alive: 200, options: { path: "/?id=unknown" } },
  deleteSelf: { alive: 405, options: { method: "PUT" } },
  revoke: { alive: 405, options: { method: "PUT" } },
  invoke: { alive: 200, options: {} },
};
