import type { buildConnector } from "undici";
import type { Connector } from "../../service/src/egress/connector.ts";
import { targetOrigin } from "./target-origin.ts";

/** Makes the connector an option of undici's pool, which calls it with the parts of a URL. */
export function undiciConnect(connector: Connector): buildConnector.connector {
  return ({ hostname, protocol, port }, callback) => {
    const scheme = protocol === "https:" ? "https" : "http";
    const number = port === "" ? (scheme === "https" ? 443 : 80) : Number(port);
    connector(targetOrigin(hostname, number, scheme), (...made) => callback(...made));
  };
}
