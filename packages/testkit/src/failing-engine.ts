import type { OpenEngine } from "../../service/src/commands/directory-place.ts";
import type { Engine } from "../../service/src/store/engine.ts";
import { openLmdbEngine } from "../../service/src/store/lmdb/engine.ts";

/** Opens LMDB, with counts of uses that fail while there is an error. */
export interface FailingEngine {
  readonly open: OpenEngine;
  error: Error | undefined;
}

export function createFailingEngine(): FailingEngine {
  const failing: FailingEngine = {
    error: undefined,
    open: async (options) => {
      const engine = await openLmdbEngine(options);
      const write: Engine["write"] = (request, decide) =>
        failing.error !== undefined && request.class === "use"
          ? Promise.reject(failing.error)
          : engine.write(request, decide);
      return { ...engine, write };
    },
  };
  return failing;
}
