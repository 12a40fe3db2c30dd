// A service, the tenant that attacks and the one that does not.
import { createMembrane, exportThrough, provisionTenant, uriOf } from "../gateways/membrane.js";
import { startInEnvironment } from "./service-environments.js";

/** @typedef {Awaited<ReturnType<typeof startScenario>>} Scenario */
/** @typedef {Awaited<ReturnType<typeof import("./targets.js").startTargets>>} Targets */

/**
 * @param {import("./service-environments.js").EnvironmentName} where
 * @param {Targets} targets
 */
export async function startScenario(where, targets) {
  const { store, service } = await startInEnvironment(where);
  const steady = await createMembrane(service, store.create, "steady");
  const { create, query } = await provisionTenant(service, store.provision, "hostile");
  const hostile = await createMembrane(service, create, "hostile");
  return {
    where,
    service,
    data: store.data,
    targets,
    /** What the tenant that is not attacked uses. */
    other: {
      token: await exportThrough(service, steady.export, { uri: targets.plain }),
      /** @param {string} id @returns {Promise<string>} what revokes a new membrane */
      revocable: async (id) => (await createMembrane(service, store.create, id)).revoke,
    },
    /** What the tenant that attacks has. */
    own: {
      create,
      queryUri: uriOf(query),
      export: hostile.export,
      /** @param {object} target */
      exported: (target) => exportThrough(service, hostile.export, target),
      /** @param {string} id */
      membrane: (id) => createMembrane(service, create, id),
    },
  };
}
