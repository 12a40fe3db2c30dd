import { once } from "node:events";
import { connect, createServer } from "node:net";
import type { AddressInfo, Socket } from "node:net";
import { uriOf } from "../../../testkit/src/client.ts";
import { startTestService } from "../../../testkit/src/service.ts";
import type { TestService } from "../../../testkit/src/service.ts";
import { makeCertificate } from "../../../testkit/src/tls-target.ts";
import type { TestCertificate } from "../../../testkit/src/tls-target.ts";

/** A service over TLS that is reached at its authority. */
export interface TlsService extends AsyncDisposable {
  readonly service: TestService;
  /** `localhost:PORT` */
  readonly authority: string;
  /** PEM of the private CA that issued its certificate. */
  readonly ca: string;
  /** The first tenant's capabilities, as URIs. */
  readonly create: string;
  readonly query: string;
  readonly deleteSelf: string;
  /** Connections accepted so far. */
  readonly connections: () => number;
}

/** Starts a service behind a forwarder: its authority must be known before it listens, so the forwarder's port is in it. */
export async function startTlsService(): Promise<TlsService> {
  const certificate: TestCertificate = await makeCertificate("localhost", "127.0.0.1");
  const forwarder = await startPortForwarder();
  const authority = `localhost:${forwarder.port}`;
  const service = await startTestService({ authority, tls: certificate });
  forwarder.forwardTo(service.port);
  return {
    service,
    authority,
    ca: certificate.ca,
    create: uriOf(service, service.tokens.create),
    query: uriOf(service, service.tokens.query),
    deleteSelf: uriOf(service, service.tokens.deleteSelf),
    connections: forwarder.connections,
    async [Symbol.asyncDispose]() {
      await forwarder[Symbol.asyncDispose]();
      await service.close();
    },
  };
}

interface PortForwarder extends AsyncDisposable {
  readonly port: number;
  readonly connections: () => number;
  forwardTo(port: number): void;
}

async function startPortForwarder(): Promise<PortForwarder> {
  let connections = 0;
  let destination = 0;
  const sockets = new Set<Socket>();
  const join = (from: Socket, to: Socket): void => {
    sockets.add(from);
    from.on("error", () => to.destroy());
    from.on("close", () => {
      sockets.delete(from);
      to.destroy();
    });
    from.pipe(to);
  };
  const server = createServer((client) => {
    connections += 1;
    const upstream = connect({ port: destination, host: "127.0.0.1" });
    join(client, upstream);
    join(upstream, client);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    port,
    connections: () => connections,
    forwardTo(to) {
      destination = to;
    },
    async [Symbol.asyncDispose]() {
      sockets.forEach((socket) => socket.destroy());
      server.close();
      await once(server, "close");
    },
  };
}
