// A service, the attacking tenant and the other one.
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
    /** Capabilities of the other tenant. */
    other: {
      token: await exportThrough(service, steady.export, { uri: targets.plain }),
      /** @param {string} id @returns {Promise<string>} token that revokes a new membrane */
      revocable: async (id) => (await createMembrane(service, store.create, id)).revoke,
    },
    /** Capabilities of the attacking tenant. */
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
