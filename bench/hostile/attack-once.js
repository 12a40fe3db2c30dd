// One attack on one service, from its preparation to the check that the service has survived it.
import { fileURLToPath } from "node:url";
import { revoke } from "../gateways/membrane.js";
import { endOf, endProgram, startProgram } from "../gateways/start.js";
import { anonymousBytes } from "../measure/process.js";
import { MEASURES } from "./measures.js";

/** @typedef {import("./scenario.js").Scenario} Scenario */
/** @typedef {import("./attacks.js").Attack} Attack */

const ATTACKER = fileURLToPath(new URL("attacker.js", import.meta.url));
/** How long an attack runs before its effect is measured: it holds all its resources by then. */
const SETTLE_MS = 4_000;
/** How long the rest of an attack may take to end before the quiet stretch. */
const REST_MS = 1_000;
const LOOK_MS = 200;
/** How often a revoke after an attack is tried; the service responds to each within seconds. */
const MAX_ATTEMPTS = 5;
const ATTEMPT_TIMEOUT_MS = 10_000;

/**
 * @param {Attack} attack
 * @param {Scenario} scenario
 * @param {number | undefined} quiet p99 of the quiet stretch just before, if there was one
 */
export async function attackOnce(
  { name, measured = "invocations", prepare, accomplice: program, shows },
  scenario,
  quiet,
) {
  const { service, other } = scenario;
  const measure = await MEASURES[measured](scenario);
  const spare = await other.revocable(`spare ${name}`);
  const given = await prepare(scenario);
  const isKnown = quiet !== undefined && measured === "invocations";
  const before = isKnown ? quiet : await measure();

  const accomplice =
    program === undefined ? undefined : await startProgram("accomplice", [program, scenario.data]);
  const env = { ATTACK: JSON.stringify({ name, port: service.port, given }) };
  const attacker = await startProgram("attacker", [ATTACKER], { env });
  await pause(SETTLE_MS);
  const memory = watchMemory(service.pid);
  const during = await measure().catch(() => Number.NaN);
  /** @type {any} */
  const counted = await (await fetch(attacker.url)).json();
  /** @type {import("./client.js").Counts} */
  const counts = counted;
  const memoryMiB = memory.end() / MIB;
  await endProgram(attacker);
  if (accomplice !== undefined) await endProgram(accomplice);

  const deaf = await revokeAtLast(service, spare);
  await pause(REST_MS);
  const after = await measure().catch(() => Number.NaN);
  return { p99: { before, during, after }, counts, shows, memoryMiB, deaf, death: endOf(service) };
}

const MIB = 1024 * 1024;

/** Records the most memory that a process takes. @param {number} pid */
function watchMemory(pid) {
  let most = 0;
  const look = setInterval(() => {
    most = Math.max(most, anonymousBytes(pid));
  }, LOOK_MS);
  return {
    end() {
      clearInterval(look);
      return most;
    },
  };
}

/**
 * Revokes, with retries. Returns what the revoke got in place of a 202, each time; nothing if it was acknowledged.
 *
 * @param {import("../gateways/membrane.js").Service} service
 * @param {string} token
 */
async function revokeAtLast(service, token) {
  const refusals = [];
  for (let i = 0; i < MAX_ATTEMPTS; i += 1) {
    const refusal = await revoke(service, token, { signal: AbortSignal.timeout(ATTEMPT_TIMEOUT_MS) }).then(
      () => undefined,
      (/** @type {Error} */ error) => error.message,
    );
    if (refusal === undefined) return undefined;
    refusals.push(refusal);
  }
  return refusals.join("; ");
}

/** @param {number} ms */
function pause(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
