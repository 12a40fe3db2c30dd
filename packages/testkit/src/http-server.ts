import { HTTP_SERVERS } from "../../service/src/config.ts";
import type { HttpServer } from "../../service/src/service/options.ts";

/**
 * Returns the HTTP server in the variable of its flag, with which whole suites can run: services that a test starts as processes read the
 * variable themselves. Default: that of the flag.
 */
export function httpServerOfRun(): HttpServer {
  const name = process.env["MEMBRANE_HTTP_SERVER"] ?? "native";
  const server = HTTP_SERVERS.find((known) => known === name);
  if (server === undefined)
    throw new Error(`MEMBRANE_HTTP_SERVER: expected one of ${HTTP_SERVERS.join(", ")}`);
  return server;
}
