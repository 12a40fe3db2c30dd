// Prints free ports of loopback. Argument: how many, two if there is none.
import { once } from "node:events";
import { createServer } from "node:net";

const servers = Array.from({ length: Number(process.argv[2] ?? 2) }, () =>
  createServer().listen(0, "127.0.0.1"),
);
await Promise.all(servers.map((server) => once(server, "listening")));
const ports = servers.map((server) => {
  const address = server.address();
  return typeof address === "object" ? address?.port : undefined;
});
console.log(ports.join(" "));
for (const server of servers) server.close();
