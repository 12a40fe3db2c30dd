import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { connect, createServer } from "node:tls";
import type { TLSSocket } from "node:tls";
import { expect, test } from "vitest";
import { makeCertificate } from "../../../../testkit/src/tls-target.ts";
import { joinSmallReads } from "./joined-reads.ts";

const RECORDS = 4_000;

test("TLS records of one byte that wait are read as a few pieces, in their order", async () => {
  const certificate = await makeCertificate("127.0.0.1");
  const server = createServer(certificate);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const client = connect({
    port: (server.address() as AddressInfo).port,
    host: "127.0.0.1",
    ca: certificate.ca,
  });
  const [socket] = (await once(server, "secureConnection")) as [TLSSocket];
  joinSmallReads(socket);
  const arrived = countArrivals(socket, RECORDS);
  socket.pause();
  socket.read(0);
  // One after the other: what waits together is one record.
  for (let i = 0; i < RECORDS; i += 1)
    await new Promise((resolve) => {
      client.write(Buffer.of(i % 251), resolve);
    });
  client.end();
  await arrived;
  const pieces: Buffer[] = [];
  socket.on("data", (chunk: Buffer) => pieces.push(chunk));
  socket.resume();
  await once(socket, "end");
  const all = Buffer.concat(pieces);
  expect(all.length).toBe(RECORDS);
  expect(all.every((byte, i) => byte === i % 251)).toBe(true);
  expect(pieces.length).toBeLessThan(RECORDS / 10);
  socket.destroy();
  server.close();
});

/** Resolves when this many bytes have come from the other side, whether they are read or not. */
function countArrivals(socket: TLSSocket, expected: number): Promise<void> {
  const push = socket.push.bind(socket);
  let bytes = 0;
  return new Promise((resolve) => {
    socket.push = (chunk: unknown, encoding?: BufferEncoding) => {
      if (Buffer.isBuffer(chunk)) bytes += chunk.length;
      if (bytes === expected) resolve();
      return push(chunk, encoding);
    };
  });
}
