// All attacks, in the order in which they run: those in the same environment follow each other.
import { BODIES } from "./attacks/bodies.js";
import { CONFIGURATIONS } from "./attacks/configurations.js";
import { CONNECTIONS } from "./attacks/connections.js";
import { COUNTED_USES } from "./attacks/counted-uses.js";
import { FAILING_ENVIRONMENTS } from "./attacks/failing-environments.js";
import { TEXTS } from "./attacks/texts.js";
import { WRITES } from "./attacks/writes.js";

/** The results of an attack's preparation, which its process gets as JSON. */
/** @typedef {{ tokens: readonly string[], uri?: string }} Given */

/**
 * @typedef {object} Attack
 * @property {string} name
 * @property {import("./service-environments.js").EnvironmentName} [where] where the service runs; default: "ordinary"
 * @property {"invocations" | "revokes"} [measured] the requests of the other tenant; default: "invocations"
 * @property {(world: import("./scenario.js").Scenario) => Promise<Given>} prepare by the attacking tenant's ordinary means
 * @property {string} [accomplice] file of another program, which runs meanwhile with the data directory as its argument
 * @property {(client: import("./client.js").Client, given: Given) => void} act in the attacker's process
 * @property {Readonly<Record<string, number>>} shows the least counts that show that the attack took place: responses, `open`
 *   connections, `sentMB`
 */

/** @type {readonly Attack[]} */
export const ATTACKS = [
  ...TEXTS,
  ...BODIES,
  ...CONNECTIONS,
  ...CONFIGURATIONS,
  ...WRITES,
  ...COUNTED_USES,
  ...FAILING_ENVIRONMENTS,
];

/** @param {string} name */
export function attackNamed(name) {
  const attack = ATTACKS.find((one) => one.name === name);
  if (attack === undefined) throw new TypeError(`no such attack: ${name}`);
  return attack;
}
