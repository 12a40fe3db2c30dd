import type { IncomingMessage } from "node:http";

/** Whether a request asked for another protocol, whatever came of it. */
export function asksForUpgrade(request: IncomingMessage): boolean {
  return "asksForUpgrade" in request && request.asksForUpgrade === true;
}

/**
 * Makes a class of requests of which only some give up their connection to another protocol. Node asks a request through `upgrade`,
 * after it has set it to what the client asked for, and treats all others as if they had not asked. (A callback for that exists
 * only from Node 24 on; with a plain listener for `upgrade`, an offer of HTTP/2 would end HTTP on its connection.)
 *
 * @param isHandshake called once for each request that asks for another protocol.
 */
export function createUpgradableRequest(
  Base: typeof IncomingMessage,
  isHandshake: (request: IncomingMessage) => boolean,
): typeof IncomingMessage {
  return class UpgradableRequest extends Base {
    /** What Node's parser found. Only declared, since Node's constructor sets it, and a field would overwrite it. */
    declare asksForUpgrade: boolean | null;
    declare isGranted: boolean | undefined;

    get upgrade(): boolean {
      if (this.asksForUpgrade !== true) return false;
      return (this.isGranted ??= this.method === "CONNECT" || isHandshake(this));
    }

    set upgrade(value: boolean | null) {
      this.asksForUpgrade = value;
    }
  };
}
