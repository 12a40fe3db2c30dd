import type { Server, Socket } from "node:net";
import type { Cidr } from "../../net/address.ts";
import { addressKey, isInAny, parsePeerAddress } from "../../net/peer-address.ts";

/**
 * Closes the connections that one address opens beyond `perAddress`, so that it cannot take those of all others. This is
 * checked before TLS, so that an attacker cannot make the service compute handshakes.
 *
 * @param trustedProxies are not counted: many clients share one of them.
 * @param onRefused called for each connection that is closed.
 */
export function limitConnections(
  server: Server,
  perAddress: number,
  trustedProxies: readonly Cidr[],
  onRefused: () => void,
): void {
  const open = new Map<string, number>();
  server.on("connection", (socket: Socket) => {
    const address = parsePeerAddress(socket.remoteAddress ?? "");
    if (address === undefined || isInAny(address, trustedProxies)) return;
    const key = addressKey(address);
    const count = open.get(key) ?? 0;
    if (count >= perAddress) {
      onRefused();
      return void socket.destroy();
    }
    open.set(key, count + 1);
    socket.once("close", () => {
      const remaining = (open.get(key) ?? 1) - 1;
      if (remaining === 0) open.delete(key);
      else open.set(key, remaining);
    });
  });
}
