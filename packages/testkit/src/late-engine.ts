import type { Engine } from "../../service/src/store/engine.ts";
import type { LmdbEngineOptions } from "../../service/src/store/lmdb/engine.ts";
import { openLmdbEngine } from "../../service/src/store/lmdb/engine.ts";
import { loadForRead, loadForWrite } from "./loaded-snapshot.ts";

/**
 * LMDB as if it were over a network: every operation resolves later; a decision sees a copy of what its request names, and throws
 * where it reads anything else; the position of the log is not known at the start and after each revoke, until it was refreshed.
 */
export async function openLateEngine(options: LmdbEngineOptions): Promise<Engine> {
  const engine = await openLmdbEngine(options);
  let isPositionKnown = false;

  return {
    id: engine.id,
    position: () => (isPositionKnown ? engine.position() : undefined),
    revocationsSince: engine.revocationsSince,
    async refresh() {
      await travel();
      isPositionKnown = true;
    },
    async isEmpty() {
      await travel();
      return engine.isEmpty();
    },
    async read(request, decide) {
      await travel();
      const snapshot = await engine.read(request, (source) => loadForRead(source, request));
      await travel();
      return decide(snapshot);
    },
    async write(request, decide) {
      await travel();
      let isRevoke = false;
      const result = await engine.write(request, (source) => {
        const decision = decide(loadForWrite(source, request));
        isRevoke = decision.changes.some(({ type }) => type === "appendToLog");
        return decision;
      });
      if (isRevoke) isPositionKnown = false;
      await travel();
      return result;
    },
    close: engine.close,
  };
}

/** As long as a message takes, at the least; what was sent first arrives first. */
function travel(): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, 1);
  });
}
