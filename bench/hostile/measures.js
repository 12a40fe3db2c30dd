// The requests of the tenant that is not the attacker, and how long they take.
import { revoke } from "../gateways/membrane.js";
import { latency } from "../measure/latency.js";
import { quantile } from "../measure/statistics.js";
import { manyOf } from "./attacks/creation.js";

const SECONDS = Number(process.env["SECONDS"] ?? 5);
const INVOCATIONS = { rate: 100, seconds: SECONDS, connections: 16 };
const REVOKES_PER_SECOND = 100;

/** Before, during and after an attack. */
const STRETCHES = 3;

/**
 * The p99 of one stretch, in milliseconds.
 *
 * @typedef {() => Promise<number>} Measure
 */

/** @type {Readonly<Record<"invocations" | "revokes", (world: import("./scenario.js").Scenario) => Promise<Measure>>>} */
export const MEASURES = {
  async invocations({ service, other }) {
    return async () => (await latency({ ...service, token: other.token }, INVOCATIONS)).p99;
  },
  /** Each request revokes another membrane; all of them are created before. */
  async revokes({ service, other }) {
    const count = REVOKES_PER_SECOND * SECONDS;
    const ready = await manyOf(count * STRETCHES, (i) => other.revocable(`revoked ${i}`));
    return async () =>
      quantile(await timeAll(ready.splice(0, count), (token) => revoke(service, token)), 0.99);
  },
};

/**
 * Sends requests at a fixed rate: a slow one does not delay the next ones.
 *
 * @param {readonly string[]} tokens
 * @param {(token: string) => Promise<void>} act
 */
async function timeAll(tokens, act) {
  const from = performance.now();
  return Promise.all(
    tokens.map(async (token, i) => {
      const due = from + (i * 1000) / REVOKES_PER_SECOND;
      await new Promise((resolve) => setTimeout(resolve, due - performance.now()));
      await act(token);
      return performance.now() - due;
    }),
  );
}
