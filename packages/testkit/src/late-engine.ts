import type { Engine } from "../../service/src/store/engine.ts";
import type { LmdbEngineOptions } from "../../service/src/store/lmdb/engine.ts";
import { openLmdbEngine } from "../../service/src/store/lmdb/engine.ts";
import { loadForRead, loadForWrite } from "./loaded-snapshot.ts";

/**
 * Opens LMDB as if over a network: every operation resolves later. A decision gets a copy of the records that its request names,
 * and throws if it reads another one. The position of the log is unknown at the start and after each revoke, until a refresh.
 */
export async function openLateEngine(options: LmdbEngineOptions): Promise<Engine> {
  const engine = await openLmdbEngine(options);
  let isPositionKnown = false;

  return {
    id: engine.id,
    keys: engine.keys,
    position: () => (isPositionKnown ? engine.position() : undefined),
    positionMaxAgeMs: engine.positionMaxAgeMs,
    positionFailure: engine.positionFailure,
    revocationsSince: engine.revocationsSince,
    status: engine.status,
    leaseAgeMs: engine.leaseAgeMs,
    async refresh() {
      await travel();
      isPositionKnown = true;
    },
    async isEmpty() {
      await travel();
      return engine.isEmpty();
    },
    async auditHeads() {
      await travel();
      return engine.auditHeads();
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

/** Waits for at least the time of a message. Messages arrive in the order in which they were sent. */
function travel(): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, 1);
  });
}
