import type { Server, Socket } from "node:net";
import type { Cidr } from "../../net/address.ts";
import { addressKey, isInAny, parsePeerAddress } from "../../net/peer-address.ts";

/**
 * Closes what one address opens beyond `perAddress` connections, so that it cannot take the places of all others. The
 * connection itself is judged, before TLS: a handshake is what an attacker would have us pay for.
 *
 * @param trustedProxies are not counted: behind one of them stand many clients.
 */
export function limitConnections(server: Server, perAddress: number, trustedProxies: readonly Cidr[]): void {
  const open = new Map<string, number>();
  server.on("connection", (socket: Socket) => {
    const address = parsePeerAddress(socket.remoteAddress ?? "");
    if (address === undefined || isInAny(address, trustedProxies)) return;
    const key = addressKey(address);
    const count = open.get(key) ?? 0;
    if (count >= perAddress) return void socket.destroy();
    open.set(key, count + 1);
    socket.once("close", () => {
      const remaining = (open.get(key) ?? 1) - 1;
      if (remaining === 0) open.delete(key);
      else open.set(key, remaining);
    });
  });
}
