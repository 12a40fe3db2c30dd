import { apply } from "./load.js";

/**
 * Latency at a fixed rate that everything measured can keep up with, in milliseconds; a closed loop would ask less often of
 * the slow side, and hide it.
 *
 * @param {import("../gateways/start.js").Gateway} gateway
 * @param {{ rate: number, seconds: number, connections: number }} how `rate` in requests a second
 */
export async function latency(gateway, how) {
  const { p50, p99, p999 = Number.NaN, perSecond } = await apply({ ...gateway, ...how });
  return { name: gateway.name, p50, p99, p999, perSecond };
}
