import { join } from "node:path";
import { pathToFileURL } from "node:url";

/** @typedef {typeof import("./membrane.js") & typeof import("./start.js")} Gateways */

/**
 * The gateways of a built checkout, this one or another.
 *
 * @param {string} checkout
 * @returns {Promise<Gateways>}
 */
export async function loadGateways(checkout) {
  const folder = pathToFileURL(join(checkout, "bench/gateways/")).href;
  return { ...(await import(`${folder}membrane.js`)), ...(await import(`${folder}start.js`)) };
}
