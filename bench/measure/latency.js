import { apply } from "./load.js";

/**
 * Measures latency, in milliseconds, at a fixed rate that every gateway can sustain. A closed loop would send fewer requests to
 * the slow side, and hide it.
 *
 * @param {import("../gateways/start.js").Gateway} gateway
 * @param {{ rate: number, seconds: number, connections: number }} how `rate` in requests a second
 */
export async function latency(gateway, how) {
  const { p50, p99, p999 = Number.NaN, perSecond } = await apply({ ...gateway, ...how });
  return { name: gateway.name, p50, p99, p999, perSecond };
}
