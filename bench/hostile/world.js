// A service, the tenant that attacks and the one that does not.
import { createMembrane, exportThrough, provisionTenant, uriOf } from "../gateways/membrane.js";
import { openPlace } from "./places.js";

/** @typedef {Awaited<ReturnType<typeof openWorld>>} World */
/** @typedef {Awaited<ReturnType<typeof import("./targets.js").startTargets>>} Targets */

/**
 * @param {import("./places.js").PlaceName} where
 * @param {Targets} targets
 */
export async function openWorld(where, targets) {
  const { begun, service } = await openPlace(where);
  const steady = await createMembrane(service, begun.create, "steady");
  const { create, query } = await provisionTenant(service, begun.provision, "hostile");
  const hostile = await createMembrane(service, create, "hostile");
  return {
    where,
    service,
    data: begun.data,
    targets,
    /** What the tenant that is not attacked uses. */
    other: {
      token: await exportThrough(service, steady.export, { uri: targets.plain }),
      /** @param {string} id @returns {Promise<string>} what revokes a new membrane */
      revocable: async (id) => (await createMembrane(service, begun.create, id)).revoke,
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
